/*
 * batch: a run on a node of the cluster. Slurm starts it with the batch script: it takes the run's claim (ticket.h),
 * then it is the shim of the run, whose spool is the claim. Its result comes there by a rename.
 */
#ifndef ROTA_WORKER_BATCH_H
#define ROTA_WORKER_BATCH_H

#include "err.h"

/* The reason of a run that Slurm told to end, and that we had not told Slurm about. */
#define BATCH_TOLD "Slurm ended it"

/* Executes the run that is the line of the group, a file, that SLURM_ARRAY_TASK_ID says (the first, without
 * it). 0 when the run was executed, however it ended, or was not to be; ERR_*. */
int batch_run(const char *group, struct err *err);

#endif
