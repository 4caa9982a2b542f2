/* wait: --wait: until runs are over, whoever dispatches them (DESIGN section 3). */
#ifndef ROTA_WAIT_H
#define ROTA_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "err.h"

/* Follows the catalogue until all n runs are over. With `dispatch`, runs `rota-dispatch --wait -`
 * itself whenever no dispatcher lives. 0; ERR_ANSWER when a run is not there; ERR_OS. */
int wait_runs(struct catalogue *cat, const int64_t *ids, size_t n, bool dispatch, struct err *err);

/* The exit code of --wait when all are over: for one run its own, for several 1 if any failed. */
int wait_exitcode(struct catalogue *cat, const int64_t *ids, size_t n, int *exitcode,
                  struct err *err);
/* What a run that is over makes of the command that waited for it. */
int wait_exitcode_of(const struct run *run);

#endif
