/*
 * place: which host a run goes to. Pure: it knows hosts as slots and states, not as connections.
 */
#ifndef ROTA_PLACE_H
#define ROTA_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "job.h"
#include "strlist.h"

enum place_state {
    PLACE_READY, /* connected: a run can be placed */
    PLACE_COLD,  /* not connected, but worth a connection */
    PLACE_OUT,   /* set aside, or drained */
};

struct place_host {
    const char *name; /* borrowed, as tags */
    const struct strlist *tags;
    enum place_state state;
    int slots; /* of a cold host: configured, or as last seen, or 1 */
    int used;  /* claimed; on a cold host: what a connection is wanted for */
};

/* Whether the job's `where` and slots allow the host. A host whose slots are not yet known (0) fits. */
bool place_allows(const struct job *job, const struct place_host *host);

/* The best of n hosts in this state with `slots` free slots: not in `tried` first (NULL: none was),
 * then the least loaded (smallest share of slots used), then the first. NULL when none has room. */
struct place_host *place_best(struct place_host *const *hosts, size_t n, enum place_state state,
                              int slots, const struct strlist *tried);

#endif
