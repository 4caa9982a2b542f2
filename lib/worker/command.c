#include "worker/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "xalloc.h"

enum { CHUNK = 65536, ERRORS_MAX = 65536, STREAMS = 2, NO_PROGRAM = 127 };

struct conversation {
    pid_t pid;
    int fd[STREAMS]; /* of its output and its errors; -1: at their end */
    struct buf *to[STREAMS];
    size_t max[STREAMS];
};

/* Only what finds programs and Slurm: what people have set for calls of their own would hide jobs from us, or have a
 * call wait, and what sbatch has, the job has. (Without --export=ALL each node asks a login shell for its environment,
 * which costs it more than most jobs.) */
static void clear_environment(void)
{
    static const char *const names[] = {
        "PATH=", "HOME=", "USER=", "LOGNAME=", "SHELL=", "LANG=", "SLURM_CONF="};
    char **to = environ;
    for (char **from = environ; from && *from; from++) {
        bool good = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            good = good || strncmp(*from, names[i], strlen(names[i])) == 0;
        if (good)
            *to++ = *from;
    }
    if (to)
        *to = NULL;
}

_Noreturn static void become(char *const argv[], const int ends[STREAMS], pid_t parent)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    clear_environment();
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(null, 0) < 0 ||
        dup2(ends[0], 1) < 0 || dup2(ends[1], 2) < 0)
        _exit(NO_PROGRAM);
    (void)execvp(argv[0], argv);
    static const char text[] = ": not found, or cannot be run\n";
    (void)!write(2, argv[0], strlen(argv[0]));
    (void)!write(2, text, sizeof text - 1);
    _exit(NO_PROGRAM);
}

static int begin(struct conversation *c, char *const argv[], struct err *err)
{
    int out[2], errors[2];
    pid_t parent = getpid();
    if (pipe2(out, O_CLOEXEC) < 0)
        return err_sys(err, ERR_OS, "cannot make a pipe");
    if (pipe2(errors, O_CLOEXEC) < 0) {
        close(out[0]);
        close(out[1]);
        return err_sys(err, ERR_OS, "cannot make a pipe");
    }
    c->pid = fork();
    if (c->pid == 0)
        become(argv, (int[]){out[1], errors[1]}, parent);
    close(out[1]);
    close(errors[1]);
    c->fd[0] = out[0];
    c->fd[1] = errors[0];
    return c->pid < 0 ? err_sys(err, ERR_OS, "cannot fork") : 0;
}

/* One read; what is over the bound is thrown away. */
static void take(struct conversation *c, int i)
{
    static char chunk[CHUNK];
    ssize_t n = read(c->fd[i], chunk, sizeof chunk);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        close(c->fd[i]);
        c->fd[i] = -1;
    } else if (c->to[i]->len < c->max[i]) {
        buf_add(c->to[i], chunk, (size_t)n);
    }
}

/* To the end of both streams. */
static int listen_to(struct conversation *c, const char *name, int64_t timeout_ms, struct err *err)
{
    int64_t until = clock_mono() + timeout_ms;
    while (c->fd[0] >= 0 || c->fd[1] >= 0) {
        struct pollfd fds[STREAMS] = {{.fd = c->fd[0], .events = POLLIN},
                                      {.fd = c->fd[1], .events = POLLIN}};
        int64_t left = until - clock_mono();
        if (left <= 0)
            return err_set(err, ERR_UNREACHABLE, "%s did not end within %lld s", name,
                           (long long)timeout_ms / 1000);
        if (poll(fds, STREAMS, (int)left) < 0 && errno != EINTR)
            return err_sys(err, ERR_OS, "cannot wait for %s", name);
        for (int i = 0; i < STREAMS; i++)
            if (fds[i].revents)
                take(c, i);
    }
    return 0;
}

/* What a line of a program's says, behind its name. */
static const char *behind_name(const char *line, const char *name)
{
    size_t len = strlen(name);
    return strncmp(line, name, len) == 0 && strncmp(line + len, ": ", 2) == 0 ? line + len + 2
                                                                              : line;
}

/* In one line. A warning is no reason, unless there is nothing else. */
static void add_lines(struct buf *to, struct buf *text, const char *name, bool warnings)
{
    static const char error[] = "error: ", warning[] = "warning: ";
    for (const char *line = buf_str(text); *line; line += strcspn(line, "\r\n")) {
        line += strspn(line, " \t\r\n");
        const char *words = behind_name(line, name);
        bool warns = strncasecmp(words, warning, sizeof warning - 1) == 0;
        bool fails = strncasecmp(words, error, sizeof error - 1) == 0;
        words = fails ? words + sizeof error - 1 : line;
        size_t len = strcspn(words, "\r\n");
        if (len && (warnings || !warns))
            buf_addf(to, "%s%.*s", to->len ? "; " : "", (int)len, words);
    }
}

static char *tell(struct buf *errors, const char *name)
{
    struct buf said = {0};
    add_lines(&said, errors, name, false);
    if (!said.len)
        add_lines(&said, errors, name, true);
    return buf_detach(&said);
}

int command_run(char *const argv[], int64_t timeout_ms, struct buf *out, char **said,
                struct err *err)
{
    struct buf errors = {0};
    struct conversation c = {
        .fd = {-1, -1}, .to = {out, &errors}, .max = {COMMAND_OUTPUT_MAX, ERRORS_MAX}};
    int status = 0;
    *said = NULL;
    int rc = begin(&c, argv, err);
    if (rc == 0)
        rc = listen_to(&c, argv[0], timeout_ms, err);
    for (int i = 0; i < STREAMS; i++)
        if (c.fd[i] >= 0)
            close(c.fd[i]);
    if (rc < 0 && c.pid > 0)
        (void)kill(c.pid, SIGKILL);
    while (c.pid > 0 && waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        ;
    *said = tell(&errors, argv[0]);
    buf_free(&errors);
    if (rc < 0)
        return rc;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
