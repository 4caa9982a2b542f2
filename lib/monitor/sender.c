#include "monitor/sender.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "duration.h"
#include "io.h"
#include "proc.h"
#include "xalloc.h"

enum { LOOK_MS = 50, REAP_MS = 1000 };

extern char **environ;

/* One that runs. */
struct process {
    struct sender *sender;
    pid_t pid;
    int pidfd, outfd, errfd;
    int64_t until;
};

static int64_t limit_ms(void)
{
    const char *seam = getenv("ROTA_TEST_SEND_MS");
    int64_t ms = seam ? strtoll(seam, NULL, 10) : 0;
    return ms > 0 ? ms : SENDER_LIMIT_MS;
}

void sender_free(struct sender *sender)
{
    strlist_free(&sender->argv);
    strlist_free(&sender->env);
    buf_free(&sender->input);
    buf_free(&sender->body);
    free(sender->trouble);
    *sender = (struct sender){0};
}

/* ---- beginning ---- */

static int memory_file(const struct buf *content, struct err *err)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_OS, "cannot make a memory file");
    if (io_write_all(fd, buf_data(content), content->len, err) == 0 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return ERR_OS;
}

static void close_file(int fd)
{
    if (fd >= 0)
        close(fd);
}

static pid_t spawn(const struct sender *sender, int outfd, int errfd, struct err *err)
{
    struct strlist env = {0};
    bool has_body = sender->body.len > 0;
    int in = memory_file(&sender->input, err),
        body = has_body ? memory_file(&sender->body, err) : -1;
    const int fds[] = {in, outfd, errfd, [SENDER_BODY] = body};
    pid_t pid = -1;
    strlist_copy(&env, &sender->env); /* the first of two is the one that counts */
    for (char **p = environ; *p; p++)
        strlist_add(&env, *p);
    if (in >= 0 && (body >= 0 || !has_body))
        pid = proc_spawn_env(sender->argv.v, env.v, fds, SENDER_BODY + has_body, err);
    close_file(in);
    close_file(body);
    strlist_free(&env);
    return pid;
}

static bool begin(struct process *process, struct sender *sender)
{
    struct err err = {0};
    *process = (struct process){.sender = sender, .pidfd = -1, .outfd = -1, .errfd = child_errfd()};
    if (sender->judge)
        process->outfd = child_errfd();
    process->pid = spawn(sender, process->outfd, process->errfd, &err);
    if (process->pid < 0) {
        sender->trouble = xstrdup(err.msg);
        close_file(process->outfd);
        close_file(process->errfd);
        return false;
    }
    process->pidfd = child_pidfd(process->pid);
    process->until = clock_mono() + limit_ms();
    return true;
}

/* ---- ending ---- */

static void judge(struct process *process, int status)
{
    struct sender *sender = process->sender;
    const char *name = strrchr(sender->argv.v[0], '/');
    name = name ? name + 1 : sender->argv.v[0];
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (well && !sender->judge)
        return;
    char *said = child_last_line(well ? process->outfd : process->errfd);
    if (well)
        sender->trouble = sender->judge(said);
    else if (WIFSIGNALED(status))
        sender->trouble = xasprintf("%s was killed by signal %d%s%s", name, WTERMSIG(status),
                                    *said ? ": " : "", said);
    else if (*said)
        sender->trouble = xasprintf("%s (exit code %d)", said, WEXITSTATUS(status));
    else
        sender->trouble = xasprintf("%s ended with exit code %d", name, WEXITSTATUS(status));
    free(said);
}

static void end(struct process *process)
{
    close_file(process->pidfd);
    close_file(process->outfd);
    close_file(process->errfd);
    process->pid = 0;
}

/* With all that is in its session. A program that may not be killed, one that became another user,
 * is not waited for. */
static void kill_process(struct process *process)
{
    char limit[DURATION_TEXT];
    struct pollfd death = {.fd = process->pidfd, .events = POLLIN};
    (void)kill(-process->pid, SIGKILL);
    (void)kill(process->pid, SIGKILL);
    (void)poll(&death, 1, REAP_MS);
    child_abandon(process->pid);
    process->sender->trouble =
        xasprintf("%s did not end within %s and was killed", process->sender->argv.v[0],
                  duration_text(limit_ms(), limit));
}

/* Whether it has ended by now, or was ended. */
static bool step(struct process *process)
{
    int status;
    pid_t got = waitpid(process->pid, &status, WNOHANG);
    if (got == 0 && clock_mono() < process->until)
        return false;
    if (got == process->pid)
        judge(process, status);
    else if (got == 0)
        kill_process(process);
    else
        process->sender->trouble = xasprintf("cannot wait for %s", process->sender->argv.v[0]);
    end(process);
    return true;
}

/* ---- all of them ---- */

static void wait_for_some(const struct process *running, size_t n)
{
    struct pollfd fds[SENDERS_MAX];
    int64_t until = INT64_MAX;
    bool blind = false; /* a kernel without pidfd */
    for (size_t i = 0; i < n; i++) {
        fds[i] = (struct pollfd){.fd = running[i].pidfd, .events = POLLIN};
        blind |= running[i].pidfd < 0;
        until = running[i].until < until ? running[i].until : until;
    }
    int64_t ms = until - clock_mono();
    if (blind && ms > LOOK_MS)
        ms = LOOK_MS;
    (void)poll(fds, (nfds_t)n, ms > 0 ? (int)ms : 0);
}

void sender_run(struct sender *senders, size_t n)
{
    struct process running[SENDERS_MAX];
    size_t nrunning = 0, next = 0;
    while (next < n || nrunning) {
        while (next < n && nrunning < SENDERS_MAX)
            if (begin(&running[nrunning], &senders[next++]))
                nrunning++;
        if (!nrunning)
            continue;
        wait_for_some(running, nrunning);
        for (size_t i = 0; i < nrunning;)
            if (step(&running[i]))
                running[i] = running[--nrunning];
            else
                i++;
    }
}
