/*
 * limit: how many runs go on at once, over all hosts: of a pool, of a job (max_running), of an
 * array (its %N). A run that starts takes a place in each limit that it needs, and gives it back when
 * its end is known.
 *
 * Lines whose first finds no place stand aside until one comes free (`waiters`), best first. Who needs
 * several pools must not be passed for ever by those that need one: a line that waits for a pool waits
 * in all the pools it needs, and in none of them does a line behind it get one of the places that those
 * before it stand for. So the first in the queue only waits for runs that already go on; what it costs is
 * that a place may stay empty until the other pool has one too. Only pools are kept so: a line that waits
 * for its own job or array could not use a pool's place if it had it.
 */
#ifndef ROTA_LIMIT_H
#define ROTA_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"

enum limit_kind { LIMIT_JOB, LIMIT_ARRAY, LIMIT_POOL };

enum { LIMIT_UNKNOWN = -1 }; /* a pool that the configuration has not got: nobody starts */

struct place_line;

struct limit {
    enum limit_kind kind;
    char *name;    /* of the pool or the job */
    int64_t array; /* LIMIT_ARRAY: its first run */
    int most;      /* LIMIT_POOL: as configured; the others are in their needs */
    int used;      /* by runs that are starting or running */
    int kept;      /* for one pass: for lines that wait for a host all too long */
    size_t refs;
    struct heap waiters; /* of struct limit_need */
};

/* That a line needs a place in a limit. */
struct limit_need {
    struct limit *limit;
    int most; /* LIMIT_JOB, LIMIT_ARRAY: what the job says */
    struct place_line *line;
    size_t at; /* among the waiters */
    bool waits;
};

/* The limit of this kind and name or array, made at its first use, in a tsearch(3) tree; each use is
 * ended by limit_drop. */
struct limit *limit_use(void **limits, enum limit_kind kind, const char *name, int64_t array);
void limit_drop(void **limits, struct limit *limit);
/* How many places it has for whoever needs it so. */
int limit_most(const struct limit_need *need);
/* Whether a place is free and kept for nobody's host. */
bool limit_has_place(const struct limit_need *need);
/* Whether a line that this stops keeps places in its other pools: in one that has none at all, or is not
 * known, it would keep them for ever. */
bool limit_keeps(const struct limit_need *stopped);
/* The first of n needs, LIMIT_POOL last, that stops the line now, and before all one without any place;
 * NULL: it may go on. */
struct limit_need *limit_stops(struct limit_need *needs, size_t n);
/* The line waits for `stopped`: in all its pools when limit_keeps. */
void limit_wait(struct limit_need *needs, size_t n, const struct limit_need *stopped);
void limit_unwait(struct limit_need *needs, size_t n);
/* Whether the line's first comes before the other's; placement.c knows. */
bool limit_before(const struct place_line *a, const struct place_line *b);

#endif
