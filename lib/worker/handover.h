/*
 * handover: what a run tells those that come after it. It writes lines key=value (values.h) to the file that
 * $ROTA_OUTPUT names, if it likes: the file is not there before, so that it costs nothing to the others. At
 * the end its shim keeps what is good of it in the cell, for the front end to send with the result.
 *
 * The file is in the cells, where the worker's own account writes; a run of another account cannot come
 * there, and has it in a directory in /tmp that is its own and closed to others. The token of the attempt
 * is in either name: nobody can guess it before, and no later run in the cell has it.
 */
#ifndef ROTA_WORKER_HANDOVER_H
#define ROTA_WORKER_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "message.h"
#include "worker/journal.h"
#include "worker/leavings.h"
#include "worker/order.h"

/* The name of the file of an order that has its cell and its account; free. `spool`: its directory. */
char *handover_path(const struct order *order, const char *spool);
/* The same, of a run whose cells are that directory. */
char *handover_path_in(const struct order *order, const char *cells);
/* In the shim, before the run: makes what it needs to write there. */
void handover_prepare(const struct order *order);
/* In the shim, after the run: keeps what it says in the cell, and says in the result how much. */
void handover_take(const struct order *order, int cells, struct record_result *result);
/* Reads what was kept, lines with their ends, into *text. -1: it cannot be read now. What is not there, or is
 * not what was written, counts as one ignored. */
int handover_read(int cells, uint32_t cell, struct record_result *result, struct buf *text);
/* The head has it safe. */
void handover_forget(int cells, uint32_t cell);
/* Nobody will read what the run wrote, or it was read: removes it. */
void handover_drop(int cells, uint32_t cell, struct message_key key);
/* When a front end begins: removes what was written behind the end of its run, by what that left behind.
 * `is_live` tells whether the run of that cell and token may still be writing. */
void handover_sweep(int cells, leavings_live *is_live, const void *arg);

#endif
