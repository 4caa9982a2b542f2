/*
 * The worker of this machine, over a socketpair. No SSH code: what a user without any configuration
 * meets first, and what makes the dispatcher testable without a network.
 */
#include "transport.h"

#include <poll.h>
#include <stdlib.h>

#include "child.h"
#include "clock.h"
#include "greeting.h"
#include "pipecmd.h"
#include "proc.h"
#include "xalloc.h"

enum { CLOSE_MS = 100 };

struct local_link {
    struct link link;
    struct pipecmd worker;
    struct greeting greeting;
};

static struct local_link *of(struct link *link)
{
    return (struct local_link *)link;
}

static int spawn(struct local_link *l, const struct host_config *host, struct err *err)
{
    char *path = host->worker ? xstrdup(host->worker) : proc_find_sibling("rota-worker");
    if (!path)
        return err_set(err, ERR_CONFIG,
                       "rota-worker is neither beside this program nor in %s: install it, or set "
                       "'worker = PATH'",
                       ROTA_LIBEXECDIR);
    char *argv[] = {path, (char *)l->link.mode, l->link.nonce, NULL};
    int rc = pipecmd_open(&l->worker, argv, err);
    free(path);
    return rc;
}

static struct link *local_open(const struct host_config *host, const char *mode, struct err *err)
{
    struct local_link *l = xcalloc(1, sizeof *l);
    l->link = (struct link){.transport = &transport_local, .mode = mode, .events = POLLIN};
    l->worker = PIPECMD_NONE;
    link_nonce(&l->link);
    greeting_expect(&l->greeting, l->link.nonce);
    int rc = spawn(l, host, err);
    l->link.fd = l->worker.fd;
    l->link.deadline = clock_mono() + link_step_ms();
    if (rc == 0)
        return &l->link;
    transport_local.close(&l->link);
    return NULL;
}

static int ended_early(struct local_link *l, struct err *err)
{
    char *why = child_last_line(l->worker.errfd);
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
        ssize_t n = pipecmd_read(&l->worker, text, sizeof text, NULL, err);
        if (n == 0)
            break;
        if (n < 0)
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
    bool ended;
    if (early) {
        link->events = POLLIN;
        return (ssize_t)early;
    }
    ssize_t n = pipecmd_read(&of(link)->worker, p, len, &ended, err);
    if (n < 0 && ended)
        return err_set(err, ERR_UNREACHABLE, "the worker on this machine ended");
    return n;
}

static ssize_t local_write(struct link *link, const void *p, size_t len, struct err *err)
{
    ssize_t n = pipecmd_write(&of(link)->worker, p, len, err);
    link->events = of(link)->worker.full ? POLLIN | POLLOUT : POLLIN;
    return n;
}

/* The worker ends when its input does, within a millisecond; the runs it started go on without it.
 * Waiting for that keeps its lock from meeting the next one, and its files from a caller who removes
 * them. */
static void local_close(struct link *link)
{
    if (!link)
        return;
    pipecmd_close(&of(link)->worker, CLOSE_MS);
    greeting_free(&of(link)->greeting);
    free(link);
}

const struct transport transport_local = {
    .name = "local",
    .open = local_open,
    .step = local_step,
    .read = local_read,
    .write = local_write,
    .close = local_close,
};
