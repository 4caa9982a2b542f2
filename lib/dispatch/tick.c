/*
 * tick: due instants become occurrences and runs, before anything is placed and whenever the next is
 * due while the dispatcher lives.
 *
 * The timer is set by the wall clock and wakes when somebody sets that clock: forward, and what became
 * due is late; backward, and nothing is done twice, since each instant has its occurrence.
 */
#include "dispatch/internal.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "schedule.h"

enum { TRY_AGAIN_MS = 50, TROUBLE_MS = 90000 /* beyond what is waited for */, FAR_MS = 86400000 };
static const int64_t UNARMED = -1;

/* Setting a timer costs more than most system calls: only when the instant is another one. */
static void arm(struct dispatch *d)
{
    int64_t at = d->tick_at, far = clock_now() + FAR_MS;
    if (d->tick_at == d->tick_armed)
        return;
    d->tick_armed = d->tick_at;
    if (at < 1) /* zero would disarm it */
        at = 1;
    if (at > far) /* nothing is due: to be woken once a day costs nothing */
        at = far;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at / 1000), .tv_nsec = (long)(at % 1000) * 1000000}};
    (void)timerfd_settime(d->tick_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

static void on_timer(void *arg, uint32_t revents)
{
    struct dispatch *d = arg;
    uint64_t count;
    (void)revents;
    ssize_t n = read(d->tick_fd, &count, sizeof count);
    (void)n; /* it fails when the clock was set: then too the turn looks at what is due */
    d->tick_armed = UNARMED;
    if (!tick_is_due(d)) /* else tick_run arms it */
        arm(d);
}

int tick_init(struct dispatch *d, struct err *err)
{
    d->tick_at = 0; /* the first turn looks */
    d->tick_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (d->tick_fd < 0)
        return err_sys(err, ERR_OS, "cannot make a timer");
    d->tick_watch = loop_watch(d->loop, on_timer, d);
    d->tick_armed = UNARMED; /* the first look arms it */
    int rc = schedule_take_back(d->cat, &d->holder, err);
    return rc < 0 && rc != ERR_BUSY ? rc : loop_set(d->tick_watch, d->tick_fd, EPOLLIN, 0, err);
}

void tick_free(struct dispatch *d)
{
    loop_unwatch(d->tick_watch);
    if (d->tick_fd >= 0)
        close(d->tick_fd);
}

void tick_soon(struct dispatch *d)
{
    d->tick_at = 0;
}

bool tick_is_due(const struct dispatch *d)
{
    return d->tick_at <= clock_now();
}

int tick_plan(struct dispatch *d, struct err *err)
{
    int rc = schedule_next_due(d->cat, clock_now(), &d->tick_at, err);
    if (rc == 0)
        arm(d);
    return rc;
}

static int tick(struct dispatch *d, struct schedule_tick *t, struct err *err)
{
    int rc = round_begin(d, err);
    if (rc == 0)
        rc = schedule_tick(d->cat, t, err);
    if (rc == 0)
        rc = catalogue_commit(d->cat, err);
    if (rc < 0) {
        catalogue_rollback(d->cat);
        d->holder.expires = 0;
    }
    return rc;
}

/* Nothing was done, so it is simply done later. What is more than a busy catalogue is left to the next
 * dispatcher, unless this one lives that long; --once says that its one pass was not made. */
static int postpone(struct dispatch *d, const struct err *why, struct err *err)
{
    bool busy = why->code == ERR_BUSY;
    if (!d->held || (d->options->once && !busy)) {
        *err = *why;
        return why->code;
    }
    log_at(busy ? LOG_INFO : LOG_WARN, "%s; the schedules wait", why->msg);
    d->tick_at = clock_now() + (busy ? TRY_AGAIN_MS : TROUBLE_MS);
    arm(d);
    return 0;
}

/* First only a look, which takes no lock: most ticks find nothing. */
int tick_run(struct dispatch *d, struct err *err)
{
    struct schedule_tick t = {.config = d->config,
                              .now = clock_now(),
                              .actor = "schedule",
                              .limit = SCHEDULE_SLICE,
                              .missed_until = d->took_over_at};
    struct err why = {0};
    int rc = tick_plan(d, err);
    if (rc < 0 || !tick_is_due(d))
        return rc;
    rc = tick(d, &t, &why);
    if (rc < 0)
        return postpone(d, &why, err);
    if (t.expired)
        checking_soon(d);
    if (t.runs || t.expired || t.unblocked)
        rc = wake_take(d, err);
    return rc < 0 ? rc : tick_plan(d, err);
}
