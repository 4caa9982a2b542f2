/*
 * tool: a program of the host that a kind asks for something, beside the run's own: its answer is waited for,
 * and it is killed when that takes too long. It has the account and the environment of the run, no input,
 * and only ever runs in a shim or in another fork of the front end, never in the front end.
 */
#ifndef ROTA_WORKER_TOOL_H
#define ROTA_WORKER_TOOL_H

#include <stddef.h>

#include "worker/order.h"

/* The path of a program, in the PATH of the run and then in the usual places; NULL: not there. Free. */
char *tool_find(const struct order *order, const char *name);
/* Runs argv (argv[0] is a path) for at most so many ms. Its exit status, 128 + n for signal n; -1: it could
 * not be started, or did not end in time. The first `size` - 1 bytes of what it wrote, to either stream, are
 * put into `said`, without a newline at the end. */
int tool_run(const struct order *order, char *const argv[], int ms, char *said, size_t size);

#endif
