/* The half of tree that works without a living shim. */
#include "worker/tree.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "io.h"
#include "xalloc.h"

enum { ENVIRON_MAX = 4 << 20, ROUNDS = 8, ROUND_MS = 250 };

struct claim {
    char run[48], token[48]; /* with the NULs around them, as they lie in /proc/PID/environ */
    size_t run_len, token_len;
};

static struct claim claim_of(struct message_key key)
{
    struct claim c;
    int run = snprintf(c.run, sizeof c.run, "%cROTA_RUN=%" PRIu64, 0, key.run);
    int token = snprintf(c.token, sizeof c.token, "%cROTA_TOKEN=%016" PRIx64, 0, key.token);
    c.run_len = (size_t)run + 1;
    c.token_len = (size_t)token + 1;
    return c;
}

static bool carries(pid_t pid, const void *arg)
{
    const struct claim *c = arg;
    char path[64];
    struct buf text = {0};
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    buf_addch(&text, '\0'); /* so that the first entry has a NUL before it too */
    bool yes = io_read_file(path, ENVIRON_MAX, &text, NULL) == 0 &&
               memmem(buf_data(&text), text.len, c->run, c->run_len) &&
               memmem(buf_data(&text), text.len, c->token, c->token_len);
    buf_free(&text);
    return yes;
}

/* Kills what is found in one pass over /proc; returns how many, with a pidfd of each (-1: none). */
static size_t kill_once(const struct claim *c, struct pollfd **fds)
{
    size_t n = 0;
    DIR *d = opendir("/proc");
    *fds = NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end || pid <= 1 || pid == getpid() || !carries((pid_t)pid, c))
            continue;
        int pidfd = pidfd_open((pid_t)pid, 0);
        (void)tree_kill_checked((pid_t)pid, SIGKILL, 0, carries, c);
        *fds = xreallocarray(*fds, n + 1, sizeof **fds);
        (*fds)[n++] = (struct pollfd){.fd = pidfd, .events = POLLIN};
    }
    if (d)
        (void)closedir(d);
    return n;
}

/* Waits until all are gone, or the round is over. */
static void await_all(struct pollfd *fds, size_t n)
{
    int64_t until = clock_mono() + ROUND_MS;
    for (size_t i = 0; i < n; i++) {
        int64_t left = until - clock_mono();
        (void)poll(&fds[i], fds[i].fd >= 0, left > 0 ? (int)left : 0);
        if (fds[i].fd >= 0)
            close(fds[i].fd);
    }
}

size_t tree_kill_claimed(struct message_key key)
{
    struct claim c = claim_of(key);
    size_t n = 1;
    for (int round = 0; n && round < ROUNDS; round++) {
        struct pollfd *fds;
        n = kill_once(&c, &fds);
        await_all(fds, n);
        free(fds);
    }
    return n;
}
