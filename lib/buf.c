#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

char *buf_room(struct buf *b, size_t len)
{
    if (b->start && b->cap - b->start - b->len < len) {
        memmove(b->base, b->base + b->start, b->len);
        b->start = 0;
    }
    if (b->cap - b->start - b->len < len) {
        size_t cap = b->cap ? b->cap : 128;
        while (cap - b->len < len)
            cap += cap / 2;
        b->base = xreallocarray(b->base, cap, 1);
        b->cap = cap;
    }
    return b->base + b->start + b->len;
}

void buf_grew(struct buf *b, size_t len)
{
    b->len += len;
}

void buf_add(struct buf *b, const void *p, size_t len)
{
    if (!len)
        return;
    memcpy(buf_room(b, len), p, len);
    b->len += len;
}

void buf_addch(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    b->len++;
}

void buf_addstr(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len <= 0)
        return;
    char *to = buf_room(b, (size_t)len + 1);
    va_start(ap, fmt);
    (void)vsnprintf(to, (size_t)len + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)len;
}

void buf_consume(struct buf *b, size_t len)
{
    b->start += len;
    b->len -= len;
    if (!b->len)
        b->start = 0;
}

void buf_truncate(struct buf *b, size_t len)
{
    b->len = len;
}

void buf_reset(struct buf *b)
{
    b->start = 0;
    b->len = 0;
}

char *buf_str(struct buf *b)
{
    *buf_room(b, 1) = '\0';
    return buf_data(b);
}

char *buf_detach(struct buf *b)
{
    buf_str(b);
    if (b->start)
        memmove(b->base, b->base + b->start, b->len + 1);
    char *s = b->base;
    *b = (struct buf){0};
    return s;
}

void buf_wipe(struct buf *b)
{
    if (b->base)
        explicit_bzero(b->base, b->cap);
    buf_free(b);
}

void buf_free(struct buf *b)
{
    free(b->base);
    *b = (struct buf){0};
}
