/*
 * mask: a stream of bytes in which each occurrence of a secret becomes "***", however the stream is cut into
 * pieces. Looked for are the values, and of values of several lines each line that is long enough to be one.
 * Other forms of a value (base64, parts of a URL, broken over lines) are not known here and pass.
 *
 * Occurrences that overlap are covered altogether. What could still become an occurrence is held back, and
 * nothing else.
 */
#ifndef ROTA_WORKER_MASK_H
#define ROTA_WORKER_MASK_H

#include <stddef.h>

#include "strlist.h"

enum {
    MASK_MIN = 4,      /* bytes of a value; the head sends no shorter ones */
    MASK_LINE_MIN = 8, /* of one of its lines */
};

struct mask;

/* "NAME=value" each; copied. */
struct mask *mask_new(const struct strlist *secrets);
void mask_free(struct mask *mask);
/* Takes len bytes. Returns what can be shown now, *shown bytes (0: nothing), valid until the next call. */
const char *mask_put(struct mask *mask, const char *p, size_t len, size_t *shown);
/* The stream is over, or pauses: what was held back, likewise. */
const char *mask_end(struct mask *mask, size_t *shown);
/* All of a text in its place, which is never too small. Returns its new length. */
size_t mask_text(const struct strlist *secrets, char *text, size_t len);

#endif
