/*
 * worker_client: a head for tests: starts the real rota-worker over a socketpair and speaks with it.
 * Every wait is for a condition and bounded; a worker that does not do it fails the test.
 */
#ifndef ROTA_WORKER_CLIENT_H
#define ROTA_WORKER_CLIENT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "message.h"
#include "proc.h"
#include "tap.h"
#include "worker_witness.h"
#include "xalloc.h"

enum { CLIENT_RUNS = 256 };
#define CLIENT_UUID "00112233445566778899aabbccddeeff"

/* What was heard of one run. */
struct heard {
    struct message_key key;
    bool listed, started, ended;
    uint64_t state;
    struct buf stream[2];
    uint64_t end, code, signal, total[2], dropped[2], utime, maxrss, duration;
    char *reason;
};

struct client {
    pid_t pid;
    int fd;
    struct buf in;
    struct message_reader reader;
    bool named, welcomed, ready, refused, gone;
    char *reason, *spool, *build;
    uint64_t cpus;
    int pongs;
    struct heard run[CLIENT_RUNS];
    size_t nruns;
};

static char client_dir[64]; /* of this test: the home and the spools are in it */

static const char *client_binary(void)
{
    static char path[4096];
    const char *given = getenv("ROTA_WORKER"), *dir = getenv("ROTA_BUILD_DIR");
    if (given)
        return given;
    (void)snprintf(path, sizeof path, "%s/rota-worker", dir ? dir : "build");
    return path;
}

static int client_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void client_clean(void)
{
    (void)nftw(client_dir, client_remove, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static void client_init(void)
{
    (void)snprintf(client_dir, sizeof client_dir, "/tmp/rota-worker-test.XXXXXX");
    if (!mkdtemp(client_dir))
        exit(1);
    (void)setenv("ROTA_TEST_HOME", client_dir, 1);
    (void)chmod(client_dir, 0755); /* jobs of other users have it as their own too */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)atexit(client_clean);
}

/* A path in the directory of the test. */
__attribute__((unused)) static char *client_path(const char *name)
{
    return xasprintf("%s/%s", client_dir, name);
}

static void client_put(struct client *c, struct buf *out)
{
    while (out->len) {
        ssize_t n = write(c->fd, buf_data(out), out->len);
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            buf_consume(out, (size_t)n);
    }
    buf_free(out);
}

__attribute__((unused)) static struct client *client_start(void)
{
    struct client *c = xcalloc(1, sizeof *c);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        exit(1);
    char *argv[] = {(char *)client_binary(), "serve", "n0nce", NULL};
    struct err err;
    c->pid = proc_spawn(argv, ends[1], ends[1], STDERR_FILENO, &err);
    if (c->pid < 0) {
        printf("Bail out! %s\n", err.msg);
        exit(1);
    }
    close(ends[1]);
    c->fd = ends[0];
    return c;
}

static struct heard *client_run(struct client *c, struct message_key key)
{
    for (size_t i = 0; i < c->nruns; i++)
        if (c->run[i].key.run == key.run && c->run[i].key.attempt == key.attempt)
            return &c->run[i];
    if (c->nruns == CLIENT_RUNS)
        exit(1);
    c->run[c->nruns].key = key;
    return &c->run[c->nruns++];
}

static void client_hear_output(struct heard *run, const struct message *m)
{
    struct message_field data;
    uint64_t stream = message_get_u64(m, TAG_STREAM, 0), at = message_get_u64(m, TAG_OFFSET, 0);
    if (stream < 1 || stream > 2 || !message_get(m, TAG_DATA, &data))
        return;
    struct buf *to = &run->stream[stream - 1];
    while (to->len < at)
        buf_addch(to, '?'); /* a hole, which no test expects */
    buf_truncate(to, at);
    buf_add(to, data.p, data.len);
}

static void client_hear_result(struct heard *run, const struct message *m)
{
    run->ended = true;
    run->end = message_get_u64(m, TAG_END, 0);
    run->code = message_get_u64(m, TAG_CODE, 0);
    run->signal = message_get_u64(m, TAG_SIGNAL, 0);
    run->total[0] = message_get_u64(m, TAG_OUT_TOTAL, 0);
    run->total[1] = message_get_u64(m, TAG_ERR_TOTAL, 0);
    run->dropped[0] = message_get_u64(m, TAG_OUT_DROPPED, 0);
    run->dropped[1] = message_get_u64(m, TAG_ERR_DROPPED, 0);
    run->utime = message_get_u64(m, TAG_UTIME, 0);
    run->maxrss = message_get_u64(m, TAG_MAXRSS, 0);
    run->duration = message_get_u64(m, TAG_DURATION, 0);
    free(run->reason);
    run->reason = message_get_str(m, TAG_REASON);
}

static void client_hear(struct client *c, const struct message *m)
{
    struct heard *run = message_get_u64(m, TAG_RUN, 0) ? client_run(c, message_get_key(m)) : NULL;
    if (m->type == MSG_WELCOME) {
        c->welcomed = true;
        c->spool = message_get_str(m, TAG_SPOOL);
        c->build = message_get_str(m, TAG_BUILD);
        c->cpus = message_get_u64(m, TAG_CPUS, 0);
    } else if (m->type == MSG_REFUSED) {
        c->refused = true;
        c->reason = message_get_str(m, TAG_REASON);
    } else if (m->type == MSG_READY) {
        c->ready = true;
    } else if (m->type == MSG_PONG) {
        c->pongs++;
    } else if (run && m->type == MSG_RUN) {
        run->listed = true;
        run->state = message_get_u64(m, TAG_STATE, 0);
    } else if (run && m->type == MSG_STARTED) {
        run->started = true;
    } else if (run && m->type == MSG_OUTPUT) {
        client_hear_output(run, m);
    } else if (run && m->type == MSG_RESULT) {
        client_hear_result(run, m);
    }
}

/* Takes what came; false when nothing did within ms. */
static bool client_listen(struct client *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (c->gone || poll(&p, 1, ms) <= 0)
        return false;
    ssize_t n = read(c->fd, buf_room(&c->in, 65536), 65536);
    if (n <= 0) {
        c->gone = true;
        return false;
    }
    buf_grew(&c->in, (size_t)n);
    const char *newline = c->named ? NULL : memchr(buf_data(&c->in), '\n', c->in.len);
    if (newline) {
        c->named = strncmp(buf_data(&c->in), "rota-worker n0nce\n", 18) == 0;
        buf_consume(&c->in, (size_t)(newline - buf_data(&c->in)) + 1);
    }
    struct message m;
    struct err err;
    int rc = 0;
    while (c->named && (rc = message_next(&c->reader, &c->in, &m, &err)) > 0)
        client_hear(c, &m);
    if (rc < 0)
        printf("# bad frame: %s\n", err.msg);
    return true;
}

/* Listens until *flag; false when it never came. */
__attribute__((unused)) static bool client_await(struct client *c, const bool *flag)
{
    int64_t end = clock_mono() + CLIENT_WAIT_MS;
    while (!*flag && !c->gone && clock_mono() < end)
        (void)client_listen(c, 100);
    return *flag;
}

__attribute__((unused)) static void client_hello_as(struct client *c, uint64_t version,
                                                    uint64_t fence, const char *spool)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_HELLO);
    message_u64(&w, TAG_VERSION, version);
    message_str(&w, TAG_UUID, CLIENT_UUID);
    message_u64(&w, TAG_EPOCH, 1);
    message_u64(&w, TAG_FENCE, fence);
    message_str(&w, TAG_WORKER, "w1");
    message_str(&w, TAG_SPOOL, spool);
    message_end(&w);
    client_put(c, &out);
}

/* Starts a worker and is welcomed. */
__attribute__((unused)) static struct client *client_open(void)
{
    struct client *c = client_start();
    client_hello_as(c, MESSAGE_VERSION, 1, NULL);
    if (!client_await(c, &c->ready)) {
        printf("Bail out! the worker did not welcome us: %s\n", c->reason ? c->reason : "?");
        exit(1);
    }
    return c;
}

/* The same with a fence; whoever was not welcomed has no `ready`. */
__attribute__((unused)) static struct client *client_open_as(uint64_t fence)
{
    struct client *c = client_start();
    client_hello_as(c, MESSAGE_VERSION, fence, NULL);
    if (!client_await(c, &c->ready))
        printf("# not welcomed: %s\n", c->reason ? c->reason : "?");
    return c;
}

/* Frees it; the worker ends because its input does. Returns its wait status. */
__attribute__((unused)) static int client_close(struct client *c)
{
    int status = -1;
    close(c->fd);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < c->nruns; i++) {
        buf_free(&c->run[i].stream[0]);
        buf_free(&c->run[i].stream[1]);
        free(c->run[i].reason);
    }
    message_reader_free(&c->reader);
    buf_free(&c->in);
    free(c->reason);
    free(c->spool);
    free(c->build);
    free(c);
    return status;
}

/* ---- orders ---- */

struct start {
    uint64_t run, attempt; /* 0: 1 */
    uint64_t credit;       /* 0: plenty; 1: none */
    const char *executor;  /* NULL: shell */
    const char *text;
    const char *arg[6];
    const char *env[6];
    const char *input, *workdir, *user;
    uint64_t timeout, kill_after, limit, leave, leash;
};

static struct message_key client_key(uint64_t run, uint64_t attempt)
{
    uint32_t n = attempt ? (uint32_t)attempt : 1;
    return (struct message_key){run, n, 0xfedcba9800000000U + run * 16 + n};
}

static void client_add_start(struct buf *out, const struct start *s)
{
    struct message_writer w = message_begin(out, MSG_START);
    message_key(&w, client_key(s->run, s->attempt));
    message_u64(&w, TAG_CREDIT, s->credit == 1 ? 0 : s->credit ? s->credit : 1 << 30);
    message_str(&w, TAG_EXECUTOR, s->executor ? s->executor : "shell");
    message_str(&w, TAG_TEXT, s->text);
    for (int i = 0; i < 6; i++)
        message_str(&w, TAG_ARG, s->arg[i]);
    for (int i = 0; i < 6; i++)
        message_str(&w, TAG_ENV, s->env[i]);
    message_str(&w, TAG_STDIN, s->input);
    message_str(&w, TAG_WORKDIR, s->workdir);
    message_str(&w, TAG_USER, s->user);
    message_u64(&w, TAG_TIMEOUT, s->timeout);
    message_u64(&w, TAG_KILL_AFTER, s->kill_after ? s->kill_after : 10000);
    message_u64(&w, TAG_OUT_LIMIT, s->limit ? s->limit : 1 << 20);
    message_u64(&w, TAG_LEFTOVERS, s->leave);
    message_u64(&w, TAG_LEASH, s->leash);
    message_end(&w);
}

__attribute__((unused)) static struct heard *client_order(struct client *c, struct start s)
{
    struct buf out = {0};
    client_add_start(&out, &s);
    client_put(c, &out);
    return client_run(c, client_key(s.run, s.attempt));
}

/* Orders it and waits for its result. */
__attribute__((unused)) static struct heard *client_do(struct client *c, struct start s)
{
    struct heard *run = client_order(c, s);
    if (!client_await(c, &run->ended))
        printf("# run %" PRIu64 " did not end\n", s.run);
    return run;
}

__attribute__((unused)) static char *client_text(struct buf *b)
{
    return buf_str(b);
}

__attribute__((unused)) static void client_adopt(struct client *c, const struct heard *run)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_ADOPT);
    message_key(&w, run->key);
    message_u64(&w, TAG_OUT_AT, run->stream[0].len);
    message_u64(&w, TAG_ERR_AT, run->stream[1].len);
    message_u64(&w, TAG_CREDIT, 1 << 30);
    message_end(&w);
    client_put(c, &out);
}

__attribute__((unused)) static void client_credit(struct client *c, const struct heard *run,
                                                  uint64_t more)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_CREDIT);
    message_u64(&w, TAG_RUN, run->key.run);
    message_u64(&w, TAG_ATTEMPT, run->key.attempt);
    message_u64(&w, TAG_CREDIT, more);
    message_end(&w);
    client_put(c, &out);
}

__attribute__((unused)) static void client_kill(struct client *c, const struct heard *run,
                                                uint64_t sig)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_KILL);
    message_key(&w, run->key);
    message_u64(&w, TAG_SIGNAL, sig);
    message_end(&w);
    client_put(c, &out);
}

/* Sends PING and waits for the PONG: all that was sent before was then dealt with. */
__attribute__((unused)) static bool client_sync(struct client *c)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_PING);
    int before = c->pongs;
    message_end(&w);
    client_put(c, &out);
    int64_t end = clock_mono() + CLIENT_WAIT_MS;
    while (c->pongs == before && !c->gone && clock_mono() < end)
        (void)client_listen(c, 100);
    return c->pongs > before;
}

/* Acknowledges every run that ended. */
__attribute__((unused)) static void client_ack(struct client *c)
{
    struct buf out = {0}, keys = {0};
    struct message_writer w = message_begin(&out, MSG_ACK);
    for (size_t i = 0; i < c->nruns; i++)
        if (c->run[i].ended)
            message_pack_key(&keys, c->run[i].key);
    message_bytes(&w, TAG_KEYS, buf_data(&keys), keys.len);
    message_end(&w);
    client_put(c, &out);
    buf_free(&keys);
    (void)client_sync(c);
}

#endif
