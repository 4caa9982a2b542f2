/*
 * fetching: the secrets of runs, read from where their jobs say when a run is claimed and before START is sent.
 *
 * The loop never waits for a file or a program: each is read by a child, a few at a time, and given up after a
 * while. A run whose secrets are not there yet stays claimed; should we die meanwhile, the next dispatcher
 * finds it so and reads them anew, for they are on no disk. Runs that start within a minute share what was
 * read; then it is wiped.
 */
#include "dispatch/internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "child.h"
#include "clock.h"
#include "log.h"
#include "secret.h"
#include "xalloc.h"

enum {
    AT_ONCE =
        4, /* of CHILD_MAX helpers: what hangs here must not keep hosts from being connected */
    LIMIT_MS = 30000,
    FRESH_MS = 60000,
    FAILED_MS = 1000, /* one try for all runs of a burst, and another for the next attempt */
    SLOW_MS = 1000,   /* a wait that is shorter is not worth a word */
};

enum fetch_state { FETCH_WANTED, FETCH_RUNNING, FETCH_READ, FETCH_FAILED };

/* One source. */
struct fetch {
    struct dispatch *d;
    char *key; /* secret_key */
    enum fetch_state state;
    enum job_secret_from from;
    char *what; /* path or program, for people */
    struct strlist argv;
    struct child child;
    struct link_wait wait; /* for the child, whose descriptors change */
    struct loop_watch *watch;
    int64_t begun; /* monotonic */
    bool slow;     /* that it is was said */
    char *value, *why;
    struct fetch *next;
};

/* $ROTA_TEST_SECRET_MS shortens the 30 s, and with it the rest (a seam for tests). */
static int64_t scaled(int64_t ms)
{
    const char *seam = getenv("ROTA_TEST_SECRET_MS");
    int64_t limit = seam ? strtoll(seam, NULL, 10) : 0;
    return limit > 0 ? ms * limit / LIMIT_MS : ms;
}

/* For its child, where there is one, and for a deadline. */
static void wait_for(struct fetch *f, int64_t deadline)
{
    struct err err;
    if (f->wait.set >= 0)
        link_wait_for(&f->wait, f->child.fd, POLLIN);
    if (loop_set(f->watch, f->wait.set, f->wait.set >= 0 ? EPOLLIN : 0, deadline, &err) < 0)
        log_err(&err);
}

/* What was read, or that it could not be, stands for a while. */
static void rest(struct fetch *f)
{
    wait_for(f, f->begun + scaled(f->state == FETCH_READ ? FRESH_MS : FAILED_MS));
}

/* ---- its end ---- */

static void end_child(struct fetch *f)
{
    (void)loop_set(f->watch, -1, 0, 0, NULL);
    link_wait_close(&f->wait);
    buf_wipe(&f->child.out);
    child_stop(&f->child);
}

static void fetch_free(struct fetch *f)
{
    end_child(f);
    loop_unwatch(f->watch);
    secret_wipe(f->value);
    strlist_free(&f->argv);
    free(f->key);
    free(f->what);
    free(f->why);
    free(f);
}

static void forget(struct fetch *f)
{
    struct fetch **link = &f->d->fetching.first;
    while (*link != f)
        link = &(*link)->next;
    *link = f->next;
    fetch_free(f);
}

static void fail(struct fetch *f, char *taken_why)
{
    f->state = FETCH_FAILED;
    f->why = taken_why;
    f->begun = clock_mono();
}

static void take_value(struct fetch *f, struct buf *value)
{
    struct err err;
    if (secret_check(value, &err) < 0) {
        fail(f, xasprintf("%s: %s", f->what, err.msg));
        return;
    }
    f->state = FETCH_READ;
    f->value = xstrndup(buf_data(value), value->len);
}

/* What a program says of its failure is no secret; what it wrote before is not looked at. */
static void judge(struct fetch *f)
{
    int status = f->child.status;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        take_value(f, &f->child.out);
        return;
    }
    char *said = child_complaint(&f->child);
    if (f->from == SECRET_FILE && *said)
        fail(f, xstrdup(said));
    else if (WIFSIGNALED(status))
        fail(f, xasprintf("'%s' was killed by signal %d", f->what, WTERMSIG(status)));
    else
        fail(f, xasprintf("'%s' ended with exit code %d%s%s", f->what, WEXITSTATUS(status),
                          *said ? ": " : "", said));
    free(said);
}

/* ---- runs that wait ---- */

static bool is_waiting(const struct work *work)
{
    return work && work->state == RUN_STARTING && !work->known && !work->ending && work->peer &&
           work->peer->state == PEER_READY;
}

/* Tries those again that wait; who has to wait on is on the list afterwards. Where the host is away, its
 * return begins it all anew. */
static void try_again(struct dispatch *d)
{
    struct fetching old = d->fetching;
    d->fetching.runs = NULL;
    d->fetching.nruns = d->fetching.cap = 0;
    for (size_t i = 0; i < old.nruns; i++) {
        struct work *work = work_find(d, old.runs[i]);
        if (!is_waiting(work))
            continue;
        if (work->cancel)
            work_give_up(d, work, END_CANCELLED, "cancelled before it started");
        else
            talk_start(work->peer, work);
    }
    free(old.runs);
}

static void wait_on(struct dispatch *d, int64_t run)
{
    for (size_t i = 0; i < d->fetching.nruns; i++)
        if (d->fetching.runs[i] == run)
            return;
    if (d->fetching.nruns == d->fetching.cap) {
        d->fetching.cap = d->fetching.cap ? d->fetching.cap * 2 : 64;
        d->fetching.runs =
            xreallocarray(d->fetching.runs, d->fetching.cap, sizeof *d->fetching.runs);
    }
    d->fetching.runs[d->fetching.nruns++] = run;
}

static bool wants(const struct work *work, const struct fetch *f)
{
    const struct job *job = &work->spec->job;
    bool found = false;
    for (size_t i = 0; i < job->nsecrets && !found; i++) {
        char *key = secret_key(&job->secrets[i]);
        found = strcmp(key, f->key) == 0;
        free(key);
    }
    return found;
}

static void say_slow(struct fetch *f)
{
    struct dispatch *d = f->d;
    f->slow = true;
    for (size_t i = 0; i < d->fetching.nruns; i++) {
        const struct work *work = work_find(d, d->fetching.runs[i]);
        if (is_waiting(work) && wants(work, f))
            waiting_note(d, work->id, xasprintf("waiting for a secret from %s", f->what));
    }
}

/* ---- its life ---- */

static void begin_next(struct dispatch *d)
{
    struct err err;
    size_t running = 0;
    struct fetch *last = NULL; /* of those wanted: the first that came */
    for (struct fetch *f = d->fetching.first; f; f = f->next) {
        running += f->state == FETCH_RUNNING;
        if (f->state == FETCH_WANTED)
            last = f;
    }
    if (!last || running >= AT_ONCE)
        return;
    last->state = FETCH_RUNNING;
    last->begun = clock_mono();
    if (link_wait_open(&last->wait, &err) < 0) {
        fail(last, xstrdup(err.msg));
        rest(last);
        begin_next(d);
        return;
    }
    child_begin(&last->child, (const char *const *)last->argv.v);
    wait_for(last, last->begun);
}

static void over(struct fetch *f)
{
    struct dispatch *d = f->d;
    end_child(f);
    rest(f);
    begin_next(d);
    try_again(d);
    f->slow = false;
}

static void step(struct fetch *f)
{
    struct err err;
    int rc = child_step(&f->child, &err);
    int64_t now = clock_mono();
    if (child_is_waiting(&f->child))
        f->begun = now;
    if (rc == 0 && now - f->begun < scaled(LIMIT_MS)) {
        if (!f->slow && now - f->begun >= scaled(SLOW_MS))
            say_slow(f);
        wait_for(f, f->begun + scaled(f->slow ? LIMIT_MS : SLOW_MS));
        return;
    }
    if (rc == 0)
        fail(f, xasprintf("'%s' did not end within %lld s", f->what,
                          (long long)scaled(LIMIT_MS) / 1000));
    else if (rc < 0)
        fail(f, xstrdup(err.msg));
    else
        judge(f);
    over(f);
}

static void on_event(void *arg, uint32_t revents)
{
    struct fetch *f = arg;
    (void)revents;
    if (f->state == FETCH_RUNNING)
        step(f);
    else if (f->state != FETCH_WANTED)
        forget(f); /* it is not fresh any more */
}

static void read_variable(struct fetch *f, const char *name)
{
    const char *text = getenv(name);
    if (!text) {
        fail(f, xasprintf("the variable %s is not set where rota dispatch runs", name));
    } else {
        struct buf value = {0};
        buf_addstr(&value, text);
        take_value(f, &value);
        buf_wipe(&value);
    }
    rest(f);
}

static struct fetch *fetch_find(const struct dispatch *d, const struct job_secret *secret)
{
    char *key = secret_key(secret);
    struct fetch *f = d->fetching.first;
    while (f && strcmp(f->key, key) != 0)
        f = f->next;
    free(key);
    return f;
}

static struct fetch *fetch_new(struct dispatch *d, const struct job_secret *secret)
{
    struct err err;
    struct fetch *f = xcalloc(1, sizeof *f);
    *f = (struct fetch){.d = d,
                        .key = secret_key(secret),
                        .from = secret->from,
                        .what = xstrdup(secret->source.v[0]),
                        .child = {.fd = -1},
                        .wait = {.set = -1},
                        .begun = clock_mono(),
                        .next = d->fetching.first};
    f->watch = loop_watch(d->loop, on_event, f);
    d->fetching.first = f;
    if (secret->from == SECRET_ENV)
        read_variable(f, secret->source.v[0]);
    else if (secret_argv(secret, &f->argv, &err) < 0)
        fail(f, xstrdup(err.msg));
    else
        begin_next(d);
    return f;
}

/* ---- for those who start runs ---- */

int fetching_look(struct peer *peer, const struct work *work, char **why)
{
    struct dispatch *d = peer->d;
    const struct job *job = &work->spec->job;
    int there = 1;
    *why = NULL;
    for (size_t i = 0; i < job->nsecrets && !*why; i++) {
        const struct fetch *f = fetch_find(d, &job->secrets[i]);
        if (!f)
            f = fetch_new(d, &job->secrets[i]);
        if (f->state == FETCH_FAILED)
            *why = xasprintf("secret %s: %s", job->secrets[i].name, f->why);
        else if (f->state != FETCH_READ)
            there = 0;
    }
    if (*why)
        return -1;
    if (!there)
        wait_on(d, work->id);
    return there;
}

void fetching_say(struct message_writer *w, const struct peer *peer, const struct work *work)
{
    const struct job *job = &work->spec->job;
    bool slow = false;
    for (size_t i = 0; i < job->nsecrets; i++) {
        const struct fetch *f = fetch_find(peer->d, &job->secrets[i]);
        char *text = xasprintf("%s=%s", job->secrets[i].name, f->value);
        message_str(w, TAG_SECRET, text);
        secret_wipe(text);
        slow = slow || f->slow;
    }
    if (slow) /* STARTED does the same, but may be recorded with the words before them */
        waiting_note(peer->d, work->id, NULL);
}

void fetching_cancel(struct work *work)
{
    const struct fetching *fetching = work->peer ? &work->peer->d->fetching : NULL;
    for (size_t i = 0; is_waiting(work) && i < fetching->nruns; i++)
        if (fetching->runs[i] == work->id)
            work_give_up(work->peer->d, work, END_CANCELLED, "cancelled before it started");
}

bool fetching_any(const struct dispatch *d)
{
    return d->fetching.nruns > 0;
}

void fetching_free(struct dispatch *d)
{
    for (struct fetch *f = d->fetching.first, *next; f; f = next) {
        next = f->next;
        fetch_free(f);
    }
    free(d->fetching.runs);
}
