#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"
#include "tap.h"

struct seen {
    struct loop_watch *watch, *other;
    int calls, fd;
    uint32_t revents;
};

static void note(void *arg, uint32_t revents)
{
    struct seen *seen = arg;
    char c;
    seen->calls++;
    seen->revents = revents;
    if (revents & EPOLLIN && read(seen->fd, &c, 1) != 1)
        seen->calls = -1;
}

static void end_both(void *arg, uint32_t revents)
{
    struct seen *seen = arg;
    (void)revents;
    seen->calls++;
    loop_unwatch(seen->other);
    loop_unwatch(seen->watch);
}

static void check_fd_and_timer(struct loop *loop)
{
    int p[2];
    struct seen seen = {0};
    if (pipe(p) < 0)
        exit(1);
    seen.fd = p[0];
    seen.watch = loop_watch(loop, note, &seen);
    tap_int(loop_set(seen.watch, p[0], EPOLLIN, 0, NULL), 0, "a descriptor can be watched");
    tap_int(write(p[1], "x", 1), 1, "a byte is written");
    (void)loop_turn(loop, NULL);
    tap_ok(seen.calls == 1 && seen.revents & EPOLLIN, "its callback is told of the byte");
    int64_t before = clock_mono();
    (void)loop_set(seen.watch, p[0], EPOLLIN, before + 20, NULL);
    while (seen.calls < 2)
        (void)loop_turn(loop, NULL);
    tap_ok(seen.revents == 0 && clock_mono() >= before + 20,
           "a deadline calls back without events, not early");
    (void)loop_set(seen.watch, -1, 0, clock_mono(), NULL);
    tap_int(write(p[1], "x", 1), 1, "another byte is written");
    (void)loop_turn(loop, NULL);
    tap_ok(seen.calls == 3 && seen.revents == 0,
           "a descriptor that is not watched any more is silent");
    loop_unwatch(seen.watch);
    close(p[0]);
    close(p[1]);
}

static void check_unwatch_in_callback(struct loop *loop)
{
    int p[2], q[2];
    struct seen a = {0}, b = {0};
    if (pipe(p) < 0 || pipe(q) < 0)
        exit(1);
    a.watch = b.other = loop_watch(loop, end_both, &a);
    b.watch = a.other = loop_watch(loop, end_both, &b);
    (void)loop_set(a.watch, p[0], EPOLLIN, 0, NULL);
    (void)loop_set(b.watch, q[0], EPOLLIN, 0, NULL);
    tap_ok(write(p[1], "x", 1) == 1 && write(q[1], "x", 1) == 1,
           "two descriptors are ready at once");
    (void)loop_turn(loop, NULL);
    tap_int(a.calls + b.calls, 1,
            "a watch that another callback ended is not called in the same turn");
    close(p[0]), close(p[1]), close(q[0]), close(q[1]);
}

int main(void)
{
    struct loop *loop = loop_new(NULL);
    check_fd_and_timer(loop);
    check_unwatch_in_callback(loop);
    tap_ok(loop_longest_us(loop) >= 0, "the longest turn is known");
    loop_free(loop);
    return tap_done();
}
