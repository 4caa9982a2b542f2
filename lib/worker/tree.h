/*
 * tree: the processes of a run.
 *
 * While its shim lives they are the shim's descendants: it is a child subreaper, so what double-forks
 * or calls setsid stays below it. When the shim was killed they are found by what they carry in
 * their environment.
 */
#ifndef ROTA_WORKER_TREE_H
#define ROTA_WORKER_TREE_H

#include <stddef.h>
#include <sys/types.h>

#include "message.h"

struct tree_count {
    int signalled; /* live processes that were sent the signal */
    int refused;   /* live processes that we may not signal (another user's) */
    pid_t example; /* one of the refused */
};

/* Sends a signal to every descendant of this process. One pass: what forks meanwhile may escape it,
 * so a caller who means SIGKILL repeats it until it has no children left. */
struct tree_count tree_signal(int sig);

/* A run whose processes are looked for. */
struct tree_claim {
    struct message_key key;
    size_t found; /* processes of it that were there, and were sent SIGKILL */
    int pidfd;    /* of the last of them, the caller's; -1: none, or a kernel before 5.3 */
};

/* Kills every process whose environment carries ROTA_RUN and ROTA_TOKEN of one of the runs, in one
 * pass over all processes, and waits for none: what was found may need long to die (uninterruptible),
 * and may have forked behind our back. A run is gone when a pass finds none. */
void tree_kill_claimed(struct tree_claim *claims, size_t n);

/* The pid that is the name of an entry of /proc; 0: it is none. */
pid_t tree_pid_of_name(const char *name);

/* As kill(2), but through a pidfd where the kernel has them; 0 or -1 with errno. The process is the one
 * for which still_it(pid, arg) says yes after the pidfd was opened. */
int tree_kill_checked(pid_t pid, int sig, int value, bool (*still_it)(pid_t, const void *),
                      const void *arg);

#endif
