#include "worker/mask.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

static const char COVER[] = "***";

struct word {
    char *p;
    size_t len;
};

struct mask {
    struct word *words; /* by their first byte, */
    size_t n;
    size_t from[UCHAR_MAX + 2]; /* of byte b: from[b] to from[b + 1] */
    struct buf held;            /* not decided yet */
    size_t covered; /* its first bytes are of an occurrence for which the cover was shown */
    struct buf shown;
};

/* ---- what is looked for ---- */

static void add_word(struct mask *mask, const char *p, size_t len, size_t least)
{
    if (len < least)
        return;
    mask->words = xreallocarray(mask->words, mask->n + 1, sizeof *mask->words);
    mask->words[mask->n++] = (struct word){xmemdup(p, len), len};
}

static void add_lines(struct mask *mask, const char *value)
{
    for (const char *line = value; *line;) {
        size_t len = strcspn(line, "\n");
        size_t text = len && line[len - 1] == '\r' ? len - 1 : len;
        add_word(mask, line, text, MASK_LINE_MIN);
        line += len + (line[len] == '\n');
    }
}

static int order_words(const void *a, const void *b)
{
    return *(const unsigned char *)((const struct word *)a)->p -
           *(const unsigned char *)((const struct word *)b)->p;
}

struct mask *mask_new(const struct strlist *secrets)
{
    struct mask *mask = xcalloc(1, sizeof *mask);
    for (size_t i = 0; i < secrets->n; i++) {
        const char *value = secrets->v[i] + strcspn(secrets->v[i], "=") + 1;
        add_word(mask, value, strlen(value), MASK_MIN);
        if (strchr(value, '\n'))
            add_lines(mask, value);
    }
    if (mask->n)
        qsort(mask->words, mask->n, sizeof *mask->words, order_words);
    for (size_t i = 0; i < mask->n; i++)
        mask->from[*(unsigned char *)mask->words[i].p + 1]++;
    for (size_t b = 0; b <= UCHAR_MAX; b++)
        mask->from[b + 1] += mask->from[b];
    return mask;
}

void mask_free(struct mask *mask)
{
    if (!mask)
        return;
    for (size_t i = 0; i < mask->n; i++) {
        explicit_bzero(mask->words[i].p, mask->words[i].len);
        free(mask->words[i].p);
    }
    free(mask->words);
    buf_wipe(&mask->held);
    buf_wipe(&mask->shown);
    free(mask);
}

/* ---- the stream ---- */

/* The longest word that begins at p, or 0; *open: a longer one may, by what comes yet. */
static size_t match(const struct mask *mask, const char *p, size_t len, bool *open)
{
    size_t best = 0, longest_open = 0, first = *(const unsigned char *)p;
    for (size_t i = mask->from[first]; i < mask->from[first + 1]; i++) {
        const struct word *word = &mask->words[i];
        size_t part = word->len < len ? word->len : len;
        if (memcmp(p, word->p, part) != 0)
            continue;
        if (part == word->len)
            best = part > best ? part : best;
        else
            longest_open = word->len > longest_open ? word->len : longest_open;
    }
    *open = longest_open > best;
    return best;
}

/* Shows what is decided. Every byte is looked at as the beginning of a word, those that are covered already
 * too: a word that begins in another one reaches further. */
static void decide(struct mask *mask, bool over)
{
    const char *p = buf_data(&mask->held);
    size_t at = 0, len = mask->held.len, covered = mask->covered;
    for (; at < len; at++) {
        bool open = false;
        size_t word = match(mask, p + at, len - at, &open);
        if (open && !over)
            break;
        if (at >= covered && word)
            buf_add(&mask->shown, COVER, sizeof COVER - 1);
        else if (at >= covered)
            buf_addch(&mask->shown, p[at]);
        if (word && at + word > covered)
            covered = at + word;
    }
    mask->covered = covered > at ? covered - at : 0;
    buf_consume(&mask->held, at);
}

const char *mask_put(struct mask *mask, const char *p, size_t len, size_t *shown)
{
    buf_reset(&mask->shown);
    buf_add(&mask->held, p, len);
    decide(mask, false);
    *shown = mask->shown.len;
    return buf_data(&mask->shown);
}

const char *mask_end(struct mask *mask, size_t *shown)
{
    buf_reset(&mask->shown);
    decide(mask, true);
    *shown = mask->shown.len;
    return buf_data(&mask->shown);
}

size_t mask_text(const struct strlist *secrets, char *text, size_t len)
{
    size_t shown;
    if (!secrets->n || !len)
        return len;
    struct mask *mask = mask_new(secrets);
    buf_add(&mask->held, text, len);
    const char *p = mask_end(mask, &shown);
    if (shown)
        memcpy(text, p, shown);
    mask_free(mask);
    return shown;
}
