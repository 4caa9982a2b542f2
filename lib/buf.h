/*
 * buf: a growable byte buffer that is consumed from the front.
 *
 * A plain value: start with {0}; end with buf_free. data is NUL-terminated
 * after buf_str only; bytes may contain NULs. Growth is amortised; consuming
 * moves a start index, and the bytes only when room is needed.
 */
#ifndef ROTA_BUF_H
#define ROTA_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
    char *base;   /* allocation */
    size_t start; /* first live byte */
    size_t len;   /* live bytes */
    size_t cap;   /* size of the allocation */
};

/* The live bytes; valid until the next call that changes the buffer. */
static inline char *buf_data(const struct buf *b)
{
    return b->start ? b->base + b->start : b->base; /* nothing is added to NULL */
}

void buf_add(struct buf *b, const void *p, size_t len);
void buf_addch(struct buf *b, char c);
void buf_addstr(struct buf *b, const char *s);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for len more bytes and returns where to write them; buf_grew(b, n) then adds n <= len. */
char *buf_room(struct buf *b, size_t len);
void buf_grew(struct buf *b, size_t len);
/* Drops len bytes from the front (len <= b->len). */
void buf_consume(struct buf *b, size_t len);
/* Shortens to len bytes (len <= b->len). */
void buf_truncate(struct buf *b, size_t len);
void buf_reset(struct buf *b);
/* The content as a C string, owned by the buffer. */
char *buf_str(struct buf *b);
/* The content as a C string, owned by the caller (free); the buffer is empty afterwards. */
char *buf_detach(struct buf *b);
void buf_free(struct buf *b);
/* The same of what held a secret: overwrites it before. What was left behind when it grew is not reached. */
void buf_wipe(struct buf *b);

#endif
