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

/* Kills every process whose environment carries ROTA_RUN and ROTA_TOKEN of this run, until none is
 * found. Returns how many are still there after a bounded wait (uninterruptible ones). */
size_t tree_kill_claimed(struct message_key key);

/* As kill(2), but through a pidfd where the kernel has them; 0 or -1 with errno. The process is the one
 * for which still_it(pid, arg) says yes after the pidfd was opened. */
int tree_kill_checked(pid_t pid, int sig, int value, bool (*still_it)(pid_t, const void *),
                      const void *arg);

#endif
