/*
 * ticket: what is kept of a run that Slurm carries, in a directory of its own on a filesystem that the nodes
 * share. Three write there: the front end that hands the run over, the carrier (carrier.h) that deals with
 * Slurm on this host, and the batch (batch.h) that executes the run on a node. Each file has one writer and
 * comes by a rename, so that who finds it finds it whole.
 *
 *   BASE/TOKEN.RUN.ATTEMPT/   the ticket
 *     order     front end: the START message, and the run's cell
 *     claim     a symbolic link made by whoever decides that the run begins ("run") or that it never will
 *               ("never"): it is made once, with what it says, on any filesystem, and is what keeps a run
 *               from being executed twice however often Slurm was given it
 *     run/      batch: output, values and result, as in a spool
 *     cancel    carrier: it is to end
 *     note      carrier: how it stands, for people
 *     result    carrier: its end, which the front end puts into the journal
 *   BASE/groups/TOKEN         carrier: tickets that went to Slurm as one array, a line each
 *   BASE/groups/TOKEN.id      carrier: the number of the job that Slurm made of it
 *   BASE/groups/TOKEN.sh      carrier: the batch script
 *   BASE/bin/rota-worker-*    the program that the script executes
 */
#ifndef ROTA_WORKER_TICKET_H
#define ROTA_WORKER_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "message.h"
#include "worker/journal.h"
#include "worker/order.h"

enum { TICKET_NAME = 64 };

/* Where the tickets of a spool are; `base` is what the configuration says of spools (NULL: nothing). free. */
char *ticket_base(const char *spool, const char *base, const char *home);

void ticket_name(struct message_key key, char name[TICKET_NAME]);
/* The key in a name; false: it is none of a ticket. */
bool ticket_key(const char *name, struct message_key *key);

/* Hands a run over: makes its ticket with all that is to be known. One that is there already is left as it
 * is. ERR_IO. */
int ticket_write(const char *base, const struct order *order, const struct message *start,
                 struct err *err);
/* Reads it back, the cell included; the caller's (order_free). NULL: there is none, or it is damaged. */
struct order *ticket_read(const char *base, const char *name);
/* Decides that it begins, or never does: 0; 1: that was decided before; ERR_IO. */
int ticket_claim(const char *base, const char *name, bool begins, struct err *err);
/* "claim" is there when the run has begun. false: errno says why not. */
bool ticket_has(const char *base, const char *name, const char *file);
/* Replaces one of its files. ERR_IO. */
int ticket_put(const char *base, const char *name, const char *file, const void *p, size_t len,
               struct err *err);
/* Reads one of its files, at most `max` bytes; false: it cannot be read. */
bool ticket_get(const char *base, const char *name, const char *file, size_t max, struct buf *out);
/* A record that is whole and of this key. */
bool ticket_get_record(const char *base, const char *name, const char *file, struct record *record);
/* Removes it with all that is in it. */
void ticket_remove(const char *base, const char *name);
/* Removes what a crash left of tickets that were being removed. */
void tickets_sweep(const char *base);
/* Calls each for every ticket; it may remove the one it was called for. */
void tickets_each(const char *base, void (*each)(const char *name, void *arg), void *arg);

#endif
