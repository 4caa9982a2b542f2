/*
 * executor: the kinds of what a run executes, as rows of one table with a common life:
 *
 *   check     in the front end, when the order comes: is it any good
 *   prepare   in the shim: what is to be executed (a struct launch)
 *   start     launch_begin of launch.h, one for all
 *   follow    the shim: output, timeout, signals, one for all
 *   kill      in the shim, when the run is ended: what its descendants are not
 *   result    in the shim, after the end: more than the exit status says
 *   clear     when the shim was killed: what is no process of it, by its note (relic.h)
 *
 * One that is `carried` has no shim here: its runs are handed to a scheduler (carrier.h), which has the work of
 * another kind executed elsewhere.
 *
 * A new kind is one file and one row.
 */
#ifndef ROTA_WORKER_EXECUTOR_H
#define ROTA_WORKER_EXECUTOR_H

#include <stdbool.h>

#include "err.h"
#include "message.h"
#include "worker/journal.h"
#include "worker/order.h"

struct launch;

struct executor {
    const char *name;
    bool carried;
    const char *(*check)(const struct order *order); /* why an order is no good; NULL: it is */
    int (*prepare)(const struct order *order, struct launch *launch, struct err *err);
    /* Sends this signal to what is not a descendant of the shim; NULL: there is no such thing. True: that
     * was all, and the descendants are let be for now, since they see to its end themselves. */
    bool (*kill)(const struct order *order, int sig);
    /* What it left is taken away; and what it told is put into the result, whose end and code are those of
     * the main process; NULL: neither. */
    void (*result)(const struct order *order, struct launch *launch, struct record_result *result);
    bool holds_limits; /* memory and cpu are held by what it has execute the run, not by limits.h */
    /* Of a run whose shim is dead, in a process of its own; the order has what was noted. 0: nothing of it
     * is left; -1: not sure. NULL: there is nothing. */
    int (*clear)(const struct order *order);
};

extern const struct executor executor_shell, executor_exec, executor_script, executor_container,
    executor_http, executor_slurm;

const struct executor *executor_find(const char *name); /* NULL: no such kind */
void executor_check(struct order *order);
/* The FEATURE of each, and of what they all have. */
void executor_tell(struct message_writer *w);

#endif
