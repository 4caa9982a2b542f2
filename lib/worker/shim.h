/*
 * shim: the supervisor of one run. A fork of the front end that outlives it: it starts the
 * executor, captures its output, enforces the timeout with nobody connected, ends the whole
 * process tree and appends the RESULT to the journal.
 *
 * The front end speaks to it by signals: SIGUSR1 with value 0 is "cancel", with value n "send signal n to
 * the main process's group". SIGTERM comes from elsewhere (the host is going down).
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
};

/* The life of a shim, called in the child of a fork; never returns. */
_Noreturn void shim_main(const struct shim_task *task);

#endif
