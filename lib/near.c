#include "near.h"

#include <string.h>

#include "buf.h"

enum { WORD_MAX = 64, DISTANCE_MAX = 2 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The optimal string alignment distance of two words of at most WORD_MAX bytes. */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= blen; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= alen; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            now[j] = least(before[j] + 1, now[j - 1] + 1);
            now[j] = least(now[j], before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], twice[j - 2] + 1);
        }
    }
    return rows[alen % 3][blen];
}

static const char *word_at(const void *first, size_t i, size_t stride)
{
    return *(const char *const *)((const char *)first + i * stride);
}

const char *near_word(const char *word, const void *first, size_t n, size_t stride)
{
    size_t len = strlen(word), best = least(DISTANCE_MAX + 1, len);
    const char *near = NULL;
    if (len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const char *candidate = word_at(first, i, stride);
        size_t clen = candidate ? strlen(candidate) : WORD_MAX + 1;
        if (clen > WORD_MAX)
            continue;
        size_t d = distance(word, len, candidate, clen);
        if (d < best) {
            best = d;
            near = candidate;
        }
    }
    return near;
}

char *near_all(const void *first, size_t n, size_t stride, const char *suffix,
               const char *conjunction)
{
    struct buf out = {0};
    for (size_t i = 0; i < n; i++)
        buf_addf(&out, "%s%s%s",
                 i == 0      ? ""
                 : i + 1 < n ? ", "
                             : conjunction,
                 word_at(first, i, stride), suffix);
    buf_str(&out);
    return buf_detach(&out);
}
