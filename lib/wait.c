#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "exitcode.h"
#include "io.h"
#include "log.h"
#include "proc.h"
#include "watch.h"

enum {
    RESTART_MS = 5000, /* between two starts of a dispatcher that ended too early */
    PARTING_MS = 5000, /* for ours to end when there is nothing left to wait for */
};

/* ---- the dispatcher that we run when none lives ---- */

struct helper {
    pid_t pid; /* 0: none runs */
    int pidfd; /* readable when it ended; -1: unknown, found out by the regular look */
    int64_t not_before;
};

/* The ids go through a pipe: a command line would limit their number. It reads them to their end
 * before anything else, so writing them all here cannot block for good; when it ends early
 * because another dispatcher was quicker, the write fails, and that is no error. */
static int start(struct helper *helper, const int64_t *ids, size_t n, struct err *err)
{
    int ends[2];
    char *program = proc_find_sibling("rota-dispatch");
    if (!program)
        return err_set(err, ERR_OS, "cannot find rota-dispatch to run this (is rota installed?)");
    if (pipe2(ends, O_CLOEXEC) < 0) {
        free(program);
        return err_sys(err, ERR_OS, "cannot make a pipe");
    }
    char quiet[] = "-q", wait[] = "--wait", dash[] = "-";
    char *argv[] = {program, wait, dash, log_level() == LOG_ERROR ? quiet : NULL, NULL};
    pid_t pid = proc_spawn(argv, ends[0], STDERR_FILENO, STDERR_FILENO, err);
    close(ends[0]);
    free(program);
    if (pid > 0) {
        struct buf text = {0};
        for (size_t i = 0; i < n; i++)
            buf_addf(&text, "%lld\n", (long long)ids[i]);
        (void)io_write_all(ends[1], buf_data(&text), text.len, NULL);
        buf_free(&text);
        *helper = (struct helper){.pid = pid,
                                  .pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
                                  .not_before = clock_mono() + RESTART_MS};
    }
    close(ends[1]);
    return pid > 0 ? 0 : (int)pid;
}

/* Looks whether it ended. Its failures are ours: nobody would run what we wait for. */
static int reap(struct helper *helper, int flags, struct err *err)
{
    int status;
    if (!helper->pid || waitpid(helper->pid, &status, flags) != helper->pid)
        return 0;
    if (helper->pidfd >= 0)
        close(helper->pidfd);
    helper->pid = 0;
    helper->pidfd = -1;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXITCODE_BUG;
    /* codes up to 63 and from 124 tell of the runs, not of the dispatcher */
    if (code >= EXITCODE_USAGE && code <= EXITCODE_CONFIG && code != EXITCODE_BUSY &&
        code != EXITCODE_UNREACHABLE)
        return err_set(err, -code, "the dispatcher ended with exit code %d: the runs stay queued",
                       code);
    return 0;
}

/* Our dispatcher leaves by itself when the runs are over, having told the workers so. Should it not,
 * it is asked to: what it leaves is adopted by the next one. */
static void let_go(struct helper *helper)
{
    struct pollfd ended = {.fd = helper->pidfd, .events = POLLIN};
    if (!helper->pid)
        return;
    if (helper->pidfd < 0 || poll(&ended, 1, PARTING_MS) == 0)
        (void)kill(helper->pid, SIGTERM);
    (void)reap(helper, 0, NULL);
}

static int see_to_dispatcher(struct catalogue *cat, struct helper *helper, const int64_t *ids,
                             size_t n, struct err *err)
{
    struct holder holder;
    bool alive = false;
    int rc = reap(helper, WNOHANG, err);
    if (rc < 0 || helper->pid || clock_mono() < helper->not_before)
        return rc;
    rc = holder_get(cat, &holder, &alive, err);
    if (rc < 0 && rc != ERR_ANSWER)
        return rc;
    return rc == 0 && alive ? 0 : start(helper, ids, n, err);
}

/* ---- following ---- */

/* Moves *at past the runs that are over. The first that is not is the only one looked at again, so
 * that a wake costs one query however many runs are waited for. */
static int advance(struct catalogue *cat, const int64_t *ids, size_t n, size_t *at, struct err *err)
{
    for (; *at < n; ++*at) {
        struct run run = {0};
        int rc = run_get(cat, ids[*at], &run, err);
        if (rc < 0)
            return rc;
        bool over = run_state_is_terminal(run.state);
        run_free(&run);
        if (!over)
            break;
    }
    return 0;
}

int wait_runs(struct catalogue *cat, const int64_t *ids, size_t n, bool dispatch, struct err *err)
{
    struct helper helper = {.pidfd = -1};
    size_t at = 0;
    int rc = advance(cat, ids, n, &at, err);
    if (rc < 0 || at == n)
        return rc;
    struct watch *watch = watch_new(catalogue_path(cat), err);
    if (!watch)
        return ERR_OS;
    for (;;) {
        /* the runs are looked at after the dispatcher: one that ended has recorded what it did */
        int helped = dispatch ? see_to_dispatcher(cat, &helper, ids + at, n - at, err) : 0;
        rc = advance(cat, ids, n, &at, helped < 0 ? NULL : err);
        if (rc < 0 || at == n)
            break;
        if (helped < 0) {
            rc = helped;
            break;
        }
        watch_wait(watch, helper.pidfd);
    }
    watch_free(watch);
    let_go(&helper);
    return rc;
}

/* ---- what comes of it ---- */

int wait_exitcode_of(const struct run *run)
{
    switch (run->state) {
    case RUN_SUCCEEDED:
        return EXITCODE_DONE;
    case RUN_TIMEOUT:
        return EXITCODE_TIMEOUT;
    case RUN_CANCELLED:
    case RUN_LOST:
        return EXITCODE_LOST;
    default:
        break;
    }
    if (run->signal)
        return EXITCODE_SIGNAL_BASE + run->signal;
    /* an exit code 0 that `success` does not name is a failure all the same */
    return run->has_exit && run->exit_code ? run->exit_code : EXITCODE_NO;
}

struct tally {
    size_t n;
    int exitcode;
};

static int count(const struct run *run, void *arg)
{
    struct tally *tally = arg;
    int code = wait_exitcode_of(run);
    tally->exitcode = tally->n++ ? tally->exitcode || code : code;
    return 0;
}

int wait_exitcode(struct catalogue *cat, const int64_t *ids, size_t n, int *exitcode,
                  struct err *err)
{
    struct tally tally = {0};
    const struct run_query query = {.ids = ids, .nids = n};
    int rc = n ? run_select(cat, &query, count, &tally, err) : 0;
    *exitcode = tally.n < n || !n ? EXITCODE_NO : tally.exitcode;
    return rc;
}
