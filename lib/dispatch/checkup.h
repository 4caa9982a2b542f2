/*
 * checkup: `rota monitor check` as a process of its own, which whoever dispatches starts, and its end
 * when it must not be left behind. Links no SSH code.
 */
#ifndef ROTA_DISPATCH_CHECKUP_H
#define ROTA_DISPATCH_CHECKUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "catalogue.h"
#include "config.h"
#include "err.h"

/* Starts it, in a session of its own. The pid, to be reaped by the caller; negative: it cannot be
 * started. */
pid_t checkup_start(struct err *err);

/* Whether one that finds nothing to dispatch is to start it: the configuration names somebody to tell,
 * the catalogue is ours, and no check was there for a minute. */
int checkup_is_due(const struct config *config, struct catalogue *cat, bool *due, struct err *err);

/* Starts the last one before this program ends. The pid; 0: it cannot be started, and that was said. */
pid_t checkup_last(void);
/* Where the end of this program would be theirs too, waits for these (0: none), until it is asked to
 * end by a signal. For one whose end nobody waits for, when it holds the catalogue no more. */
void checkup_await(pid_t last, pid_t earlier);

#endif
