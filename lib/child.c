#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "proc.h"
#include "xalloc.h"

enum {
    CHUNK = 4096,
    GRACE_MS = 1000,
    LINE_MAX_BYTES = 300,
    ERRFD_BYTES = 64 << 10,
    DEATH_MS = 100
};

/* Processes that nobody asks about any more. */
static struct {
    struct orphan {
        pid_t pid;
        int64_t since;
    } * v;
    size_t n;
} orphans;

static bool is_dead(pid_t pid, int *status)
{
    pid_t got = waitpid(pid, status, WNOHANG);
    return got == pid || (got < 0 && errno == ECHILD);
}

/* With what it started, which is in its session. Not reaped yet: the pid is still ours. */
static void kill_all(pid_t pid)
{
    (void)kill(-pid, SIGKILL);
    (void)kill(pid, SIGKILL);
}

static void reap_orphans(void)
{
    size_t kept = 0;
    int status;
    for (size_t i = 0; i < orphans.n; i++) {
        struct orphan *o = &orphans.v[i];
        if (is_dead(o->pid, &status))
            continue;
        if (clock_mono() - o->since > GRACE_MS)
            kill_all(o->pid);
        orphans.v[kept++] = *o;
    }
    orphans.n = kept;
    if (!kept) {
        free(orphans.v);
        orphans.v = NULL;
    }
}

void child_abandon(pid_t pid)
{
    reap_orphans();
    int status;
    if (is_dead(pid, &status))
        return;
    orphans.v = xreallocarray(orphans.v, orphans.n + 1, sizeof *orphans.v);
    orphans.v[orphans.n++] = (struct orphan){pid, clock_mono()};
}

void child_end_all(int ms)
{
    int64_t until = clock_mono() + ms;
    for (size_t i = 0; i < orphans.n; i++) {
        struct pollfd death = {.fd = child_pidfd(orphans.v[i].pid), .events = POLLIN};
        int64_t left = until - clock_mono();
        if (death.fd >= 0)
            (void)poll(&death, 1, left > 0 ? (int)left : 0);
        kill_all(orphans.v[i].pid);
        if (death.fd >= 0) {
            (void)poll(&death, 1, DEATH_MS);
            close(death.fd);
        }
    }
    reap_orphans(); /* one that we may not kill, sudo for one, is left to init */
}

int child_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself */
}

int child_errfd(void)
{
    int fd = memfd_create("stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    /* of a size that it keeps: who writes without end, a host behind ssh for one, fails to */
    if (fd >= 0 && (ftruncate(fd, ERRFD_BYTES) < 0 ||
                    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* How much was written: the writers share our file offset. */
static off_t written(int errfd)
{
    off_t at = errfd < 0 ? 0 : lseek(errfd, 0, SEEK_CUR);
    return at > 0 ? at : 0;
}

char *child_last_line(int errfd)
{
    char text[CHUNK];
    off_t size = written(errfd);
    off_t from = size > (off_t)sizeof text ? size - (off_t)sizeof text : 0;
    ssize_t n = size > 0 ? pread(errfd, text, sizeof text, from) : 0;
    while (n > 0 && strchr("\r\n \t", text[n - 1]))
        n--;
    ssize_t start = n;
    while (start > 0 && text[start - 1] != '\n' && n - start < LINE_MAX_BYTES)
        start--;
    return n > 0 ? xstrndup(text + start, (size_t)(n - start)) : xstrdup("");
}

void child_begin(struct child *child, const char *const argv[])
{
    *child = (struct child){.fd = -1, .begun = true, .errfd = -1};
    for (size_t i = 0; argv[i]; i++)
        strlist_add(&child->argv, argv[i]);
}

bool child_is_waiting(const struct child *child)
{
    return child->begun && child->pass.gate && !child->pass.in;
}

static int start(struct child *child, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_sys(err, ERR_OS, "cannot make a pipe");
    child->errfd = child_errfd();
    pid_t pid = proc_spawn_apart(child->argv.v, -1, fds[1], child->errfd, err);
    close(fds[1]);
    if (pid < 0 || io_nonblock(fds[0]) < 0) {
        close(fds[0]);
        if (pid > 0)
            child_abandon(pid);
        return pid < 0 ? (int)pid : err_sys(err, ERR_OS, "cannot use a pipe");
    }
    child->pid = pid;
    child->fd = fds[0];
    return 0;
}

/* 1 at the end of its output, 0 when there is nothing now. */
static int drain(struct child *child, struct err *err)
{
    for (;;) {
        ssize_t n = read(child->fd, buf_room(&child->out, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read from %s", child->argv.v[0]);
        if (n == 0)
            return 1;
        buf_grew(&child->out, (size_t)n);
        if (child->out.len > CHILD_OUTPUT_MAX)
            return err_set(err, ERR_DATA, "%s writes more than %d bytes", child->argv.v[0],
                           CHILD_OUTPUT_MAX);
    }
}

/* The output ended, but the process may not have: its death is waited for like its output was. */
static int reap(struct child *child)
{
    if (child->fd < 0) { /* no pidfd: rather wait here than miss its status */
        while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
            ;
    } else if (!is_dead(child->pid, &child->status)) {
        return 0;
    }
    child->pid = 0;
    gate_leave(&child->pass);
    return 1;
}

int child_step(struct child *child, struct err *err)
{
    if (!child->pid && !child->drained) {
        reap_orphans();
        int in = gate_ask(&child->pass, "helpers", CHILD_MAX, err);
        child->fd = child->pass.fd;
        if (in <= 0)
            return in;
        int rc = start(child, err);
        if (rc < 0)
            return rc;
    }
    if (!child->drained) {
        int rc = drain(child, err);
        if (rc <= 0)
            return rc;
        child->drained = true;
        close(child->fd);
        child->fd = child_pidfd(child->pid);
    }
    return child->pid ? reap(child) : 1;
}

char *child_complaint(const struct child *child)
{
    char text[LINE_MAX_BYTES + 1];
    ssize_t n = child->errfd < 0 ? 0 : pread(child->errfd, text, LINE_MAX_BYTES, 0);
    text[n > 0 ? n : 0] = '\0';
    return xstrndup(text, strcspn(text, "\r\n"));
}

void child_stop(struct child *child)
{
    if (!child->begun)
        return;
    if (child->pid) {
        kill_all(child->pid);
        child_abandon(child->pid);
    }
    if (child->fd >= 0 && child->fd != child->pass.fd)
        close(child->fd);
    if (child->errfd >= 0)
        close(child->errfd);
    gate_leave(&child->pass);
    buf_free(&child->out);
    strlist_free(&child->argv);
    *child = (struct child){.fd = -1};
}
