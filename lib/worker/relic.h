/*
 * relic: what a run has on its host that is no descendant of its shim, so that the death of the shim does not
 * end it: a container. Before it makes one the shim leaves a note in the cells, N.TOKEN.relic, a START message
 * of what the kind's `clear` needs; at the end of the run it takes the note away. What stays there is cleared
 * by the front end: when a shim was killed, before its run is called lost, and when a front end begins.
 *
 * Of the environment only what says where the kind's program keeps its things is noted: the rest may be
 * secret.
 */
#ifndef ROTA_WORKER_RELIC_H
#define ROTA_WORKER_RELIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "message.h"
#include "worker/account.h"
#include "worker/leavings.h"
#include "worker/order.h"

/* Whether a variable "NAME=value" is noted. */
bool relic_keeps(const char *entry);
/* In the shim, before the run; `options` are noted ("key=value"). ERR_IO. */
int relic_note(const struct order *order, int cells, const struct strlist *options,
               struct err *err);
/* In the shim, after the run: it is cleared. */
void relic_forget(const struct order *order, int cells);
/* Clears what a run has left in a process of its own, whose pid is returned: it ends with 0 when that is
 * done. 0: there is nothing to clear; -1: cannot fork. */
pid_t relic_clear(int cells, uint32_t cell, struct message_key key, const struct account *own);
/* Clears what runs that are not live have left, in a process of its own, for which nobody waits. */
void relic_sweep(int cells, const struct account *own, leavings_live *is_live, const void *arg);

#endif
