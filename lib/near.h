/* near: "did you mean …?" for a mistyped word, and what words there are. */
#ifndef ROTA_NEAR_H
#define ROTA_NEAR_H

#include <stddef.h>

/* The near one of n words (by `stride` bytes apart; `first` points to the first of their const
 * char *, NULL words are skipped) for a mistyped word, at an edit distance of at most 2 and less than
 * its length; a swap of two neighbours counts as one edit. The nearest wins, of equals the first.
 * NULL when none is near. */
const char *near_word(const char *word, const void *first, size_t n, size_t stride);

/* All n of them: "mail =, webhook = or command =" with the suffix " =" and the conjunction " or "; free. */
char *near_all(const void *first, size_t n, size_t stride, const char *suffix,
               const char *conjunction);

#endif
