/* command: runs a program of the host and takes what it says; for the few that the worker asks. */
#ifndef ROTA_WORKER_COMMAND_H
#define ROTA_WORKER_COMMAND_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

enum { COMMAND_OUTPUT_MAX = 16 << 20 };

/* Runs argv, searched in PATH, without input, with default signals and little environment; its standard output is
 * appended to *out. Of its standard error, the lines that are no warnings go into *said (free; "" none) as one line,
 * with "; " between: the last is what it ended for. It is killed after timeout_ms, and when this process dies.
 * Returns its exit status, 128 + n when a signal ended it; ERR_OS: it cannot be run; ERR_UNREACHABLE: it did not end
 * in time. */
int command_run(char *const argv[], int64_t timeout_ms, struct buf *out, char **said,
                struct err *err);

#endif
