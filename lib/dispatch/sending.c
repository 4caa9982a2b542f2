/*
 * sending: files that runs are given, sent to their worker before START. So a connection that breaks
 * meanwhile costs nothing: nothing has begun, the worker drops what it had, and all is sent again on the next.
 *
 * The files of a run are read by a process of their own (outgoing.h), whose messages are passed on. Few parts
 * are under way to a worker at a time, so that PING, KILL and START of others wait behind little.
 */
#include "dispatch/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "child.h"
#include "clock.h"
#include "log.h"
#include "outgoing.h"
#include "pipecmd.h"
#include "proc.h"
#include "sha256.h"
#include "xalloc.h"

enum {
    AT_ONCE = 32,        /* runs whose files are on their way, */
    AT_ONCE_OF_PEER = 2, /* and of these to one host */
    PARTS_UNDER_WAY = 8, /* of a run: 256 KiB */
    READ_CHUNK = 65536,
    SLOW_MS = 1000, /* a wait that is shorter is not worth a word */
};

enum sending_state { SENDING_WANTED, SENDING_RUNNING, SENDING_DONE, SENDING_FAILED };

struct sent {
    uint64_t size;
    unsigned char sha[SHA256_SIZE];
};

struct sending {
    struct peer *peer;
    struct message_key key;
    enum sending_state state;
    struct pipecmd reading;
    struct loop_watch *watch;
    struct message_reader reader;
    struct buf in;
    struct sent files[JOB_FILES_MAX];
    size_t n, nread;      /* files; of these, read to their end */
    unsigned under_way;   /* parts that the worker has not told to have */
    int64_t begun, moved; /* monotonic; moved: something came, or was waited for somewhere else */
    bool slow;            /* that it is was said */
    char *why;
    struct sending *next;
};

/* ---- its end ---- */

static void end_reading(struct sending *s)
{
    (void)loop_set(s->watch, -1, 0, 0, NULL);
    pipecmd_close(&s->reading, 0);
    message_reader_free(&s->reader);
    s->reader = (struct message_reader){0};
    buf_free(&s->in);
}

static void sending_free(struct sending *s)
{
    end_reading(s);
    loop_unwatch(s->watch);
    free(s->why);
    free(s);
}

static void fail(struct sending *s, char *taken_why)
{
    end_reading(s);
    if (s->state == SENDING_FAILED) {
        free(taken_why); /* the first is the reason */
        return;
    }
    s->state = SENDING_FAILED;
    s->why = taken_why;
}

/* ---- which run it is of ---- */

static bool is_of(const struct sending *s, const struct work *work)
{
    return s->key.run == (uint64_t)work->id && s->key.attempt == (uint32_t)work->attempt &&
           s->key.token == work->token;
}

/* Its run, as long as that waits for it; NULL: for nothing any more. */
static struct work *work_of(const struct sending *s)
{
    struct work *work = work_find(s->peer->d, (int64_t)s->key.run);
    bool waits = work && is_of(s, work) && work->state == RUN_STARTING && !work->known &&
                 !work->ending && work->peer == s->peer && s->peer->state == PEER_READY;
    return waits ? work : NULL;
}

static struct sending *find(const struct dispatch *d, struct message_key key)
{
    struct sending *s = d->sending;
    while (s &&
           (s->key.run != key.run || s->key.attempt != key.attempt || s->key.token != key.token))
        s = s->next;
    return s;
}

/* ---- its life ---- */

static void wait_for(struct sending *s)
{
    struct err err;
    bool open = s->under_way < PARTS_UNDER_WAY && s->nread < s->n;
    int64_t deadline = !s->slow ? s->begun + SLOW_MS : open ? s->moved + message_silence_ms() : 0;
    if (loop_set(s->watch, open ? s->reading.fd : -1, open ? EPOLLIN : 0, deadline, &err) < 0)
        log_err(&err);
}

static void begin(struct sending *s, const struct work *work)
{
    struct strlist argv = {0};
    struct err err;
    char *program = proc_find_sibling("rota-dispatch");
    s->state = SENDING_RUNNING;
    s->begun = s->moved = clock_mono();
    strlist_take(&argv, program ? program : xstrdup("rota-dispatch"));
    strlist_add(&argv, OUTGOING_OPTION);
    for (size_t i = 0; i < s->n; i++)
        strlist_add(&argv, work->spec->job.put.v[i].from);
    if (pipecmd_open(&s->reading, argv.v, &err) < 0) {
        fail(s, xasprintf("its files cannot be read: %s", err.msg));
        (void)loop_set(s->watch, -1, 0, clock_mono(), NULL); /* whoever calls us is in the midst */
    } else {
        wait_for(s);
    }
    strlist_free(&argv);
}

static bool may_begin(const struct sending *s)
{
    size_t all = 0, here = 0;
    for (const struct sending *other = s->peer->d->sending; other; other = other->next)
        if (other->state == SENDING_RUNNING) {
            all++;
            here += other->peer == s->peer;
        }
    return all < AT_ONCE && here < AT_ONCE_OF_PEER;
}

static void begin_next(struct dispatch *d)
{
    for (struct sending *s = d->sending; s; s = s->next) {
        const struct work *work = s->state == SENDING_WANTED ? work_of(s) : NULL;
        if (work && may_begin(s))
            begin(s, work);
    }
}

static void drop(struct dispatch *d, struct sending *s)
{
    struct sending **link = &d->sending;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    sending_free(s);
}

/* ---- what comes ---- */

/* Of our own process, but it read a file of anybody's. */
static void take_part(struct sending *s, const struct message *m)
{
    struct message_field f;
    uint64_t file = message_get_u64(m, TAG_FILE, s->n);
    char *reason = message_get_str(m, TAG_REASON);
    if (reason) {
        fail(s, xasprintf("files.put: %s", reason));
    } else if (m->type != MSG_PUT || file != s->nread) {
        fail(s, xstrdup("files.put: the process that reads them is of another build"));
    } else if (message_get(m, TAG_SHA256, &f) && f.len == SHA256_SIZE) {
        s->files[file].size = message_get_u64(m, TAG_SIZE, 0);
        memcpy(s->files[file].sha, f.p, SHA256_SIZE);
        s->nread++;
    } else if (message_get(m, TAG_DATA, &f)) {
        struct message_writer w = message_begin(&s->peer->queued, MSG_PUT);
        message_key(&w, s->key);
        message_u64(&w, TAG_FILE, file);
        message_u64(&w, TAG_OFFSET, message_get_u64(m, TAG_OFFSET, 0));
        message_bytes(&w, TAG_DATA, f.p, f.len);
        message_end(&w);
        s->under_way++;
    }
    free(reason);
}

static void fail_reading(struct sending *s, const struct err *err)
{
    char *said = child_last_line(s->reading.errfd);
    fail(s, xasprintf("files.put: reading them failed: %s", *said ? said : err->msg));
    free(said);
}

static void read_on(struct sending *s)
{
    while (s->state == SENDING_RUNNING && s->nread < s->n && s->under_way < PARTS_UNDER_WAY) {
        struct message m;
        struct err err;
        int rc = message_next(&s->reader, &s->in, &m, &err);
        if (rc > 0) {
            s->moved = clock_mono();
            take_part(s, &m);
            continue;
        }
        ssize_t n = rc < 0 ? rc
                           : pipecmd_read(&s->reading, buf_room(&s->in, READ_CHUNK), READ_CHUNK,
                                          NULL, &err);
        if (n < 0)
            fail_reading(s, &err);
        if (n <= 0)
            return;
        buf_grew(&s->in, (size_t)n);
    }
}

static void check_clocks(struct sending *s, const struct work *work)
{
    int64_t now = clock_mono(), silence = message_silence_ms();
    const struct job *job = &work->spec->job;
    if (s->under_way >= PARTS_UNDER_WAY)
        s->moved = now; /* the worker is waited for, which PING sees to */
    if (now - s->moved >= silence)
        fail(s, xasprintf("files.put: nothing came of %s for %lld s", job->put.v[s->nread].from,
                          (long long)silence / 1000));
    if (!s->slow && now - s->begun >= SLOW_MS) {
        s->slow = true;
        waiting_note(s->peer->d, work->id,
                     xasprintf("sending its files to %s", s->peer->config->name));
    }
}

/* Goes on; it may be gone afterwards. */
static void step(struct sending *s)
{
    struct peer *peer = s->peer;
    struct dispatch *d = peer->d;
    struct work *work = work_of(s);
    if (!work) {
        drop(d, s);
        begin_next(d);
        return;
    }
    if (s->state == SENDING_RUNNING)
        read_on(s);
    if (s->state == SENDING_RUNNING && s->nread < s->n)
        check_clocks(s, work);
    if (s->state == SENDING_RUNNING && s->nread == s->n && !s->under_way)
        s->state = SENDING_DONE;
    if (s->state == SENDING_RUNNING) {
        wait_for(s);
        return;
    }
    end_reading(s);
    if (work->cancel)
        work_give_up(d, work, END_CANCELLED, "cancelled before it started");
    else
        talk_start(peer, work); /* or ends it: it asks sending_look */
    begin_next(d);
}

static void on_event(void *arg, uint32_t revents)
{
    struct sending *s = arg;
    struct peer *peer = s->peer;
    (void)revents;
    step(s);
    if (peer->state == PEER_READY)
        peer_flush(peer);
}

static void sending_new(struct peer *peer, const struct work *work)
{
    struct sending **link = &peer->d->sending;
    while (*link)
        link = &(*link)->next;
    struct sending *s = *link = xcalloc(1, sizeof *s);
    s->peer = peer;
    s->key = work_key(work);
    s->reading = PIPECMD_NONE;
    s->n = work->spec->job.put.n < JOB_FILES_MAX ? work->spec->job.put.n : JOB_FILES_MAX;
    s->watch = loop_watch(peer->d->loop, on_event, s);
    if (may_begin(s))
        begin(s, work);
}

/* ---- for those who start runs ---- */

int sending_look(struct peer *peer, const struct work *work, char **why)
{
    *why = NULL;
    if (!work->spec->job.put.n)
        return 1;
    const struct sending *s = find(peer->d, work_key(work));
    if (!s) {
        sending_new(peer, work);
        return 0;
    }
    if (s->state != SENDING_FAILED)
        return s->state == SENDING_DONE;
    *why = xstrdup(s->why);
    return -1;
}

void sending_say(struct message_writer *w, const struct peer *peer, const struct work *work)
{
    const struct job *job = &work->spec->job;
    const struct sending *s = job->put.n ? find(peer->d, work_key(work)) : NULL;
    for (size_t i = 0; s && i < s->n; i++) {
        message_str(w, TAG_PUT_TO, job->put.v[i].to);
        message_u64(w, TAG_MODE, (uint64_t)job->put.v[i].mode);
        message_u64(w, TAG_SIZE, s->files[i].size);
        message_bytes(w, TAG_SHA256, s->files[i].sha, SHA256_SIZE);
    }
    for (size_t i = 0; i < job->get.n; i++) {
        message_str(w, TAG_GET_FROM, job->get.v[i].from);
        message_u64(w, TAG_OPTIONAL, job->get.v[i].optional);
    }
    if (s && s->slow) /* as in fetching_say */
        waiting_note(peer->d, work->id, NULL);
}

void sending_taken(struct peer *peer, const struct message *m)
{
    struct sending *s = find(peer->d, message_get_key(m));
    if (!s || s->peer != peer || s->state != SENDING_RUNNING)
        return;
    char *reason = message_get_str(m, TAG_REASON);
    if (reason)
        fail(s, xasprintf("files.put: %s: %s", peer->config->name, reason));
    free(reason);
    s->under_way -= s->under_way > 0;
    s->moved = clock_mono();
    step(s);
}

/* ---- when it is not wanted any more ---- */

void sending_drop(struct dispatch *d, const struct work *work)
{
    struct sending *s = d->sending;
    while (s && !is_of(s, work))
        s = s->next;
    if (s)
        drop(d, s);
}

void sending_cut(struct peer *peer)
{
    struct dispatch *d = peer->d;
    for (struct sending *s = d->sending, *next; s; s = next) {
        next = s->next;
        if (s->peer == peer)
            drop(d, s);
        else if (s->state == SENDING_WANTED) /* its turn may have come: soon, we are in the midst */
            (void)loop_set(s->watch, -1, 0, clock_mono(), NULL);
    }
}

void sending_cancel(struct work *work)
{
    struct dispatch *d = work->peer ? work->peer->d : NULL;
    const struct sending *s = d && !work->ending ? find(d, work_key(work)) : NULL;
    if (!s)
        return;
    work_give_up(d, work, END_CANCELLED, "cancelled before it started");
    begin_next(d);
}

bool sending_any(const struct dispatch *d)
{
    return d->sending != NULL;
}
