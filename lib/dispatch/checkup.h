/*
 * checkup: `rota monitor check` as a process of its own, which whoever dispatches starts. Links no SSH
 * code.
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

/* Starts the last one before this program ends: without the catalogue, which somebody else may hold
 * by now. */
void checkup_last(void);

#endif
