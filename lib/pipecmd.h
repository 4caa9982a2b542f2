/*
 * pipecmd: a long-lived program with one socket as its standard input and output, and a memory file
 * as its standard error.
 */
#ifndef ROTA_PIPECMD_H
#define ROTA_PIPECMD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* Start with PIPECMD_NONE; end with pipecmd_close. */
struct pipecmd {
    int fd; /* ours, non-blocking; poll it; -1: none */
    pid_t pid;
    int errfd; /* child_last_line reads it */
    bool full; /* the last write did not take all: poll for POLLOUT too */
};
#define PIPECMD_NONE ((struct pipecmd){.fd = -1, .errfd = -1})

/* Starts argv (searched in PATH). 0 or ERR_OS; close it in either case. */
int pipecmd_open(struct pipecmd *cmd, char *const argv[], struct err *err);
/* As read(2) and write(2): bytes moved (> 0); 0: would block; ERR_UNREACHABLE: failed, and for
 * reading the end of the stream, when *ended is set (NULL ok). */
ssize_t pipecmd_read(struct pipecmd *cmd, void *p, size_t len, bool *ended, struct err *err);
ssize_t pipecmd_write(struct pipecmd *cmd, const void *p, size_t len, struct err *err);
/* It reads the end of its input, and may still answer. */
void pipecmd_end_input(struct pipecmd *cmd);
/* Ends the stream and waits at most so many ms for the program's end; one that takes longer is left
 * to child_abandon, which kills it later. Harmless on PIPECMD_NONE and twice. */
void pipecmd_close(struct pipecmd *cmd, int ms);

#endif
