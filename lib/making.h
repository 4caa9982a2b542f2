/*
 * making: the runs that one job is made into now: one, or a group of them, as its specification says
 * (lib/expansion is what it expands to). Whoever makes runs, a person or a schedule, makes them here.
 */
#ifndef ROTA_MAKING_H
#define ROTA_MAKING_H

#include <stdint.h>

#include "catalogue.h"
#include "config.h"
#include "elements.h"
#include "err.h"
#include "job.h"

struct making {
    struct catalogue *cat;
    const struct config *config; /* whose workers `each` counts */
    const struct job *job;       /* NULL: the specification is to be read when it expands */
    bool expands;                /* job_expands, of a job that is not given */
    const struct elements
        *elements;      /* the items of its array, as many as that has; NULL: its own */
    struct run_new run; /* what all of them have in common */
    /* Called with each new run, in the order of the group; NULL ok. */
    void (*made)(int64_t id, void *arg);
    void *arg;
    bool linked; /* the caller gives the runs what they come after: they are made blocked, or held;
                   and those that waited for them (need_found) */
    int64_t first; /* out: the ids of the new runs follow each other from this one */
    size_t n;
};

/* In a transaction. Runs of a job with `after` come after the runs of other jobs of the same day, and what
 * waited for a run of this job on its day waits for these. ERR_DATA: it expands to nothing; and what
 * run_insert and after_put return. */
int making_runs(struct making *making, struct err *err);

#endif
