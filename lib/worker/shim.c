#include "worker/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "worker/executor.h"
#include "worker/handover.h"
#include "worker/journal.h"
#include "worker/launch.h"
#include "worker/limits.h"
#include "worker/mask.h"
#include "worker/shim_internal.h"
#include "worker/tree.h"

enum { CHUNK = 65536, KILL_PAUSE_MIN = 5, KILL_PAUSE_MAX = 500, REFUSALS_MAX = 3 };

/* ---- output ---- */

/* One notice of a cell is under way at most (`notified`): the front end clears the flag before it
 * looks at the cell, so growth after that look makes a new notice. Should the pipe be full nothing is lost:
 * a front end that finds it full looks at every cell once it has drained it, and the flag is taken
 * back for our next attempt. */
static void notify(struct shim *s)
{
    uint32_t n = (uint32_t)s->order->cell;
    if (!atomic_exchange(&s->cell->notified, 1) && write(FD_NOTIFY, &n, sizeof n) < 0)
        atomic_store(&s->cell->notified, 0);
}

static void keep_output(struct shim *s, int stream, const char *p, size_t len)
{
    if (s->mask[stream])
        p = mask_put(s->mask[stream], p, len, &len);
    if (len && capture_write(&s->capture[stream], p, len))
        notify(s);
}

/* What a mask holds back, since it may have been the beginning of a secret. */
static void release_output(struct shim *s)
{
    for (int i = 0; i < CELL_STREAMS; i++) {
        size_t len = 0;
        const char *p = s->mask[i] ? mask_end(s->mask[i], &len) : NULL;
        if (len)
            (void)capture_write(&s->capture[i], p, len);
    }
}

/* One read of a pipe that is known to have bytes or to be at its end; 0 when there is no more. */
static size_t pump(struct shim *s, int stream, size_t max)
{
    static char chunk[CHUNK];
    ssize_t n = read(s->pipe[stream], chunk, max < CHUNK ? max : CHUNK);
    if (n < 0 && errno == EINTR)
        return max;
    if (n <= 0) {
        close(s->pipe[stream]);
        s->pipe[stream] = -1;
        return 0;
    }
    keep_output(s, stream, chunk, (size_t)n);
    return (size_t)n;
}

/* What is in the pipes now; what leftovers write later is not waited for. */
static void drain(struct shim *s)
{
    for (int i = 0; i < CELL_STREAMS; i++) {
        int left = 0;
        if (s->pipe[i] < 0 || ioctl(s->pipe[i], FIONREAD, &left) < 0)
            continue;
        while (left > 0 && s->pipe[i] >= 0)
            left -= (int)pump(s, i, (size_t)left);
    }
}

/* ---- ending it ---- */

static struct tree_count signal_all(const struct shim *s, int sig)
{
    const struct executor *executor = s->order->executor;
    if (executor->kill && !s->copies && executor->kill(s->order, sig))
        return (struct tree_count){.signalled = 1};
    return tree_signal(sig);
}

static void stop(struct shim *s, uint32_t why, int64_t grace, const char *reason)
{
    if (s->why || !s->main_runs)
        return; /* it is ending already: the first reason stays */
    s->why = why;
    (void)snprintf(s->reason, sizeof s->reason, "%s", reason);
    s->kill_at = clock_mono() + grace;
    s->killing = grace == 0;
    if (s->killing)
        return;
    (void)signal_all(s, SIGTERM);
    (void)tree_signal(SIGCONT); /* a stopped process would not notice */
}

/* KILL is repeated until no child is left: what forks while we look escapes one round, and what
 * loses its parent becomes our child. Processes of another user are let be after some rounds. */
static void kill_round(struct shim *s)
{
    struct tree_count count = signal_all(s, SIGKILL);
    s->pause = s->pause ? s->pause * 2 : KILL_PAUSE_MIN;
    if (s->pause > KILL_PAUSE_MAX)
        s->pause = KILL_PAUSE_MAX;
    if (count.signalled || !count.refused)
        return;
    if (++s->refusals == REFUSALS_MAX)
        (void)snprintf(s->reason, sizeof s->reason,
                       "%d process(es) of another user were left running, one is %d", count.refused,
                       (int)count.example);
}

static void reap(struct shim *s)
{
    pid_t pid;
    int status;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == s->main) {
            s->main_runs = false;
            s->status = status;
            s->ended = clock_mono();
            s->killing = s->killing || (!s->why && !s->order->leave);
        }
    s->childless = pid < 0 && errno == ECHILD;
}

static void take_signal(struct shim *s, const struct signalfd_siginfo *info)
{
    const char *why = "the supervisor was told to end: the host is going down";
    if (info->ssi_signo == SIGTERM) {
        uint32_t end = s->task->why_told ? s->task->why_told(&why) : END_LOST;
        stop(s, end, s->order->kill_after_ms, end == END_LOST ? why : "");
        /* nobody is there to tell of it, and it is about to be called lost */
        if (s->task->why_told && getppid() != s->task->front)
            s->killing = true;
    }
    if (info->ssi_signo == SIGUSR1 && info->ssi_code == SI_QUEUE && info->ssi_int == 0)
        stop(s, END_CANCELLED, s->order->kill_after_ms, ""); /* of an older front end, maybe */
}

static void take_signals(struct shim *s)
{
    struct signalfd_siginfo info[4];
    ssize_t n;
    while ((n = read(s->signals, info, sizeof info)) > 0)
        for (size_t i = 0; i < (size_t)n / sizeof *info; i++)
            take_signal(s, &info[i]);
}

/* What the front end asked for. The signals first: whoever sends one and then cancels wants both. */
static void heed(struct shim *s)
{
    uint64_t asked = atomic_exchange(&s->cell->signals, 0);
    for (int sig = 1; asked; sig++, asked >>= 1)
        if (asked & 1 && s->main_runs)
            (void)kill(-s->main, sig); /* main is not reaped: the group is still its own */
    if (atomic_exchange(&s->cell->cancel, 0))
        stop(s, END_CANCELLED, s->order->kill_after_ms, "");
}

/* When the last sign of a head is so old that the job must be gone, on CLOCK_BOOTTIME. */
static int64_t leash_end(const struct shim *s)
{
    int64_t heard = atomic_load(&s->task->cells->slot[0].heartbeat);
    int64_t from = heard > s->order->sign ? heard : s->order->sign;
    return from + s->order->leash_ms;
}

static bool leash_is_over(const struct shim *s)
{
    return s->order->leash_ms && moment_up() >= leash_end(s);
}

static void check_clocks(struct shim *s)
{
    if (s->order->timeout_ms && clock_mono() - s->began >= s->order->timeout_ms)
        stop(s, END_TIMEOUT, s->order->kill_after_ms, "");
    if (leash_is_over(s)) {
        stop(s, END_LOST, 0, "no dispatcher was connected for longer than lost_after");
        s->killing = true;
    }
    if (s->why && clock_mono() >= s->kill_at)
        s->killing = true;
}

/* ---- its life ---- */

static void sooner(int64_t *wait, int64_t in)
{
    if (in < 0)
        in = 0;
    if (*wait < 0 || in < *wait)
        *wait = in;
}

/* ms until something is due; -1: nothing is. */
static int next_wait(const struct shim *s)
{
    int64_t wait = -1;
    if (s->order->timeout_ms && !s->why)
        sooner(&wait, s->began + s->order->timeout_ms - clock_mono());
    if (s->order->leash_ms && !s->killing)
        sooner(&wait, leash_end(s) - moment_up());
    if (s->why && !s->killing)
        sooner(&wait, s->kill_at - clock_mono());
    if (s->killing)
        sooner(&wait, s->pause);
    return wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static bool is_over(const struct shim *s)
{
    bool left_alone = !s->why && s->order->leave;
    return (!s->main_runs && (s->childless || left_alone)) || s->refusals == REFUSALS_MAX;
}

void shim_follow(struct shim *s)
{
    while (!is_over(s)) {
        heed(s); /* what is asked after this look wakes the poll */
        struct pollfd fds[] = {{.fd = s->pipe[0], .events = POLLIN},
                               {.fd = s->pipe[1], .events = POLLIN},
                               {.fd = s->signals, .events = POLLIN}};
        if (s->killing)
            kill_round(s);
        (void)poll(fds, 3, next_wait(s));
        for (int i = 0; i < CELL_STREAMS; i++)
            if (fds[i].revents)
                (void)pump(s, i, CHUNK);
        if (fds[2].revents)
            take_signals(s);
        reap(s);
        check_clocks(s);
    }
}

/* A job, to its last output. */
static void follow(struct shim *s)
{
    shim_follow(s);
    drain(s);
    release_output(s);
}

static void fill_streams(const struct shim *s, struct record_result *r)
{
    for (int i = 0; i < CELL_STREAMS; i++) {
        const struct cell_stream *stream = &s->cell->stream[i];
        r->total[i] = atomic_load(&stream->total);
        r->ring[i] = atomic_load(&stream->ring);
        r->dropped[i] =
            r->total[i] - capture_kept(atomic_load(&stream->head), r->ring[i], s->order->out_limit);
        if (s->capture[i].full && !*r->reason)
            (void)snprintf(r->reason, sizeof r->reason,
                           "the spool on this host was full: output was cut");
    }
}

/* The RESULT, in one write. It goes where STARTED is: the front end reads that generation while a run
 * of it lives, and keeps it until the run is acknowledged. */
static void report(struct shim *s, uint32_t end)
{
    struct record record;
    struct rusage usage;
    memset(&record, 0, sizeof record);
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    record.kind = RECORD_RESULT;
    record.key = s->order->key;
    record.at = moment_now(s->task->started.boot);
    struct record_result *r = &record.result;
    r->end = end;
    r->code = WIFEXITED(s->status) ? WEXITSTATUS(s->status) : 0;
    r->signal = WIFSIGNALED(s->status) ? WTERMSIG(s->status) : 0;
    r->duration = (s->ended && !s->why ? s->ended : clock_mono()) - s->began;
    r->utime = (int64_t)usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
    r->stime = (int64_t)usage.ru_stime.tv_sec * 1000000 + usage.ru_stime.tv_usec;
    r->maxrss = usage.ru_maxrss;
    memcpy(r->reason, s->reason, sizeof r->reason);
    r->files = s->got;
    r->files_failed = s->unfetched;
    fill_streams(s, r);
    limits_end(s->order, &s->launch, s->main > 0 ? r : NULL);
    if (s->main > 0 && s->order->executor->result)
        s->order->executor->result(s->order, &s->launch, r);
    if (s->main > 0)
        handover_take(s->order, FD_CELLS, r);
    else
        handover_drop(FD_CELLS, (uint32_t)s->order->cell, s->order->key);
    record_seal(&record);
    (void)record_append(FD_JOURNAL, &record, 1, NULL); /* failing: the front end finds us gone */
    atomic_store(&s->cell->ended, 1);
    if (getppid() != s->task->front) /* the one who forked us learns it from our end */
        notify(s);
}

static int make_pipes(int write_end[CELL_STREAMS], struct shim *s)
{
    for (int i = 0; i < CELL_STREAMS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
            return -1;
        s->pipe[i] = ends[0];
        write_end[i] = ends[1];
    }
    return 0;
}

static int begin(struct shim *s, struct err *err)
{
    int write_end[CELL_STREAMS] = {-1, -1};
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGUSR1);
    s->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    s->began = clock_mono();
    if (s->signals < 0)
        return err_sys(err, ERR_OS, "cannot watch signals");
    int rc = shim_put_files(s, err);
    if (rc < 0)
        return rc;
    if (make_pipes(write_end, s) < 0)
        return err_sys(err, ERR_OS, "cannot set the streams of the run up");
    handover_prepare(s->order);
    s->launch = (struct launch){.in = FD_NULL, .out = write_end[0], .errfd = write_end[1]};
    s->main = launch_begin(s->order, &s->launch, err);
    for (int i = 0; i < CELL_STREAMS; i++)
        close(write_end[i]);
    return s->main < 0 ? (int)s->main : 0;
}

/* Cuts the ties to the connection and to the other runs. */
static void detach(const struct shim_task *task)
{
    sigset_t all;
    (void)sigfillset(&all); /* SIGXFSZ and the like must not end it; what it wants it reads */
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "rota-shim");
    (void)dup3(task->journal, FD_JOURNAL, O_CLOEXEC);
    (void)dup3(task->order->lock, FD_LOCK, O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(FD_NULL, fd);
    closefrom(FD_FREE);
}

_Noreturn void shim_main(const struct shim_task *task)
{
    const struct order *order = task->order;
    struct shim s = {.task = task, .order = order, .pipe = {-1, -1}, .main_runs = true};
    struct err err;
    s.cell = &task->cells->slot[order->cell];
    atomic_store(&s.cell->shim, getpid());
    detach(task);
    for (int i = 0; i < CELL_STREAMS; i++)
        s.capture[i] = (struct capture){.to = &s.cell->stream[i],
                                        .dir = FD_CELLS,
                                        .cell = (uint32_t)order->cell,
                                        .stream = i,
                                        .limit = order->out_limit,
                                        .fd = -1};
    for (int i = 0; i < CELL_STREAMS && order->secrets.n; i++)
        s.mask[i] = mask_new(&order->secrets);
    if (leash_is_over(&s)) { /* the head may have given it up, and started another attempt */
        (void)snprintf(s.reason, sizeof s.reason, "%s",
                       "not started: the order came too late, after lost_after");
        report(&s, END_LOST);
    } else if (begin(&s, &err) < 0) {
        /* a program that was asked has the secrets, and its answer may be part of this */
        err.msg[mask_text(&order->secrets, err.msg, strlen(err.msg))] = '\0';
        if (!s.why)
            (void)snprintf(s.reason, sizeof s.reason, "%.*s", (int)sizeof s.reason - 1, err.msg);
        report(&s, s.why ? s.why : END_NOSTART);
    } else {
        follow(&s);
        shim_get_files(&s);
        report(&s, s.why ? s.why : WIFEXITED(s.status) ? END_EXIT : END_SIGNAL);
    }
    _exit(0);
}
