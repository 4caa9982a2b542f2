/*
 * files: the files of a run in its shim: those that the head gave are copied to their places before the run
 * begins, those that it wants into the staging when it has ended. Either is done by a child that has become
 * the run's account, so that it reads and writes nothing that the run could not.
 *
 * The child blocks every signal and looks for a SIGTERM between parts: it ends of the shim's, or of the
 * shim's death, and leaves no half file behind. What it put is complete under another name in the directory of
 * the target before any target is touched.
 */
#ifndef ROTA_WORKER_FILES_H
#define ROTA_WORKER_FILES_H

#include <sys/types.h>

#include "worker/order.h"

/* What the child tells, in memory that is shared with it. */
struct files_told {
    char reason[184]; /* "": nothing is wrong */
    uint64_t got;     /* bit N: file N is in the staging */
};

enum files_work { FILES_PUT, FILES_GET };

/* Starts the child, in a process group of its own. It ends with 0 when nothing is wrong. ERR_OS. *told lives
 * as long as the caller. */
pid_t files_begin(const struct order *order, enum files_work work, struct files_told **told,
                  struct err *err);
/* What was put and is not needed any more goes. */
void files_drop_put(const struct order *order);

/* ---- of an order ---- */
void files_take_field(struct order *order, const struct message_field *f);
void files_check(struct order *order);
void files_free(struct order *order);

#endif
