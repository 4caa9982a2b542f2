/*
 * limits: what a run may take of its host: memory, processors, its nice value. It is held to them or it is not
 * started: by control groups where the worker may make some (cgroup.h), else, of an account with a
 * user manager, as a scope of systemd.
 *
 * The groups of a run are called rota-TOKEN. Where they are stands in a file of the cells while they may be
 * there, so that whoever finds the shim gone can take them away.
 */
#ifndef ROTA_WORKER_LIMITS_H
#define ROTA_WORKER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "message.h"
#include "worker/journal.h"
#include "worker/leavings.h"
#include "worker/order.h"

struct launch;
struct limits;

/* Why an order's limits are none, for people; NULL: they are good. */
const char *limits_check(const struct order *order);
/* The FEATURE. */
void limits_tell(struct message_writer *w);

/* In the shim, when the launch is prepared: makes what holds the run to them, into launch->limits.
 * ERR_ANSWER: this host cannot, and why. */
int limits_prepare(const struct order *order, struct launch *launch, struct err *err);
/* In the child, before it becomes another account; -1 with errno. */
int limits_enter(const struct order *order, const struct launch *launch);
/* In the shim, when all of the run is gone, or it did not start (result NULL): says in the result when it was
 * the kernel that ended it, and takes away what was made. */
void limits_end(const struct order *order, const struct launch *launch,
                struct record_result *result);
/* Says in the result of a run that was killed that its memory limit may be why. */
void limits_suspect(const struct order *order, struct record_result *result);

/* In the front end, of a run whose shim is gone: ends what is left in its groups and removes them. False:
 * something is in them still. */
bool limits_drop(int cells, uint32_t cell, struct message_key key);
/* When a front end begins: removes the groups in which nothing runs, of runs that are over. */
void limits_sweep(int cells, leavings_live *is_live, const void *arg);

#endif
