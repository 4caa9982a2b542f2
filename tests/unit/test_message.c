/* The wire format: what one side writes the other reads, and nothing else passes. */
#include <stdlib.h>

#include "crc32.h"
#include "message.h"
#include "tap.h"
#include "xalloc.h"

static const struct message_key key = {7, 2, 0xfeedfacecafebeefU};

static void put_result(struct buf *out)
{
    struct message_writer w = message_begin(out, MSG_RESULT);
    message_key(&w, key);
    message_u64(&w, TAG_CODE, 3);
    message_str(&w, TAG_REASON, "why not");
    message_str(&w, TAG_USER, NULL);
    message_bytes(&w, TAG_DATA, "a\0b", 3);
    message_end(&w);
}

static void test_fields(void)
{
    struct buf b = {0};
    struct message_reader r = {0};
    struct message m;
    struct message_field f;
    struct err err;
    put_result(&b);
    tap_ok(message_next(&r, &b, &m, &err) == 1 && m.type == MSG_RESULT, "a message comes back");
    struct message_key got = message_get_key(&m);
    tap_ok(got.run == key.run && got.attempt == key.attempt && got.token == key.token,
           "with its key");
    tap_int((long long)message_get_u64(&m, TAG_CODE, 0), 3, "and its numbers");
    tap_int((long long)message_get_u64(&m, TAG_SIGNAL, 9), 9, "an absent number is what one says");
    char *text = message_get_str(&m, TAG_REASON);
    tap_str(text, "why not", "and its text");
    free(text);
    tap_str(message_get_str(&m, TAG_USER), NULL, "a NULL string makes no field");
    tap_str(message_get_str(&m, TAG_DATA), NULL, "bytes with a NUL are no string");
    tap_ok(message_get(&m, TAG_DATA, &f) && f.len == 3 && memcmp(f.p, "a\0b", 3) == 0,
           "but they are there");
    tap_int(message_next(&r, &b, &m, &err), 0, "after it there is nothing");
    message_reader_free(&r);
    buf_free(&b);
}

/* Fed one byte at a time, two messages come out where they end and not before. */
static void test_pieces(void)
{
    struct buf whole = {0}, in = {0};
    struct message_reader r = {0};
    struct message m;
    struct err err;
    put_result(&whole);
    put_result(&whole);
    size_t half = whole.len / 2, seen = 0;
    bool in_time = true;
    for (size_t i = 0; i < whole.len; i++) {
        buf_add(&in, buf_data(&whole) + i, 1);
        int rc = message_next(&r, &in, &m, &err);
        in_time = in_time && rc == (i + 1 == half || i + 1 == whole.len);
        seen += rc == 1;
    }
    tap_ok(in_time && seen == 2, "messages that come byte by byte are read when they are whole");
    message_reader_free(&r);
    buf_free(&in);
    buf_free(&whole);
}

static void test_long(void)
{
    enum { LEN = 300000 };
    struct buf b = {0};
    struct message_reader r = {0};
    struct message m;
    struct message_field f;
    struct err err;
    char *data = xmalloc(LEN);
    for (size_t i = 0; i < LEN; i++)
        data[i] = (char)(i * 7);
    struct message_writer w = message_begin(&b, MSG_START);
    message_bytes(&w, TAG_TEXT, data, LEN);
    message_end(&w);
    put_result(&b);
    tap_ok(message_next(&r, &b, &m, &err) == 1 && message_get(&m, TAG_TEXT, &f) && f.len == LEN &&
               memcmp(f.p, data, LEN) == 0,
           "a message longer than a frame comes back whole");
    tap_ok(message_next(&r, &b, &m, &err) == 1 && m.type == MSG_RESULT, "and so does the next");
    free(data);
    message_reader_free(&r);
    buf_free(&b);
}

static int read_bytes(const void *p, size_t len, struct err *err)
{
    struct buf b = {0};
    struct message_reader r = {0};
    struct message m;
    buf_add(&b, p, len);
    int rc;
    do
        rc = message_next(&r, &b, &m, err);
    while (rc > 0);
    message_reader_free(&r);
    buf_free(&b);
    return rc;
}

static void test_damage(void)
{
    struct buf b = {0};
    struct err err;
    put_result(&b);
    unsigned char *p = (unsigned char *)buf_data(&b);
    bool all = true;
    for (size_t i = 0; i < b.len * 8; i++) {
        p[i / 8] ^= (unsigned char)(1 << i % 8);
        int rc = read_bytes(p, b.len, &err);
        p[i / 8] ^= (unsigned char)(1 << i % 8);
        /* a length that grew makes a frame that never becomes whole */
        all = all && (rc == ERR_DATA || (i < 32 && rc == 0));
    }
    tap_ok(all, "every single wrong bit is noticed");
    const unsigned char huge[FRAME_HEADER] = {0x7f, 0xff, 0xff, 0xff};
    tap_ok(read_bytes(huge, sizeof huge, &err) == ERR_DATA,
           "a frame over the limit is refused by its header");
    buf_free(&b);
}

/* A frame with a right checksum whose payload is not a list of fields. */
static int read_payload(const void *payload, size_t len, unsigned flags, int times)
{
    struct buf b = {0};
    struct err err;
    for (int i = 0; i < times; i++) {
        unsigned char h[FRAME_HEADER] = {0};
        h[0] = (unsigned char)(len >> 24);
        h[1] = (unsigned char)(len >> 16);
        h[2] = (unsigned char)(len >> 8);
        h[3] = (unsigned char)len;
        h[4] = MSG_START;
        h[5] = (unsigned char)flags;
        uint32_t crc = crc32_update(crc32_update(0, h, 8), payload, len);
        for (int k = 0; k < 4; k++)
            h[8 + k] = (unsigned char)(crc >> (24 - 8 * k));
        buf_add(&b, h, sizeof h);
        buf_add(&b, payload, len);
    }
    int rc = read_bytes(buf_data(&b), b.len, &err);
    buf_free(&b);
    return rc;
}

static void test_lies(void)
{
    static unsigned char zeros[FRAME_MAX - FRAME_HEADER];
    const unsigned char cut[] = {0, TAG_TEXT, 0, 0, 0, 9, 'x'};
    const unsigned char vast[] = {0, TAG_TEXT, 0xff, 0xff, 0xff, 0xff, 'x'};
    const unsigned char stub[] = {0, TAG_TEXT, 0};
    tap_int(read_payload(cut, sizeof cut, 0, 1), ERR_DATA,
            "a field longer than the payload is refused");
    tap_int(read_payload(vast, sizeof vast, 0, 1), ERR_DATA, "a field of 4 GB is refused");
    tap_int(read_payload(stub, sizeof stub, 0, 1), ERR_DATA, "half a field header is refused");
    tap_int(read_payload(zeros, sizeof zeros, 1, MESSAGE_MAX / (int)sizeof zeros + 1), ERR_DATA,
            "a message that never ends is refused at its limit");
    tap_int(read_payload("", 0, 0, 3), 0, "a message without fields is one");
    tap_int(read_payload("", 0, 1, 3), 0, "empty frames that announce more do no harm");
}

static void test_keys(void)
{
    struct buf keys = {0};
    message_pack_key(&keys, key);
    struct message_key got = message_unpack_key((unsigned char *)buf_data(&keys));
    tap_ok(keys.len == MESSAGE_KEY_SIZE && got.run == key.run && got.attempt == key.attempt &&
               got.token == key.token,
           "a packed key comes back");
    buf_free(&keys);
    tap_int(crc32_update(0, "123456789", 9), 0xCBF43926LL, "the checksum is the CRC-32 of zlib");
}

int main(void)
{
    test_fields();
    test_pieces();
    test_long();
    test_damage();
    test_lies();
    test_keys();
    return tap_done();
}
