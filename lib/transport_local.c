/*
 * The worker of this machine, over a socketpair. No SSH code: what a user without any configuration
 * meets first, and what makes the dispatcher testable without a network.
 */
#include "transport.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "greeting.h"
#include "io.h"
#include "proc.h"
#include "xalloc.h"

enum {
    SOCKET_BYTES = 1 << 20, /* so that a batch of starts is one write */
    CLOSE_MS = 100,
};

struct local_link {
    struct link link;
    pid_t pid;
    int errfd;
    struct greeting greeting;
};

static struct local_link *of(struct link *link)
{
    return (struct local_link *)link;
}

static int spawn(struct local_link *l, const struct host_config *host, int fd, struct err *err)
{
    char *path = host->worker ? xstrdup(host->worker) : proc_find_sibling("rota-worker");
    if (!path)
        return err_set(err, ERR_CONFIG,
                       "rota-worker is neither beside this program nor in %s: install it, or set "
                       "'worker = PATH'",
                       ROTA_LIBEXECDIR);
    char *argv[] = {path, "serve", l->link.nonce, NULL};
    l->errfd = child_errfd();
    pid_t pid = proc_spawn(argv, fd, fd, l->errfd, err);
    free(path);
    if (pid < 0)
        return (int)pid;
    l->pid = pid;
    return 0;
}

static struct link *local_open(const struct host_config *host, struct err *err)
{
    int fds[2], bytes = SOCKET_BYTES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        (void)err_sys(err, ERR_OS, "cannot make a socket pair");
        return NULL;
    }
    struct local_link *l = xcalloc(1, sizeof *l);
    l->link = (struct link){.transport = &transport_local, .fd = fds[0], .events = POLLIN};
    l->errfd = -1;
    link_nonce(&l->link);
    greeting_expect(&l->greeting, l->link.nonce);
    for (int i = 0; i < 2; i++) /* the kernel may grant less: no harm */
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    int rc = io_nonblock(fds[0]);
    if (rc < 0)
        (void)err_sys(err, ERR_OS, "cannot use a socket pair");
    else
        rc = spawn(l, host, fds[1], err);
    close(fds[1]);
    l->link.deadline = clock_mono() + link_step_ms();
    if (rc == 0)
        return &l->link;
    transport_local.close(&l->link);
    return NULL;
}

static int ended_early(struct local_link *l, struct err *err)
{
    char *why = child_last_line(l->errfd);
    int rc = err_set(err, ERR_UNREACHABLE, "the worker on this machine ended at once: %s",
                     *why ? why : "it does not say why");
    free(why);
    return rc;
}

static int local_step(struct link *link, struct err *err)
{
    struct local_link *l = of(link);
    char text[4096];
    for (;;) {
        ssize_t n = recv(link->fd, text, sizeof text, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            return ended_early(l, err);
        int rc = greeting_feed(&l->greeting, text, (size_t)n, err);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            link->deadline = 0;
            /* what came with the greeting shows in no poll: be called at once */
            link->events = l->greeting.text.len ? POLLIN | POLLOUT : POLLIN;
            return 1;
        }
    }
    if (clock_mono() >= link->deadline)
        return err_set(err, ERR_UNREACHABLE, "the worker on this machine says nothing");
    return 0;
}

static ssize_t local_read(struct link *link, void *p, size_t len, struct err *err)
{
    size_t early = greeting_take(&of(link)->greeting, p, len);
    if (early) {
        link->events = POLLIN;
        return (ssize_t)early;
    }
    for (;;) {
        ssize_t n = recv(link->fd, p, len, MSG_DONTWAIT);
        if (n > 0)
            return n;
        if (n == 0)
            return err_set(err, ERR_UNREACHABLE, "the worker on this machine ended");
        if (errno == EAGAIN)
            return 0;
        if (errno != EINTR)
            return err_sys(err, ERR_UNREACHABLE, "cannot read from the worker on this machine");
    }
}

static ssize_t local_write(struct link *link, const void *p, size_t len, struct err *err)
{
    for (;;) {
        ssize_t n = send(link->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        link->events = n >= 0 && (size_t)n == len ? POLLIN : POLLIN | POLLOUT;
        if (n > 0)
            return n;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_sys(err, ERR_UNREACHABLE, "cannot write to the worker on this machine");
    }
}

/* The worker ends when its input does, within a millisecond; the runs it started go on without it.
 * Waiting for that keeps its lock from meeting the next one, and its files from a caller who removes
 * them. One that hangs is left to child_abandon, which kills it later: nothing waits for it here. */
static void local_close(struct link *link)
{
    if (!link)
        return;
    struct local_link *l = of(link);
    (void)shutdown(link->fd, SHUT_RDWR);
    if (l->pid) {
        struct pollfd death = {.fd = child_pidfd(l->pid), .events = POLLIN};
        if (death.fd >= 0) {
            (void)poll(&death, 1, CLOSE_MS);
            close(death.fd);
        }
        child_abandon(l->pid);
    }
    close(link->fd);
    if (l->errfd >= 0)
        close(l->errfd);
    greeting_free(&l->greeting);
    free(l);
}

const struct transport transport_local = {
    .name = "local",
    .open = local_open,
    .step = local_step,
    .read = local_read,
    .write = local_write,
    .close = local_close,
};
