/*
 * place: which host a run goes to. Pure: it knows hosts as slots and states, not as connections.
 */
#ifndef ROTA_PLACE_H
#define ROTA_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap.h"
#include "job.h"
#include "strlist.h"

enum place_state {
    PLACE_READY, /* connected: a run can be placed */
    PLACE_COLD,  /* not connected, but worth a connection */
    PLACE_OUT,   /* set aside, or drained */
};

struct place_run;

struct place_host {
    const char *name; /* borrowed, as tags */
    const struct strlist *tags;
    size_t order; /* where it stands in the configuration */
    enum place_state state;
    int slots;              /* of a cold host: configured, or as last seen, or 1 */
    bool doubtful;          /* the last try to reach it failed */
    bool guessed;           /* these slots: nobody has seen it yet, it may have more */
    int used;               /* claimed; on a cold host: what a connection is wanted for */
    struct place_run *runs; /* those that take its slots */
    /* For one pass: what is free here is kept for runs of this class. */
    const void *kept;
};

/* What rules a host out for a job, whatever else runs there. */
enum place_bar {
    PLACE_FITS = 0,
    PLACE_NOT_NAMED,     /* where.hosts names others */
    PLACE_NOT_PIN,       /* the run is for another host */
    PLACE_TAG_MISSING,   /* *tag */
    PLACE_TAG_FORBIDDEN, /* *tag */
    PLACE_TOO_SMALL,     /* fewer slots in all than the job wants */
};
/* A run with a pin (NULL: none) was given its host when it was made: only name and slots count then. */
enum place_bar place_bar(const struct job *job, const char *pin, const struct place_host *host,
                         const char **tag);
/* Whether the job's `where` and slots allow the host. A host whose slots are not yet known fits. */
bool place_allows(const struct job *job, const struct place_host *host);
/* Whether it has so many free slots now. */
bool place_has_room(const struct place_host *host, int slots);

/* ---- choosing among many hosts ---- */

/* What one choice is about. */
struct place_wish {
    enum job_prefer prefer;
    enum place_state state; /* only hosts in this state … */
    bool soon;              /* … and cold ones that will probably be ready soon */
    int slots;              /* to be free */
    const char *job;        /* of PREFER_SPREAD: whose runs are counted */
    const void *owner;      /* hosts kept for others are left out */
};

/* Hosts in order of preference, for as long as nothing but `used` changes. Looking for all hosts
 * once costs one visit each, and every choice after that a few. */
struct place_pick {
    struct place_wish wish;
    struct place_host *const *hosts; /* borrowed; of equal ones the first wins */
    size_t n;
    struct place_candidate *candidates;
    struct heap heap;
    size_t *visits; /* counts hosts looked at, for tests */
};

void place_pick_begin(struct place_pick *pick, const struct place_wish *wish,
                      struct place_host *const *hosts, size_t n, size_t *visits);
void place_pick_end(struct place_pick *pick);
/* The best host that `refuses` does not refuse for the run `id` (NULL: refuses none), and among those
 * one that is not in `tried` (NULL: none was) before one that is. NULL when none has room. */
struct place_host *place_pick_best(struct place_pick *pick, int64_t id, const struct strlist *tried,
                                   bool (*refuses)(const struct place_host *, const void *),
                                   const void *arg);
/* `used` of the host changed, by somebody else's choice too. Only PREFER_PACK needs to be told. */
void place_pick_touch(struct place_pick *pick, const struct place_host *host);

#endif
