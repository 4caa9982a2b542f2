/*
 * shim: the supervisor of one run. A fork of the front end that outlives it: it starts the
 * executor, captures its output, enforces the timeout with nobody connected, ends the whole
 * process tree and appends the RESULT to the journal.
 *
 * The front end asks it by `cancel` and `signals` in its cell; SIGUSR1 only tells it to look there. The
 * kernel keeps one pending SIGUSR1 and drops the value of the next, and a real-time signal, which would
 * queue, cannot be sent when the user's pending signals are used up: what is in the cell is never lost, nor
 * when there is no pid to signal yet. A repeated signal that was not yet taken is one, as for any process.
 *
 * Front ends and shims of different builds meet, since a shim outlives the front end that forked it. Older
 * shims do not look at the cell but go by the value of SIGUSR1: 0 is "cancel", n "send signal n to the main
 * process's group". So the value is sent along, and a cancel that was not taken out of the cell is told
 * again at each PING. A cancel by value of an older front end is heeded, its other signals are not: they could
 * not be told from those that were taken out of the cell before.
 *
 * SIGTERM comes from elsewhere (the host is going down).
 */
#ifndef ROTA_WORKER_SHIM_H
#define ROTA_WORKER_SHIM_H

#include <stdint.h>
#include <sys/types.h>

#include "worker/cell.h"
#include "worker/moment.h"
#include "worker/order.h"

/* Descriptors with fixed numbers, in the front end and in its shims; everything above is closed in a shim. */
enum {
    FD_NOTIFY = 3, /* FIFO to the front end, whichever lives */
    FD_CELLS,      /* directory of the cells */
    FD_JOURNAL,    /* in a shim: the generation of its run */
    FD_LOCK,       /* in a shim: the lock of its cell, its sign of life */
    FD_NULL,
    FD_FREE, /* the first that is nobody's */
};

struct shim_task {
    const struct order *order; /* with cell and lock */
    const struct cells *cells;
    struct moment started;
    int journal; /* descriptor of the generation that holds STARTED */
    pid_t front; /* who forked it */
    /* What a SIGTERM to it means; NULL: that the host is going down. Else the end of who forked it is one too,
     * and has the job killed at once. */
    enum message_end (*why_told)(const char **reason);
};

/* The life of a shim, to the RESULT, in the child of a fork. Everything is blocked, closed or moved that a shim
 * does not have. */
_Noreturn void shim_main(const struct shim_task *task);

#endif
