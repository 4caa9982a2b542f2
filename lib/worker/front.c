#include "worker/front.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "worker/launch.h"
#include "worker/shim.h"

enum { CHUNK = 65536, OUT_MAX = 4 << 20, NOTICES = 1024, EVENTS = 64 };

/* With so many runs their ends are looked for no more often than this: a look, and a message on its way
 * through two hosts, cost the same for one end as for several. Half a millisecond for each run that is
 * here, so that it never keeps a host below 2,000 ends a second. */
enum { GATHER_RUNS = 4, GATHER_MS = 8 };

/* ---- setting up ---- */

/* Takes the fixed descriptors (shim.h), so that nothing else ever gets these numbers. */
static int reserve_descriptors(struct err *err)
{
    closefrom(3); /* what a caller let through is not ours and not our jobs' */
    for (int fd = 3; fd < FD_FREE; fd++)
        if (open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
            return err_sys(err, ERR_OS, "cannot open /dev/null");
    return 0;
}

static const int ending[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

/* Jobs start with default signals whatever started us (nohup). Reset here once, not in each child. */
static int set_signals(struct front *front, struct err *err)
{
    sigset_t ours;
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction now;
        if (sigaction(sig, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            (void)signal(sig, SIG_DFL);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGCHLD);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        (void)sigaddset(&ours, ending[i]);
    /* shims inherit this block: what is sent to one before it listens waits for it, and what is meant for
     * the front end's process group does not end a shim that is not yet in a session of its own */
    (void)sigaddset(&ours, SIGUSR1);
    (void)sigprocmask(SIG_SETMASK, &ours, NULL);
    (void)sigdelset(&ours, SIGUSR1);
    front->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    front->watch = epoll_create1(EPOLL_CLOEXEC);
    if (front->signals < 0 || front->watch < 0)
        return err_sys(err, ERR_OS, "cannot watch signals");
    return 0;
}

/* A thousand runs need more descriptors than the usual 1024; jobs get the usual limit back, since there
 * are programs that select(2) or close all they may have. */
static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    launch_set_open_files(&limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_front(struct front *front, const char *nonce, struct err *err)
{
    int rc = reserve_descriptors(err);
    if (rc == 0)
        rc = set_signals(front, err);
    if (rc < 0)
        return rc;
    if (io_nonblock(STDIN_FILENO) < 0 || io_nonblock(STDOUT_FILENO) < 0)
        return err_sys(err, ERR_OS, "standard input and output are not usable");
    raise_open_files();
    charges_init(&front->charges);
    front->boot = moment_boot();
    front->silence = message_silence_ms();
    front->heard = clock_mono();
    buf_addf(&front->out, "rota-worker %s\n", nonce);
    return 0;
}

static void close_front(struct front *front)
{
    for (size_t i = 0; i < front->norders; i++)
        order_free(front->orders[i]);
    charges_free(&front->charges);
    journal_close(&front->journal);
    cells_close(&front->cells);
    accounts_free(&front->accounts);
    account_free(front->own);
    spool_close(&front->spool);
    if (front->staging >= 0)
        close(front->staging);
    free(front->tickets);
    message_reader_free(&front->reader);
    buf_free(&front->in);
    buf_free(&front->out);
    close(front->signals);
    close(front->watch);
}

/* ---- events ---- */

static int take_signals(struct front *front, struct err *err)
{
    struct signalfd_siginfo info[8];
    ssize_t n;
    do {
        n = read(front->signals, info, sizeof info);
        for (ssize_t i = 0; i < n / (ssize_t)sizeof *info; i++)
            if (info[i].ssi_signo == SIGTERM)
                return err_set(err, ERR_BUSY, "a newer connection took this worker over");
            else if (info[i].ssi_signo != SIGCHLD)
                return err_set(err, ERR_BUSY, "told to end by signal %u", info[i].ssi_signo);
    } while (n == sizeof info);
    front->reaped = clock_mono();
    if (front->welcomed)
        custody_reap(front);
    return 0;
}

/* A FIFO that was full may have turned notices away: then every cell is looked at. It holds at least
 * a page, so it cannot have been full when one read of a page did not fill up. */
static void take_notices(struct front *front)
{
    uint32_t cells[NOTICES];
    bool full = false;
    ssize_t n;
    while ((n = read(FD_NOTIFY, cells, sizeof cells)) > 0) {
        full = full || (size_t)n == sizeof cells;
        for (size_t i = 0; i < (size_t)n / sizeof *cells; i++)
            custody_notice(front, cells[i]);
    }
    if (full)
        custody_notice_all(front);
}

static void take_ended(struct front *front)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(front->watch, events, EVENTS, 0);
    for (int i = 0; i < n; i++)
        custody_shim_gone(front, events[i].data.ptr);
    if (n <= 0)
        return;
    custody_read(front);
    custody_settle(front);
}

/* 0; ERR_ANSWER at the end of the input: the head went, which is its right. */
static int take_input(struct front *front, struct err *err)
{
    ssize_t n = read(STDIN_FILENO, buf_room(&front->in, CHUNK), CHUNK);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return err_set(err, ERR_ANSWER, "the head is gone");
    buf_grew(&front->in, (size_t)n);
    uint64_t before = front->reader.frames;
    int rc = dialogue_take(front, err);
    if (front->reader.frames == before)
        return rc;
    front->heard = clock_mono();
    if (front->welcomed && !front->stamped)
        atomic_store(&front->cells.slot[0].heartbeat, moment_up());
    return rc;
}

static int put_output(struct front *front, struct err *err)
{
    while (front->out.len) {
        ssize_t n = write(STDOUT_FILENO, buf_data(&front->out), front->out.len);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_ANSWER, "the head is gone");
        if (n > 0)
            buf_consume(&front->out, (size_t)n);
    }
    return 0;
}

/* ---- the loop ---- */

/* When signals are looked at next, monotonic; 0: now. */
static int64_t gathering_until(const struct front *front)
{
    int64_t ms = (int64_t)front->charges.n / 2;
    if (front->charges.n < GATHER_RUNS)
        return 0;
    return front->reaped + (ms < GATHER_MS ? ms : GATHER_MS);
}

static int next_wait(const struct front *front, int64_t now, int64_t gather)
{
    int64_t until = front->heard + front->silence;
    if (front->queue_first && !front->out.len)
        return 0; /* more output can be added at once */
    if (front->started_due && front->started_due < until)
        until = front->started_due;
    if (gather > now && gather < until)
        until = gather;
    return until > now ? (int)(until - now) : 0;
}

static int turn(struct front *front, struct err *err)
{
    /* a head that does not read is not listened to, or its questions would fill our memory */
    bool listen = front->out.len < OUT_MAX && !front->ending;
    int64_t now = clock_mono(), gather = gathering_until(front);
    struct pollfd fds[] = {
        {.fd = listen ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = front->out.len ? STDOUT_FILENO : -1, .events = POLLOUT},
        {.fd = gather > now ? -1 : front->signals, .events = POLLIN},
        {.fd = front->welcomed ? FD_NOTIFY : -1, .events = POLLIN},
        {.fd = front->welcomed ? front->watch : -1, .events = POLLIN},
    };
    int rc = 0;
    if (poll(fds, sizeof fds / sizeof *fds, next_wait(front, now, gather)) < 0)
        return errno == EINTR ? 0 : err_sys(err, ERR_OS, "cannot wait");
    if (clock_mono() - front->heard >= front->silence)
        return err_set(err, ERR_UNREACHABLE, "heard nothing from the head for %g s",
                       (double)front->silence / 1000);
    if (fds[2].revents)
        rc = take_signals(front, err);
    if (rc == 0 && fds[3].revents)
        take_notices(front);
    if (rc == 0 && fds[4].revents)
        take_ended(front);
    if (rc == 0 && fds[0].revents)
        rc = take_input(front, err);
    return rc;
}

int front_serve(const char *nonce, const char *build, struct err *err)
{
    struct front front = {.build = build,
                          .signals = -1,
                          .watch = -1,
                          .spool.lock = -1,
                          .cells.table = -1,
                          .staging = -1};
    int rc = open_front(&front, nonce, err);
    while (rc == 0) {
        stream_fill(&front);
        rc = put_output(&front, err);
        if (rc == 0 && front.ending && !front.out.len)
            break;
        if (rc == 0)
            rc = turn(&front, err);
    }
    close_front(&front);
    return rc == ERR_ANSWER ? 0 : rc;
}
