/*
 * carrier: the one process of a spool that deals with Slurm for all runs that Slurm carries. The front end writes
 * their tickets (ticket.h) and forks it when none lives; it outlives the front end. It needs nothing but
 * what is on disk, so that after kill -9 or a reboot the next one goes on where it was:
 *
 *   a ticket in no group            was given to nobody: it is put into one, and the group is written
 *   a group without .id             sbatch was not run, or ran and its answer was lost: Slurm is asked for a job with
 *                                   the group's comment before it is given the group again; should it not say so
 *                                   in time, there are two jobs, and the claims let one of them execute a run
 *   a group with .id                is followed by squeue, one call for all
 *   a ticket with a result          is the front end's
 *
 * Whether a run has begun is told by its claim alone. Its end is its result; a run that Slurm does not know any
 * more has none, and then its claim tells whether it was lost or never began.
 *
 *   carrier.c         the loop: tickets come, are cancelled, end
 *   carrier_cancel.c  what is to end
 *   carrier_ask.c     what sbatch is asked for
 *   carrier_submit.c  groups, sbatch
 *   carrier_queue.c   squeue, and what states mean
 *   carrier_output.c  output and values on their way into the cells
 */
#ifndef ROTA_WORKER_CARRIER_H
#define ROTA_WORKER_CARRIER_H

#include <stdbool.h>

#include "worker/cell.h"

struct carrier_task {
    const char *base; /* of the tickets */
    const char *build;
    struct cells *cells;
    uint64_t boot;
    int lock; /* a locked descriptor of the file that says that a carrier lives, and who */
};

/* Takes the lock of the spool's carrier: a descriptor to be inherited by it; -1: one lives, or errno says why not. */
int carrier_lock(const char *spool);
/* Wakes the carrier that lives, which looks at tickets and cells then. One of another build is told to go: it and the
 * program that it gives to Slurm may not know what is asked of runs now. */
void carrier_wake(const char *spool, const char *build);
/* The life of a carrier, in the child of a fork. */
_Noreturn void carrier_main(const struct carrier_task *task);

#endif
