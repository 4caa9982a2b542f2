#include "transport_exec.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "xalloc.h"

enum {
    CHUNK = 16384,
    STARTS_MAX = 8,  /* programs at a time that lead to one target and are not through yet … */
    STARTS_ALL = 16, /* … and to all: each ssh costs 60 ms of a processor */
};

static struct exec_link *of(struct link *link)
{
    return (struct exec_link *)link;
}

static int enter(struct exec_link *l, enum exec_stage stage)
{
    l->stage = stage;
    l->link.deadline = stage == EXEC_GATE || stage == EXEC_UP ? 0 : clock_mono() + link_step_ms();
    return 1;
}

static int wait_for(struct exec_link *l, int fd, short events)
{
    link_wait_for(&l->wait, fd, events);
    return 0;
}

struct link *exec_open(const struct exec_row *row, const struct host_config *host, const char *mode,
                       struct err *err)
{
    struct link_wait wait;
    if (link_wait_open(&wait, err) < 0)
        return NULL;
    struct exec_link *l = xcalloc(1, sizeof *l);
    l->link =
        (struct link){.transport = row->transport, .mode = mode, .fd = wait.set, .events = POLLIN};
    l->host = host;
    l->row = row;
    l->wait = wait;
    l->cmd = PIPECMD_NONE;
    l->death = -1;
    link_nonce(&l->link);
    if (errand_begin(&l->errand, host->worker, mode, l->link.nonce, err) < 0) {
        exec_close(&l->link);
        return NULL;
    }
    (void)enter(l, EXEC_PREPARE);
    return &l->link;
}

/* ---- the stages: 1 went on, 0 wait, negative failed ---- */

static int prepare(struct exec_link *l, struct err *err)
{
    int rc = l->row->prepare(l, err);
    const struct child *child = l->asked ? &l->known.child : &l->query.child;
    if (rc == 0 && child_is_waiting(child))
        l->link.deadline = clock_mono() + link_step_ms(); /* its time has not begun */
    if (rc == 0)
        return wait_for(l, child->fd, POLLIN);
    return rc < 0 ? rc : enter(l, EXEC_GATE);
}

static int pass_gate(struct exec_link *l, struct err *err)
{
    int rc = gate_ask(&l->gate, l->target, STARTS_MAX, err);
    if (rc == 0)
        return wait_for(l, l->gate.fd, POLLIN);
    /* in this order everywhere: nobody in the second waits for the first */
    if (rc > 0)
        rc = gate_ask(&l->all, "programs that lead to workers", STARTS_ALL, err);
    if (rc == 0)
        return wait_for(l, l->all.fd, POLLIN);
    return rc < 0 ? rc : enter(l, EXEC_SPAWN);
}

static int spawn(struct exec_link *l, struct err *err)
{
    struct strlist argv = {0};
    l->row->argv(l, &argv);
    l->sent = 0;
    int rc = pipecmd_open(&l->cmd, argv.v, err);
    strlist_free(&argv);
    if (rc == 0)
        rc = enter(l, EXEC_TALK);
    if (rc > 0 && l->errand.kind == ERRAND_COPY) /* what we sent may lie in buffers on the way */
        l->link.deadline += push_copy_ms(l->errand.build);
    return rc;
}

/* Gives the image to a copy. 1: all of it, or the other side takes no more; 0: not yet. */
static int send_image(struct exec_link *l)
{
    const struct buf *image = &l->errand.build->image;
    while (l->sent < image->len) {
        ssize_t n = pipecmd_write(&l->cmd, buf_data(image) + l->sent, image->len - l->sent, NULL);
        if (n == 0)
            return 0;
        if (n < 0) /* a full disk ends the other side early: what it said matters, not the rest */
            return 1;
        l->sent += (size_t)n;
    }
    pipecmd_end_input(&l->cmd);
    return 1;
}

static int greeted(struct exec_link *l)
{
    gate_leave(&l->gate);
    gate_leave(&l->all);
    l->link.fd = l->cmd.fd;
    l->link.events = POLLIN | POLLOUT; /* what came with the greeting shows in no poll */
    return enter(l, EXEC_UP);
}

static int talk(struct exec_link *l, struct err *err)
{
    bool sending =
        l->errand.kind == ERRAND_COPY && l->sent < l->errand.build->image.len && send_image(l) == 0;
    for (;;) {
        char text[CHUNK];
        bool ended;
        ssize_t n = pipecmd_read(&l->cmd, text, sizeof text, &ended, err);
        if (n == 0)
            return wait_for(l, l->cmd.fd, sending ? POLLIN | POLLOUT : POLLIN);
        if (n < 0)
            break;
        int rc = errand_hear(&l->errand, l->where, text, (size_t)n, err);
        if (rc != 0)
            return rc < 0 ? rc : greeted(l);
    }
    l->death = child_pidfd(l->cmd.pid);
    return enter(l, EXEC_REAP);
}

/* The program closed its output: its exit status says what follows. */
static int reap(struct exec_link *l, struct err *err)
{
    int status;
    if (waitpid(l->cmd.pid, &status, WNOHANG) == 0)
        return wait_for(l, l->death, POLLIN);
    l->cmd.pid = 0;
    close(l->death);
    l->death = -1;
    status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    char *words = child_last_line(l->cmd.errfd);
    int rc = l->row->judge(l, status, err);
    if (rc == 0)
        rc = errand_complain(&l->errand, l->where, words, strlen(words), err);
    if (rc == 0)
        rc = errand_next(&l->errand, l->where, status, err);
    free(words);
    pipecmd_close(&l->cmd, 0);
    return rc < 0 ? rc : enter(l, EXEC_SPAWN);
}

static int give_up(const struct exec_link *l, struct err *err)
{
    char *words = child_last_line(l->cmd.errfd);
    int rc = err_set(err, ERR_UNREACHABLE, "%s: %s (waited %g s%s%s)",
                     l->where ? l->where : l->host->address, l->row->late,
                     (double)link_step_ms() / 1000, *words ? "; it last said: " : "", words);
    free(words);
    return rc;
}

int exec_step(struct link *link, struct err *err)
{
    static int (*const go[])(struct exec_link * l, struct err * err) = {
        [EXEC_PREPARE] = prepare, [EXEC_GATE] = pass_gate, [EXEC_SPAWN] = spawn,
        [EXEC_TALK] = talk,       [EXEC_REAP] = reap,
    };
    struct exec_link *l = of(link);
    while (l->stage != EXEC_UP) {
        int rc = go[l->stage](l, err);
        if (rc < 0)
            return rc;
        if (rc == 0)
            return link->deadline && clock_mono() >= link->deadline ? give_up(l, err) : 0;
    }
    return 1;
}

/* ---- once it is up ---- */

ssize_t exec_read(struct link *link, void *p, size_t len, struct err *err)
{
    struct exec_link *l = of(link);
    bool ended;
    size_t early = greeting_take(&l->errand.greeting, p, len);
    link->events = l->cmd.full ? POLLIN | POLLOUT : POLLIN;
    if (early)
        return (ssize_t)early;
    ssize_t n = pipecmd_read(&l->cmd, p, len, &ended, err);
    if (n < 0 && ended) {
        char *words = child_last_line(l->cmd.errfd);
        (void)err_set(err, ERR_UNREACHABLE, "%s: the worker ended%s%s", l->where,
                      *words ? "; it last said: " : "", words);
        free(words);
    }
    return n;
}

ssize_t exec_write(struct link *link, const void *p, size_t len, struct err *err)
{
    ssize_t n = pipecmd_write(&of(link)->cmd, p, len, err);
    link->events = of(link)->cmd.full ? POLLIN | POLLOUT : POLLIN;
    return n;
}

/* The program, and the worker behind it, end when their input does: nothing waits for that here. */
void exec_close(struct link *link)
{
    if (!link)
        return;
    struct exec_link *l = of(link);
    pipecmd_close(&l->cmd, 0);
    if (l->death >= 0)
        close(l->death);
    sshconfig_end(&l->query);
    knownhosts_end(&l->known);
    gate_leave(&l->gate);
    gate_leave(&l->all);
    errand_free(&l->errand);
    link_wait_close(&l->wait);
    free(l->target);
    free(l->where);
    free(l);
}

/* ---- the row `exec`: any command that leads to a worker ---- */

/* %h is the host's address, %n the worker's name, %% a percent sign. Both are words without any
 * meaning to a shell (config). */
static char *expand(const char *command, const struct host_config *host)
{
    struct buf out = {0};
    for (const char *p = command; *p; p++) {
        const char *with = p[0] != '%'   ? NULL
                           : p[1] == 'h' ? host->address
                           : p[1] == 'n' ? host->name
                           : p[1] == '%' ? "%"
                                         : NULL;
        if (with)
            buf_addstr(&out, with);
        else
            buf_add(&out, p, 1);
        p += with != NULL;
    }
    buf_str(&out);
    return buf_detach(&out);
}

static int prepare_command(struct exec_link *l, struct err *err)
{
    (void)err;
    l->target = expand(l->host->command, l->host);
    l->where = xasprintf("'%s'", l->target);
    return 1;
}

/* The shell splits the command into words as a person expects; what follows are words of their own.
 * Where no worker is installed, a shell on the other side goes to its home first, as a login does. */
static void command_argv(const struct exec_link *l, struct strlist *argv)
{
    char *script = xasprintf("%s \"$@\"", l->target);
    const char *const head[] = {"sh", "-c", script, "sh"};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        strlist_add(argv, head[i]);
    if (l->host->worker) {
        strlist_add(argv, l->host->worker);
        strlist_add(argv, l->link.mode);
        strlist_add(argv, l->link.nonce);
    } else {
        char *there = xasprintf("cd && %s", l->errand.command);
        strlist_add(argv, "sh");
        strlist_add(argv, "-c");
        strlist_add(argv, there);
        free(there);
    }
    free(script);
}

/* Its exit status cannot be told from that of what it leads to. */
static int judge_command(const struct exec_link *l, int status, struct err *err)
{
    if (status >= 0 || l->errand.kind == ERRAND_START) /* or half a worker was killed */
        return 0;
    return err_set(err, ERR_UNREACHABLE, "%s: the command was killed", l->where);
}

static const struct exec_row row = {
    .transport = &transport_exec,
    .prepare = prepare_command,
    .argv = command_argv,
    .judge = judge_command,
    .late = "the command does not lead to a worker that answers",
};

static struct link *command_open(const struct host_config *host, const char *mode, struct err *err)
{
    return exec_open(&row, host, mode, err);
}

const struct transport transport_exec = {
    .name = "exec",
    .open = command_open,
    .step = exec_step,
    .read = exec_read,
    .write = exec_write,
    .close = exec_close,
};
