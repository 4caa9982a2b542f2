/*
 * checking: `rota monitor check` as a child: every minute, soon after an end that is news, and once
 * more when the dispatcher leaves. Only where the configuration names somebody to tell.
 *
 * What becomes of it changes nothing here: the monitor may be slow, hang or fail, and no run waits for
 * it. At most one runs at a time. The last one outlives us; where it cannot, it is waited for once the
 * catalogue is free again, unless somebody waits for us (checkup.c). Its own limits end it.
 */
#include "dispatch/checkup.h"
#include "dispatch/internal.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "log.h"

enum {
    EVERY_MS = 60000,
    SOON_MS = 1000,   /* news in a burst is one check */
    APART_MS = 5000,  /* from one beginning to the next */
    LIMIT_MS = 120000 /* well over what it allows itself */
};

/* $ROTA_TEST_CHECK_MS shortens the minute, and with it the rest (a seam for tests). */
static int64_t scaled(int64_t ms)
{
    const char *seam = getenv("ROTA_TEST_CHECK_MS");
    int64_t every = seam ? strtoll(seam, NULL, 10) : 0;
    return every > 0 ? ms * every / EVERY_MS : ms;
}

static bool is_wanted(const struct dispatch *d)
{
    return config_is_monitored(d->config);
}

static void set_watch(struct dispatch *d, int64_t due)
{
    struct err err;
    int fd = d->check.pid ? d->check.fd : -1;
    if (loop_set(d->check.watch, fd, fd >= 0 ? EPOLLIN : 0, due, &err) < 0)
        log_err(&err);
}

static void begin(struct dispatch *d)
{
    struct err err;
    d->check.begun = clock_mono();
    d->check.due = d->check.begun + scaled(EVERY_MS);
    d->check.news = false;
    d->check.pid = checkup_start(&err);
    if (d->check.pid < 0) {
        if (!d->check.said)
            log_warn("alerts are not sent from here: %s", err.msg);
        d->check.said = true;
        d->check.pid = 0;
        set_watch(d, d->check.due);
        return;
    }
    d->check.fd = child_pidfd(d->check.pid);
    set_watch(d, d->check.fd < 0 ? d->check.due : d->check.begun + LIMIT_MS);
}

/* Where the kernel tells of no end (no pidfd), this is when the next one is due. */
static void end(struct dispatch *d)
{
    (void)loop_set(d->check.watch, -1, 0, 0, NULL);
    if (d->check.fd >= 0)
        close(d->check.fd);
    child_abandon(d->check.pid);
    d->check.pid = 0;
    d->check.fd = -1;
    set_watch(d, d->check.due);
}

static void on_time(void *arg, uint32_t revents)
{
    struct dispatch *d = arg;
    if (!d->check.pid) {
        if (is_wanted(d) && clock_mono() >= d->check.due)
            begin(d);
        return;
    }
    if (!revents && clock_mono() >= d->check.begun + LIMIT_MS) {
        (void)kill(-d->check.pid, SIGKILL);
        log_info("rota monitor check took too long and was killed");
    }
    end(d);
}

void checking_init(struct dispatch *d)
{
    d->check.fd = -1;
    d->check.watch = loop_watch(d->loop, on_time, d);
    d->check.due = clock_mono() + scaled(EVERY_MS);
    checking_configure(d);
}

void checking_configure(struct dispatch *d)
{
    if (is_wanted(d) && !d->check.pid)
        set_watch(d, d->check.due);
}

void checking_soon(struct dispatch *d)
{
    int64_t due = clock_mono() + scaled(SOON_MS);
    int64_t apart = d->check.begun ? d->check.begun + scaled(APART_MS) : 0;
    d->check.news = true;
    if (due < apart)
        due = apart;
    if (due >= d->check.due)
        return;
    d->check.due = due;
    checking_configure(d);
}

void checking_free(struct dispatch *d)
{
    bool last = is_wanted(d) && (d->check.news || !d->check.begun);
    loop_unwatch(d->check.watch);
    if (d->check.fd >= 0)
        close(d->check.fd);
    d->check.last = last;
}

void checking_leave(const struct dispatch *d)
{
    pid_t last = d->check.last ? checkup_last() : 0;
    if (!d->leaving && !d->options->nwait)
        checkup_await(last, d->check.pid);
}
