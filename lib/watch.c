#include "watch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "xalloc.h"

enum { WAIT_MIN_MS = 1, WAIT_MAX_MS = 1000 };

struct watch {
    int fd;
    char *dir; /* the second directory; NULL: none yet */
    int dir_id;
    int patience; /* ms of the next wait */
};

static char *parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
}

static int add(const struct watch *watch, const char *dir)
{
    return inotify_add_watch(watch->fd, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
}

struct watch *watch_new(const char *catalogue, struct err *err)
{
    struct watch *watch = xcalloc(1, sizeof *watch);
    char *dir = parent(catalogue);
    watch->patience = WAIT_MAX_MS;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0 || add(watch, dir) < 0) {
        err_sys(err, ERR_OS, "cannot watch %s", dir);
        watch_free(watch);
        watch = NULL;
    }
    free(dir);
    return watch;
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    if (watch->fd >= 0)
        close(watch->fd);
    free(watch->dir);
    free(watch);
}

void watch_dir_of(struct watch *watch, const char *path)
{
    char *dir = parent(path);
    if (watch->dir && strcmp(watch->dir, dir) == 0) {
        free(dir);
        return;
    }
    if (watch->dir) {
        (void)inotify_rm_watch(watch->fd, watch->dir_id);
        free(watch->dir);
        watch->dir = NULL;
    }
    watch->dir_id = add(watch, dir);
    if (watch->dir_id >= 0)
        watch->dir = dir;
    else
        free(dir); /* not there yet */
}

/* A commit is seen by readers only after the writer, having written (which wakes us) and synced the
 * WAL, updates the shared index, and of that there is no event. So the waits after an event are
 * short and double until nothing more is to be expected; the longest is also the safety net where
 * inotify sees nothing (a queue that ran over, a file system without it). */
void watch_wait(struct watch *watch, int fd)
{
    struct pollfd fds[2] = {{.fd = watch->fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    char events[4096];
    int n = poll(fds, 2, watch->patience);
    if (n == 0 && watch->patience < WAIT_MAX_MS)
        watch->patience = watch->patience * 2 < WAIT_MAX_MS ? watch->patience * 2 : WAIT_MAX_MS;
    if (!(fds[0].revents & POLLIN))
        return;
    while (read(watch->fd, events, sizeof events) > 0)
        ;
    watch->patience = WAIT_MIN_MS;
}
