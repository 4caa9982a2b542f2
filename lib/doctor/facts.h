/*
 * facts: what `rota-worker facts` said of a host: lines "key value". The host is not believed: lines
 * that are none are skipped, and there is a limit to all.
 */
#ifndef ROTA_DOCTOR_FACTS_H
#define ROTA_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum { FACTS_BYTES_MAX = 512 << 10, FACTS_MAX = 4000 };

struct fact {
    char *key, *value;
};

/* Start with {0}; end with facts_free. */
struct facts {
    struct fact *v;
    size_t n;
    size_t bytes;
    bool complete; /* "end" was read */
};

/* Makes each MEND (doctor.h) in what a host said a '?': none can pass for the mark before a mend of
 * ours. Other control characters are escaped on the way out. */
void facts_clean(char *text);
/* Takes the whole lines of `in`; 0, or ERR_DATA when the limits are reached. */
int facts_feed(struct facts *facts, struct buf *in, struct err *err);
/* The first value of a key, borrowed; NULL: none. */
const char *facts_text(const struct facts *facts, const char *key);
/* The same as a number, `absent` when it is none. */
int64_t facts_number(const struct facts *facts, const char *key, int64_t absent);
/* Walks the values of a key: start with *at = 0; NULL at the end. */
const char *facts_next(const struct facts *facts, const char *key, size_t *at);
void facts_free(struct facts *facts);

#endif
