/* Texts that many runs share. */
#include <stdlib.h>
#include <string.h>

#include "board_internal.h"
#include "xalloc.h"

static uint64_t hash_of(const char *p, size_t len)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)p[i]) * 1099511628211U;
    return hash;
}

/* The slot of a text, or the free one in which it belongs. */
static size_t *find(const struct board_words *words, const char *text, size_t len)
{
    size_t at = hash_of(text, len) & (words->nslots - 1);
    while (words->slots[at]) {
        const char *word = words->v[words->slots[at] - 1];
        if (strncmp(word, text, len) == 0 && !word[len])
            break;
        at = (at + 1) & (words->nslots - 1);
    }
    return &words->slots[at];
}

static void widen(struct board_words *words)
{
    free(words->slots);
    words->nslots = words->nslots ? 2 * words->nslots : 1024;
    words->slots = xcalloc(words->nslots, sizeof *words->slots);
    for (size_t i = 0; i < words->n; i++)
        *find(words, words->v[i], strlen(words->v[i])) = i + 1;
}

/* What it takes in the page: what needs escaping takes six times its room. */
static size_t room_of(const char *text, size_t len)
{
    struct buf json = {0};
    board_bytes(&json, text, len);
    size_t room = json.len;
    buf_free(&json);
    return room;
}

int64_t board_word(struct board_words *words, const char *text, size_t budget)
{
    if (!text)
        return -1;
    size_t len = strnlen(text, BOARD_WORD);
    if (2 * (words->n + 1) > words->nslots)
        widen(words);
    size_t *slot = find(words, text, len);
    if (*slot)
        return (int64_t)*slot - 1;
    size_t room = room_of(text, len);
    if (words->bytes + room > budget)
        return -1;
    if (words->n == words->cap) {
        words->cap = words->cap ? 2 * words->cap : 64;
        words->v = xreallocarray(words->v, words->cap, sizeof *words->v);
    }
    words->v[words->n++] = xstrndup(text, len);
    words->bytes += room;
    *slot = words->n;
    return (int64_t)words->n - 1;
}

void board_words_free(struct board_words *words)
{
    for (size_t i = 0; i < words->n; i++)
        free(words->v[i]);
    free(words->v);
    free(words->slots);
    *words = (struct board_words){0};
}
