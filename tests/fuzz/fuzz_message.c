/*
 * fuzz_message: any bytes as frames, and as what a login prints before them. What is accepted is written
 * again to the same bytes; whatever the pieces are in which it comes, the same messages are read; nothing is
 * held that is beyond the limits.
 *
 * Input: one byte: bit 0: the checksums of the frames are put right before (no mutation finds one), bit 1:
 * a login and a greeting come first; its upper bits: the size of the pieces. Then the bytes.
 */
#include "crc32.h"
#include "fuzz.h"
#include "greeting.h"
#include "message.h"
#include "xalloc.h"

enum { REPAIR = 1, LOGIN = 2, PIECE_SHIFT = 2 };
static const char nonce[] = "0123456789abcdef";

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void repair(uint8_t *p, size_t len)
{
    while (len >= FRAME_HEADER && u32(p) <= len - FRAME_HEADER) {
        size_t payload = u32(p);
        uint32_t crc = crc32_update(crc32_update(0, p, 8), p + FRAME_HEADER, payload);
        for (int i = 0; i < 4; i++)
            p[8 + i] = (uint8_t)(crc >> (24 - 8 * i));
        p += FRAME_HEADER + payload;
        len -= FRAME_HEADER + payload;
    }
}

/* Writes it anew and reads that: the same type and the same payload. */
static void check_message(const struct message *m, struct buf *all)
{
    struct buf out = {0};
    struct message_reader reader = {0};
    struct message_field f;
    struct message again;
    struct err err;
    MUST(m->len <= MESSAGE_MAX);
    struct message_writer w = message_begin(&out, m->type);
    for (size_t pos = 0; message_field(m, &pos, &f);)
        message_bytes(&w, f.tag, f.p, f.len);
    MUST(message_size(&w) == m->len);
    message_end(&w);
    MUST(message_next(&reader, &out, &again, &err) == 1);
    MUST(again.type == m->type && again.len == m->len);
    MUST(!m->len || memcmp(again.p, m->p, m->len) == 0);
    (void)message_get_key(m);
    for (int tag = 0; tag <= TAG_VALUES_IGNORED; tag++) {
        char *text = message_get_str(m, (enum message_tag)tag);
        (void)message_get_u64(m, (enum message_tag)tag, 0);
        free(text);
    }
    buf_addf(all, "%d %zu ", (int)m->type, m->len);
    if (m->len)
        buf_add(all, m->p, m->len);
    message_reader_free(&reader);
    buf_free(&out);
}

/* Reads all that comes in pieces; what was read, and how it ended, is put down in *all. */
static void read_all(const uint8_t *data, size_t size, size_t piece, struct buf *all)
{
    struct message_reader reader = {0};
    struct message m;
    struct buf in = {0};
    struct err err = {0};
    int rc = 0;
    for (size_t at = 0; rc >= 0 && at < size; at += piece) {
        buf_add(&in, data + at, size - at < piece ? size - at : piece);
        while ((rc = message_next(&reader, &in, &m, &err)) > 0)
            check_message(&m, all);
        MUST(rc < 0 || in.len < FRAME_MAX + piece);
        MUST(reader.whole.len <= MESSAGE_MAX);
    }
    MUST(rc == 0 || (rc == ERR_DATA && err.code == ERR_DATA && err.msg[0]));
    buf_addf(all, "end %d", rc);
    message_reader_free(&reader);
    buf_free(&in);
}

/* What comes after the worker's first line; NULL when that never comes. */
static uint8_t *greet(const uint8_t *data, size_t size, size_t piece, size_t *left)
{
    struct greeting greeting;
    uint8_t *rest = NULL;
    size_t at = 0;
    int rc = 0;
    greeting_expect(&greeting, nonce);
    for (; rc == 0 && at < size; at += piece)
        rc = greeting_feed(&greeting, data + at, size - at < piece ? size - at : piece, NULL);
    MUST(greeting.text.len <= MESSAGE_NOISE_MAX + GREETING_MAX + size);
    if (rc > 0) {
        at = at < size ? at : size;
        rest = xcalloc(size + 1, 1);
        *left = greeting_take(&greeting, rest, size);
        memcpy(rest + *left, data + at, size - at);
        *left += size - at;
    } else {
        char *line = greeting_noise(&greeting);
        MUST(strlen(line) <= size && !strchr(line, '\n'));
        free(line);
    }
    greeting_free(&greeting);
    return rest;
}

static void check_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct buf once = {0}, pieces = {0};
    read_all(data, size, size ? size : 1, &once);
    read_all(data, size, piece, &pieces);
    MUST(once.len == pieces.len && memcmp(buf_data(&once), buf_data(&pieces), once.len) == 0);
    buf_free(&once);
    buf_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t piece = (size_t)(data[0] >> PIECE_SHIFT) + 1, left = size - 1;
    uint8_t *bytes = (uint8_t *)fuzz_text(data + 1, left);
    if (data[0] & LOGIN) {
        uint8_t *rest = greet(bytes, left, piece, &left);
        size_t ignored;
        uint8_t *other = greet(bytes, size - 1, size, &ignored);
        MUST(!rest == !other && (!rest || (left == ignored && memcmp(rest, other, left) == 0)));
        free(other);
        free(bytes);
        bytes = rest;
    }
    if (bytes && data[0] & REPAIR)
        repair(bytes, left);
    if (bytes)
        check_pieces(bytes, left, piece);
    free(bytes);
    return 0;
}
