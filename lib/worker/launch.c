#include "worker/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io.h"
#include "worker/executor.h"
#include "worker/limits.h"
#include "xalloc.h"

/* ---- what kinds make a launch of ---- */

/* A file without a name that holds p, open for reading at its start; ERR_IO. Reopened through /proc,
 * so that it is not open for writing when a kernel is asked to execute it. */
int launch_scratch(const void *p, size_t len, struct err *err)
{
    char path[64];
    int fd = memfd_create("rota", MFD_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make a file in memory on this host");
    int rc = io_write_all(fd, p, len, err);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = rc < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (rc == 0 && reader < 0)
        rc = err_sys(err, ERR_IO, "cannot open a file in memory on this host");
    close(fd);
    return rc < 0 ? rc : reader;
}

int launch_scratch_kept(const void *p, size_t len, struct err *err)
{
    int fd = launch_scratch(p, len, err);
    if (fd >= 0 && fcntl(fd, F_SETFD, 0) < 0)
        return err_sys(err, ERR_OS, "cannot keep a file in memory open");
    return fd;
}

int launch_scratch_told(struct err *err)
{
    int fd = memfd_create("rota", 0);
    return fd < 0 ? err_sys(err, ERR_IO, "cannot make a file in memory on this host") : fd;
}

/* argv of `first` words followed by the order's arguments. */
char **launch_argv(const struct order *order, char *const first[], size_t n)
{
    char **argv = xcalloc(n + order->args.n + 1, sizeof *argv);
    for (size_t i = 0; i < n; i++)
        argv[i] = first[i];
    for (size_t i = 0; i < order->args.n; i++)
        argv[n + i] = order->args.v[i];
    return argv;
}

/* ---- launch ---- */

enum stage { STAGE_STREAMS = 1, STAGE_LIMITS, STAGE_USER, STAGE_DIRECTORY, STAGE_PROGRAM };

/* Shared by parent and child, which is in our memory until it executes. */
struct child {
    const struct order *order;
    const struct launch *launch;
    enum stage stage; /* what failed; 0: nothing */
    int why;          /* errno of it */
};

static struct rlimit open_files = {RLIM_INFINITY, 0}; /* as it stands: none was set */

void launch_set_open_files(const struct rlimit *limit)
{
    open_files = *limit;
}

/* Raw calls: glibc's wrappers want to tell other threads of a memory that is not the child's own. */
int launch_become(const struct account *as)
{
#ifdef SYS_setresuid32
    enum { SETGROUPS = SYS_setgroups32, SETGID = SYS_setresgid32, SETUID = SYS_setresuid32 };
#else
    enum { SETGROUPS = SYS_setgroups, SETGID = SYS_setresgid, SETUID = SYS_setresuid };
#endif
    if (!as)
        return 0;
    if (syscall(SETGROUPS, as->ngroups, as->groups) < 0 ||
        syscall(SETGID, as->gid, as->gid, as->gid) < 0)
        return -1;
    return (int)syscall(SETUID, as->uid, as->uid, as->uid);
}

/* dup2 that also clears O_CLOEXEC where source and target are the same. */
static int put_stream(int from, int to)
{
    return from == to ? fcntl(from, F_SETFD, 0) : dup2(from, to);
}

static enum stage become_program(const struct order *order, const struct launch *launch)
{
    sigset_t none;
    (void)setpgid(0, 0); /* what KILL with a signal reaches; the session is the shim's */
    if (put_stream(launch->in, 0) < 0 || put_stream(launch->out, 1) < 0 ||
        put_stream(launch->errfd, 2) < 0)
        return STAGE_STREAMS;
    if (limits_enter(order, launch) < 0)
        return STAGE_LIMITS;
    if (launch_become(launch->as) < 0)
        return STAGE_USER;
    if (launch->tethered && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return STAGE_STREAMS;
    /* Until it executes, which may take long (a directory of a server that is away), this process has the
     * worker's environment: whoever looks for what a dead shim left by the run's token does not find it, and
     * it would begin the job after the run was called lost. So it ends with the shim. After launch_become, which
     * takes the wish back; and the shim may have died before. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != launch->shim)
        return STAGE_STREAMS;
    if (chdir(launch->directory) < 0) /* as the user: it may be closed to others */
        return STAGE_DIRECTORY;
    if (open_files.rlim_max && setrlimit(RLIMIT_NOFILE, &open_files) < 0)
        return STAGE_STREAMS;
    /* the front end ignores SIGPIPE; everything else has its default already */
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execvp(launch->argv[0], launch->argv);
    return STAGE_PROGRAM;
}

static int child_main(void *arg)
{
    struct child *child = arg;
    child->stage = become_program(child->order, child->launch);
    child->why = errno;
    _exit(127);
}

/* As vfork, but on a stack of its own: the child borrows our memory until it executes or ends, which
 * costs no page tables, and it cannot return into our frames. */
static pid_t clone_child(struct child *child)
{
    enum { STACK = 256 << 10 };
    _Alignas(64) static char stack[STACK]; /* a shim starts one program in its life */
    return clone(child_main, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, child);
}

static int explain(const struct child *child, struct err *err)
{
    const struct launch *launch = child->launch;
    const char *why = strerror(child->why);
    const char *whose = launch->is_home ? " (the home directory; set workdir)" : "";
    switch (child->stage) {
    case STAGE_LIMITS:
        return err_set(err, ERR_ANSWER, "cannot hold the run to its limits: %s", why);
    case STAGE_USER:
        return err_set(err, ERR_ANSWER, "cannot become user '%s': %s", launch->as->name, why);
    case STAGE_DIRECTORY:
        if (child->why == ENOENT)
            return err_set(err, ERR_ANSWER, "no such directory: %s on this host%s",
                           launch->directory, whose);
        return err_set(err, ERR_ANSWER, "cannot enter %s%s: %s", launch->directory, whose, why);
    case STAGE_PROGRAM:
        return err_set(err, ERR_ANSWER, "cannot run '%s': %s", launch->name, why);
    default:
        return err_set(err, ERR_ANSWER, "cannot set the streams of the run up: %s", why);
    }
}

static int prepare(const struct order *order, struct launch *launch, struct err *err)
{
    int rc = order->executor->prepare(order, launch, err);
    if (rc < 0)
        return rc;
    launch->envp = order_environment(order);
    rc = limits_prepare(order, launch, err);
    if (rc < 0)
        return rc;
    if (!launch->directory)
        launch->directory = order_directory(order, &launch->is_home);
    launch->as = order->as;
    launch->tethered = order->leash_ms != 0; /* it is promised that the leash ends all of it */
    launch->shim = getpid();
    if (order->input)
        launch->in = launch_scratch(order->input, order->input_len, err);
    return launch->in < 0 ? launch->in : 0;
}

pid_t launch_begin(const struct order *order, struct launch *launch, struct err *err)
{
    struct child child = {.order = order, .launch = launch};
    if (prepare(order, launch, err) < 0)
        return ERR_ANSWER;
    environ = launch->envp; /* execvp searches the job's PATH, not ours */
    pid_t pid = clone_child(&child);
    if (order->input)
        close(launch->in);
    if (pid < 0)
        return err_sys(err, ERR_ANSWER, "cannot start a process on this host");
    if (!child.stage)
        return pid;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return explain(&child, err);
}
