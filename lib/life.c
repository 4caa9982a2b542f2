#include "life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "catalogue/history.h"
#include "clock.h"
#include "specification.h"
#include "xalloc.h"

/* One life while it is read. */
struct reading {
    struct life *life;
    const struct run *run;
    const char *wants; /* of its job: where it may run; NULL: anywhere */
    bool ended;        /* an attempt's end is the run's */
};

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static struct moment *add(struct reading *r, int64_t at, const char *event)
{
    struct life *life = r->life;
    life->v = xreallocarray(life->v, life->n + 1, sizeof *life->v);
    struct moment *m = &life->v[life->n++];
    *m = (struct moment){.run = r->run->id, .at = at, .event = event};
    return m;
}

/* ---- the beginning ---- */

static int add_due(const struct occurrence *o, void *arg)
{
    struct reading *r = arg;
    struct moment *m = add(r, o->due_at, "due");
    m->detail =
        o->reason ? xasprintf("by its schedule: %s", o->reason) : xstrdup("by its schedule");
    return 0;
}

static void add_submitted(struct reading *r)
{
    const struct run *run = r->run;
    struct buf detail = {0};
    struct moment *m = add(r, run->queued_at, "submitted");
    char text[CLOCK_TEXT];
    m->actor = copy(run->submitter);
    buf_addf(&detail, "%s", run->job);
    if (run->rerun_of)
        buf_addf(&detail, ", run %" PRId64 " again", run->rerun_of);
    if (run->due_at && !run->occurrence)
        buf_addf(&detail, ", due %s", clock_local(run->due_at, text));
    if (run->priority)
        buf_addf(&detail, ", priority %d", run->priority);
    m->detail = buf_detach(&detail);
}

/* ---- what people asked ---- */

static int add_event(const struct event *e, void *arg)
{
    static const struct {
        const char *kind, *event;
    } words[] = {
        {"cancel", "cancel asked"},   {"signal", "signal asked"}, {"hold", "held"},
        {"release", "released"},      {"lost", "declared lost"},  {"stop", "array stopped"},
        {"values", "values ignored"},
    };
    struct reading *r = arg;
    const char *event = "asked";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(e->kind, words[i].kind) == 0)
            event = words[i].event;
    struct moment *m = add(r, e->at, event);
    m->actor = copy(e->actor);
    m->detail = strcmp(event, "asked") == 0 ? copy(e->kind) : copy(e->detail);
    return 0;
}

/* ---- attempts ---- */

/* The reason says it in words; without one, "exit 3" or "signal 9"; NULL: nothing to say. */
static char *say_end(bool has_exit, int exit_code, int signal, const char *reason)
{
    if (reason)
        return xstrdup(reason);
    if (signal)
        return xasprintf("signal %d", signal);
    return has_exit ? xasprintf("exit %d", exit_code) : NULL;
}

static void add_placed(struct reading *r, const struct attempt *a)
{
    struct moment *m = add(r, a->claimed_at, "placed");
    m->attempt = a->attempt;
    m->host = copy(a->host);
    m->detail = copy(r->wants);
}

static void add_started(struct reading *r, const struct attempt *a)
{
    bool last = a->attempt == r->run->attempt;
    int64_t at = a->state || !last ? a->started_at : r->run->started_at;
    if (!at)
        return;
    struct moment *m = add(r, at, "started");
    m->attempt = a->attempt;
    m->host = copy(a->host);
}

/* The last attempt's end is the run's, unless the run went on: then it is tried again. */
static void add_ended(struct reading *r, const struct attempt *a)
{
    const struct run *run = r->run;
    bool last = a->attempt == run->attempt && run_state_is_terminal(run->state) &&
                run->finished_at == a->ended_at;
    char text[CLOCK_TEXT];
    struct moment *m = add(r, a->ended_at, run_state_name(last ? run->state : a->state));
    m->attempt = a->attempt;
    m->host = copy(a->host);
    m->state = last ? run->state : a->state;
    m->detail = say_end(a->has_exit, a->exit_code, a->signal, last ? run->reason : a->reason);
    r->ended |= last;
    if (last)
        return;
    if (a->attempt == run->attempt && run->not_before) {
        char *detail = xasprintf("%s%sagain not before %s", m->detail ? m->detail : "",
                                 m->detail ? "; " : "", clock_local(run->not_before, text));
        free(m->detail);
        m->detail = detail;
    }
}

static int add_attempt(const struct attempt *a, void *arg)
{
    struct reading *r = arg;
    add_placed(r, a);
    add_started(r, a);
    if (a->ended_at)
        add_ended(r, a);
    return 0;
}

/* ---- the end, when it is none of an attempt; or where it is now ---- */

static void add_end(struct reading *r)
{
    const struct run *run = r->run;
    if (run_state_is_terminal(run->state) && run->finished_at && !r->ended) {
        struct moment *m = add(r, run->finished_at, run_state_name(run->state));
        m->state = run->state;
        m->detail = say_end(run->has_exit, run->exit_code, run->signal, run->reason);
    }
}

/* ---- what its job says of hosts: as much of why it was placed there as is known ---- */

static void add_words(struct buf *text, const char *what, const struct strlist *words)
{
    enum { SHOWN = 4 };
    for (size_t i = 0; i < words->n && i < SHOWN; i++)
        buf_addf(text, "%s%s", i ? "," : what, words->v[i]);
    if (words->n > SHOWN)
        buf_addf(text, " and %zu more", words->n - SHOWN);
}

static char *say_wants(struct catalogue *cat, int64_t spec)
{
    struct job job = {0};
    struct buf text = {0};
    if (specification_read(cat, spec, &job, NULL) < 0)
        return NULL;
    add_words(&text, "hosts ", &job.hosts);
    add_words(&text, text.len ? "; tags " : "tags ", &job.tags);
    if (job.slots != 1)
        buf_addf(&text, "%s%d slots", text.len ? "; " : "", job.slots);
    job_free(&job);
    if (!text.len)
        buf_addstr(&text, "any host may run it");
    return buf_detach(&text);
}

/* ---- all of it ---- */

/* In the order of time; moments of the same time stay as they were added, which qsort does not promise.
 * There are few. */
static void sort(struct life *life)
{
    for (size_t i = 1; i < life->n; i++)
        for (size_t j = i; j > 0 && life->v[j - 1].at > life->v[j].at; j--) {
            struct moment m = life->v[j];
            life->v[j] = life->v[j - 1];
            life->v[j - 1] = m;
        }
}

int life_read(struct catalogue *cat, int64_t id, struct life *life, struct err *err)
{
    struct run run;
    *life = (struct life){0};
    int rc = run_get(cat, id, &run, err);
    if (rc < 0)
        return rc;
    char *wants = say_wants(cat, run.spec);
    struct reading r = {.life = life, .run = &run, .wants = wants};
    if (run.occurrence)
        rc = occurrence_get(cat, run.occurrence, add_due, &r, err);
    if (rc == 0) {
        add_submitted(&r);
        rc = event_of_run(cat, id, add_event, &r, err);
    }
    if (rc == 0)
        rc = attempt_select(cat, id, add_attempt, &r, err);
    if (rc == 0) {
        add_end(&r);
        sort(life);
    }
    free(wants);
    run_free(&run);
    return rc;
}

void life_free(struct life *life)
{
    for (size_t i = 0; i < life->n; i++) {
        free(life->v[i].host);
        free(life->v[i].actor);
        free(life->v[i].detail);
    }
    free(life->v);
    *life = (struct life){0};
}
