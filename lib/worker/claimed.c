/* The half of tree that works without a living shim. */
#include "worker/tree.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "xalloc.h"

enum { ENVIRON_MAX = 4 << 20 };

/* How a run's processes are known: two entries as they lie in /proc/PID/environ, NULs around them. */
struct mark {
    char run[48], token[48];
    size_t run_len, token_len;
};

static struct mark mark_of(struct message_key key)
{
    struct mark mark;
    int run = snprintf(mark.run, sizeof mark.run, "%cROTA_RUN=%" PRIu64, 0, key.run);
    int token = snprintf(mark.token, sizeof mark.token, "%cROTA_TOKEN=%016" PRIx64, 0, key.token);
    mark.run_len = (size_t)run + 1;
    mark.token_len = (size_t)token + 1;
    return mark;
}

/* False when there is no such process, or one that is not ours to look at: root sees all, others their own. */
static bool read_environment(pid_t pid, struct buf *text)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    buf_reset(text);
    buf_addch(text, '\0'); /* so that the first entry has a NUL before it too */
    return io_read_file(path, ENVIRON_MAX, text, NULL) == 0;
}

static bool has_mark(const struct buf *text, const struct mark *mark)
{
    return memmem(buf_data(text), text->len, mark->run, mark->run_len) &&
           memmem(buf_data(text), text->len, mark->token, mark->token_len);
}

static bool carries(pid_t pid, const void *mark)
{
    struct buf text = {0};
    bool yes = read_environment(pid, &text) && has_mark(&text, mark);
    buf_free(&text);
    return yes;
}

/* Should the pid have become another's since we read its environment, that one is not hit, and our
 * pidfd is of a process that has ended or is the other one: whoever follows it looks again at its end,
 * and at each PING. */
static void kill_one(pid_t pid, const struct mark *mark, struct tree_claim *claim)
{
    if (claim->pidfd >= 0)
        close(claim->pidfd);
    claim->pidfd = pidfd_open(pid, 0);
    claim->found++;
    (void)tree_kill_checked(pid, SIGKILL, 0, carries, mark);
}

void tree_kill_claimed(struct tree_claim *claims, size_t n)
{
    static const char any[] = "\0ROTA_TOKEN="; /* most processes are no run's */
    struct mark *marks = xcalloc(n + 1, sizeof *marks);
    struct buf text = {0};
    for (size_t i = 0; i < n; i++) {
        marks[i] = mark_of(claims[i].key);
        claims[i].found = 0;
        claims[i].pidfd = -1;
    }
    DIR *d = n ? opendir("/proc") : NULL;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        pid_t pid = tree_pid_of_name(entry->d_name);
        if (pid <= 1 || pid == getpid() || !read_environment(pid, &text) ||
            !memmem(buf_data(&text), text.len, any, sizeof any - 1))
            continue;
        for (size_t i = 0; i < n; i++)
            if (has_mark(&text, &marks[i]))
                kill_one(pid, &marks[i], &claims[i]);
    }
    if (d)
        (void)closedir(d);
    buf_free(&text);
    free(marks);
}
