/*
 * child: a helper program, its answer read without blocking, and the reaping of what we started.
 *
 * Helpers are short (`ssh -G`, `ssh-keygen -F`, `getent`); at most CHILD_MAX of them run at a time, the
 * others wait in line. Each process is reaped by its pid, never by waiting for any child: the rest
 * of the program may have children of its own. It must not ignore SIGCHLD.
 */
#ifndef ROTA_CHILD_H
#define ROTA_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "gate.h"
#include "strlist.h"

enum { CHILD_MAX = 8, CHILD_OUTPUT_MAX = 1 << 20 };

/* Start with {0}; end with child_stop. Must not be moved while it is in use. */
struct child {
    int fd;         /* poll for POLLIN, then call child_step; -1: call it at once */
    int status;     /* as of waitpid(2), once it ended */
    struct buf out; /* its standard output */
    /* private */
    bool begun;
    pid_t pid; /* 0: not started, or reaped */
    int errfd; /* a memory file with its standard error; -1: none */
    bool drained;
    struct strlist argv;
    struct gate_pass pass;
};

/* Begins to run argv (copied; searched in PATH). */
void child_begin(struct child *child, const char *const argv[]);
/* 1: it ended, out and status are complete; 0: poll fd; negative: it could not be started, or
 * it writes more than CHILD_OUTPUT_MAX. */
int child_step(struct child *child, struct err *err);
/* Whether it has not started yet because too many others run. */
bool child_is_waiting(const struct child *child);
/* The first line it wrote to standard error, free; "" when there is none. */
char *child_complaint(const struct child *child);
/* Ends it when it still runs, and frees what it has. Harmless on {0} and twice. */
void child_stop(struct child *child);

/* A memory file of a fixed size to give a process as its standard error, or output, where it fails to
 * write more: -1 when there is none to be had. */
int child_errfd(void);
/* The last line in such a file, free; "" when there is none. (Short helpers give the reason first,
 * long-lived processes last.) */
char *child_last_line(int errfd);

/* Reaps a process of ours, at once when it is dead, else when the next call of this module finds
 * it dead. What still lives a second after this call is killed then. */
void child_abandon(pid_t pid);
/* Before the program ends: gives all that was abandoned so many ms to end, then kills it. What we may not
 * kill is not waited for. */
void child_end_all(int ms);
/* A descriptor that is readable when the process is dead; -1 where the kernel has none. */
int child_pidfd(pid_t pid);

#endif
