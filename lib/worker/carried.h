/*
 * carried: runs of a front end that Slurm carries (carrier.h): they have a charge and a cell as others, a ticket in place
 * of a shim, and are neither followed nor judged here: what is told of them is in their tickets.
 */
#ifndef ROTA_WORKER_CARRIED_H
#define ROTA_WORKER_CARRIED_H

#include "worker/front.h"

/* Begins a run: STARTED is in the journal. ERR_IO: it is not begun. */
int carried_begin(struct front *front, struct charge *charge, const struct order *order,
                  struct err *err);
/* Has the carrier look at what is new; forks it when none lives. */
void carried_wake(struct front *front);
/* Our child that carried has ended. */
void carried_carrier_gone(struct front *front);
/* Finds the tickets of charges when a front end begins; a ticket without a charge was acknowledged. */
void carried_recover(struct front *front);
/* Looks at what its ticket tells: how it stands, its result. */
void carried_look(struct front *front, struct charge *charge);
/* A new head is to be told how it stands. */
void carried_tell_again(struct front *front, struct charge *charge);
/* The head has its result. */
void carried_forget(struct front *front, struct message_key key);

#endif
