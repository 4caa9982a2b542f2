#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "heap.h"
#include "xalloc.h"

enum { EVENTS = 64 };
static const size_t UNTIMED = (size_t)-1;

struct loop_watch {
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    int fd;
    uint32_t events;
    int64_t deadline; /* 0: none */
    size_t at;        /* in the timers' heap, or UNTIMED */
    bool dead;
    struct loop_watch *next_dead;
};

struct loop {
    int epfd;
    struct heap timers;
    /* A callback may end watches that wait in the same batch of events: they are freed after it. */
    struct loop_watch *dead;
    int64_t longest_us;
};

static bool earlier(const void *a, const void *b)
{
    return ((const struct loop_watch *)a)->deadline < ((const struct loop_watch *)b)->deadline;
}

static void moved(void *item, size_t at)
{
    ((struct loop_watch *)item)->at = at;
}

struct loop *loop_new(struct err *err)
{
    int epfd = epoll_create1(EPOLL_CLOEXEC);
    if (epfd < 0) {
        err_sys(err, ERR_OS, "cannot make an epoll descriptor");
        return NULL;
    }
    struct loop *loop = xcalloc(1, sizeof *loop);
    loop->epfd = epfd;
    loop->timers = (struct heap){.less = earlier, .moved = moved};
    return loop;
}

static void bury(struct loop *loop)
{
    while (loop->dead) {
        struct loop_watch *next = loop->dead->next_dead;
        free(loop->dead);
        loop->dead = next;
    }
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    bury(loop);
    heap_free(&loop->timers);
    close(loop->epfd);
    free(loop);
}

struct loop_watch *loop_watch(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_watch *watch = xcalloc(1, sizeof *watch);
    *watch = (struct loop_watch){.loop = loop, .fn = fn, .arg = arg, .fd = -1, .at = UNTIMED};
    return watch;
}

static void set_deadline(struct loop_watch *watch, int64_t deadline)
{
    struct heap *timers = &watch->loop->timers;
    if (deadline == watch->deadline)
        return;
    watch->deadline = deadline;
    if (!deadline) {
        (void)heap_remove(timers, watch->at);
        watch->at = UNTIMED;
    } else if (watch->at == UNTIMED) {
        heap_push(timers, watch);
    } else {
        heap_fix(timers, watch->at);
    }
}

int loop_set(struct loop_watch *watch, int fd, uint32_t events, int64_t deadline, struct err *err)
{
    set_deadline(watch, deadline);
    if (fd == watch->fd && events == watch->events)
        return 0;
    if (watch->fd >= 0 && fd != watch->fd)
        (void)epoll_ctl(watch->loop->epfd, EPOLL_CTL_DEL, watch->fd, NULL);
    struct epoll_event ev = {.events = events, .data.ptr = watch};
    int op = fd == watch->fd ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    watch->fd = -1;
    if (fd >= 0 && epoll_ctl(watch->loop->epfd, op, fd, &ev) < 0)
        return err_sys(err, ERR_OS, "cannot watch descriptor %d", fd);
    watch->fd = fd;
    watch->events = events;
    return 0;
}

void loop_unwatch(struct loop_watch *watch)
{
    if (!watch)
        return;
    (void)loop_set(watch, -1, 0, 0, NULL);
    watch->dead = true;
    watch->next_dead = watch->loop->dead;
    watch->loop->dead = watch;
}

static int until_next(const struct loop *loop)
{
    const struct loop_watch *first = heap_top(&loop->timers);
    if (!first)
        return -1;
    int64_t ms = first->deadline - clock_mono();
    return ms < 0 ? 0 : ms > 3600000 ? 3600000 : (int)ms;
}

static void run_timers(struct loop *loop)
{
    /* Only what is due now: a callback that sets a deadline in the past is for the next turn. */
    int64_t now = clock_mono();
    for (size_t budget = loop->timers.n; budget; budget--) {
        struct loop_watch *watch = heap_top(&loop->timers);
        if (!watch || watch->deadline > now)
            return;
        set_deadline(watch, 0);
        watch->fn(watch->arg, 0);
    }
}

static int64_t mono_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int loop_turn(struct loop *loop, struct err *err)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(loop->epfd, events, EVENTS, until_next(loop));
    if (n < 0 && errno != EINTR)
        return err_sys(err, ERR_OS, "cannot wait for events");
    int64_t woke = mono_us();
    for (int i = 0; i < n; i++) {
        struct loop_watch *watch = events[i].data.ptr;
        if (!watch->dead)
            watch->fn(watch->arg, events[i].events);
    }
    run_timers(loop);
    bury(loop);
    int64_t took = mono_us() - woke;
    if (took > loop->longest_us)
        loop->longest_us = took;
    return 0;
}

int64_t loop_longest_us(const struct loop *loop)
{
    return loop->longest_us;
}
