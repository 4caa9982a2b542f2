#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "crc32.h"
#include "xalloc.h"

enum { FLAG_MORE = 1 }; /* the next frame goes on with this message */
enum { FIELD_HEADER = 6, PAYLOAD_MAX = FRAME_MAX - FRAME_HEADER };

static void put(unsigned char *p, uint64_t v, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, v >>= 8)
        p[i] = (unsigned char)(v & 0xff);
}

static uint64_t get(const unsigned char *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- writing ---- */

struct message_writer message_begin(struct buf *out, enum message_type type)
{
    struct message_writer w = {.out = out, .at = out->len, .type = type};
    buf_room(out, FRAME_HEADER);
    buf_grew(out, FRAME_HEADER);
    return w;
}

void message_bytes(struct message_writer *w, enum message_tag tag, const void *p, size_t len)
{
    unsigned char *to = (unsigned char *)buf_room(w->out, FIELD_HEADER + len);
    put(to, tag, 2);
    put(to + 2, len, 4);
    if (len)
        memcpy(to + FIELD_HEADER, p, len);
    buf_grew(w->out, FIELD_HEADER + len);
}

void message_u64(struct message_writer *w, enum message_tag tag, uint64_t value)
{
    unsigned char bytes[8];
    put(bytes, value, 8);
    message_bytes(w, tag, bytes, sizeof bytes);
}

void message_str(struct message_writer *w, enum message_tag tag, const char *s)
{
    if (s)
        message_bytes(w, tag, s, strlen(s));
}

void message_key(struct message_writer *w, struct message_key key)
{
    message_u64(w, TAG_RUN, key.run);
    message_u64(w, TAG_ATTEMPT, key.attempt);
    message_u64(w, TAG_TOKEN, key.token);
}

static void seal(unsigned char *frame, enum message_type type, unsigned flags, size_t len)
{
    put(frame, len, 4);
    frame[4] = (unsigned char)type;
    frame[5] = (unsigned char)flags;
    put(frame + 6, 0, 2);
    uint32_t crc = crc32_update(0, frame, 8);
    put(frame + 8, crc32_update(crc, frame + FRAME_HEADER, len), 4);
}

size_t message_size(const struct message_writer *w)
{
    return w->out->len - w->at - FRAME_HEADER;
}

void message_drop(struct message_writer *w)
{
    buf_truncate(w->out, w->at);
}

void message_end(struct message_writer *w)
{
    size_t len = message_size(w);
    if (len <= PAYLOAD_MAX) {
        seal((unsigned char *)buf_data(w->out) + w->at, w->type, 0, len);
        return;
    }
    /* rare: take the payload out and lay it down again in frames */
    unsigned char *payload = xmemdup(buf_data(w->out) + w->at + FRAME_HEADER, len);
    buf_truncate(w->out, w->at);
    for (size_t at = 0; at < len;) {
        size_t part = len - at < PAYLOAD_MAX ? len - at : PAYLOAD_MAX;
        unsigned char *frame = (unsigned char *)buf_room(w->out, FRAME_HEADER + part);
        memcpy(frame + FRAME_HEADER, payload + at, part);
        seal(frame, w->type, at + part < len ? FLAG_MORE : 0, part);
        buf_grew(w->out, FRAME_HEADER + part);
        at += part;
    }
    explicit_bzero(payload, len);
    free(payload);
}

/* ---- times ---- */

int64_t message_ping_ms(void)
{
    const char *seam = getenv("ROTA_TEST_PING_MS");
    long ms = seam ? strtol(seam, NULL, 10) : 0;
    return ms > 0 && ms < MESSAGE_PING_MS ? ms : MESSAGE_PING_MS;
}

int64_t message_silence_ms(void)
{
    return message_ping_ms() * (MESSAGE_SILENCE_MS / MESSAGE_PING_MS);
}

/* ---- reading ---- */

static int check_fields(const struct message *m, struct err *err)
{
    for (size_t at = 0; at < m->len;) {
        if (m->len - at < FIELD_HEADER || m->len - at - FIELD_HEADER < get(m->p + at + 2, 4))
            return err_set(err, ERR_DATA, "a message of type %d has a field that is cut", m->type);
        at += FIELD_HEADER + (size_t)get(m->p + at + 2, 4);
    }
    return 1;
}

/* The length of the frame at the front of `in` with its header; 0: more bytes are needed. */
static int check_frame(const struct buf *in, struct err *err)
{
    if (in->len < FRAME_HEADER)
        return 0;
    const unsigned char *frame = (const unsigned char *)buf_data(in);
    size_t len = (size_t)get(frame, 4);
    if (len > PAYLOAD_MAX)
        return err_set(err, ERR_DATA, "a frame of %zu bytes is over the limit of %d", len,
                       FRAME_MAX);
    if (in->len - FRAME_HEADER < len)
        return 0;
    uint32_t crc = crc32_update(0, frame, 8);
    if (crc32_update(crc, frame + FRAME_HEADER, len) != get(frame + 8, 4))
        return err_set(err, ERR_DATA, "a frame has a wrong checksum");
    return FRAME_HEADER + (int)len;
}

int message_next(struct message_reader *r, struct buf *in, struct message *m, struct err *err)
{
    buf_consume(in, r->used);
    r->used = 0;
    if (r->complete)
        buf_reset(&r->whole);
    r->complete = false;
    for (;;) {
        int size = check_frame(in, err);
        if (size <= 0)
            return size;
        r->frames++;
        const unsigned char *frame = (const unsigned char *)buf_data(in);
        size_t len = (size_t)size - FRAME_HEADER;
        bool more = frame[5] & FLAG_MORE;
        enum message_type type = frame[4];
        if (!more && !r->whole.len) {
            *m = (struct message){type, frame + FRAME_HEADER, len};
            r->used = (size_t)size;
            return check_fields(m, err);
        }
        if (r->whole.len + len > MESSAGE_MAX)
            return err_set(err, ERR_DATA, "a message is over the limit of %d bytes", MESSAGE_MAX);
        buf_add(&r->whole, frame + FRAME_HEADER, len);
        buf_consume(in, (size_t)size);
        if (!more) {
            *m = (struct message){type, (unsigned char *)buf_data(&r->whole), r->whole.len};
            r->complete = true;
            return check_fields(m, err);
        }
    }
}

void message_reader_free(struct message_reader *r)
{
    buf_free(&r->whole);
}

void message_wipe(struct message_reader *r, struct buf *in)
{
    if (r->complete)
        explicit_bzero(buf_data(&r->whole), r->whole.len);
    else if (r->used)
        explicit_bzero(buf_data(in), r->used);
}

bool message_field(const struct message *m, size_t *pos, struct message_field *f)
{
    if (*pos >= m->len)
        return false;
    const unsigned char *p = m->p + *pos;
    *f = (struct message_field){(enum message_tag)get(p, 2), p + FIELD_HEADER,
                                (size_t)get(p + 2, 4)};
    *pos += FIELD_HEADER + f->len;
    return true;
}

uint64_t message_field_u64(const struct message_field *f)
{
    return f->len == 8 ? get(f->p, 8) : 0;
}

bool message_get(const struct message *m, enum message_tag tag, struct message_field *f)
{
    size_t pos = 0;
    while (message_field(m, &pos, f))
        if (f->tag == tag)
            return true;
    return false;
}

uint64_t message_get_u64(const struct message *m, enum message_tag tag, uint64_t absent)
{
    struct message_field f;
    return message_get(m, tag, &f) ? message_field_u64(&f) : absent;
}

char *message_get_str(const struct message *m, enum message_tag tag)
{
    struct message_field f;
    if (!message_get(m, tag, &f) || (f.len && memchr(f.p, '\0', f.len)))
        return NULL;
    return xstrndup((const char *)f.p, f.len);
}

struct message_key message_get_key(const struct message *m)
{
    struct message_key key = {0};
    struct message_field f;
    for (size_t pos = 0; message_field(m, &pos, &f);) {
        if (f.tag == TAG_RUN)
            key.run = message_field_u64(&f);
        else if (f.tag == TAG_ATTEMPT)
            key.attempt = (uint32_t)message_field_u64(&f);
        else if (f.tag == TAG_TOKEN)
            key.token = message_field_u64(&f);
    }
    return key;
}

void message_pack_key(struct buf *keys, struct message_key key)
{
    unsigned char p[MESSAGE_KEY_SIZE];
    put(p, key.run, 8);
    put(p + 8, key.attempt, 4);
    put(p + 12, key.token, 8);
    buf_add(keys, p, sizeof p);
}

struct message_key message_unpack_key(const unsigned char *p)
{
    return (struct message_key){get(p, 8), (uint32_t)get(p + 8, 4), get(p + 12, 8)};
}
