#include "doctor/visit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "buf.h"
#include "child.h"
#include "clock.h"
#include "loop.h"
#include "xalloc.h"

enum {
    READ_CHUNK = 65536,
    PARTING_MS = 500,
    OVERALL_STEPS = 12, /* a visit takes no longer than so many steps of connecting may take */
};

struct tour {
    struct loop *loop;
    struct caller {
        struct tour *tour;
        struct visit *visit;
        struct link *link;
        struct loop_watch *watch;
        struct buf in, out;
        bool up, over;
        size_t offered;   /* bytes of a write that must be repeated as it was */
        int64_t asked;    /* monotonic ms */
        int64_t deadline; /* of the answer, once it is up */
        int64_t end;      /* of all, but for waiting at a gate */
    } * callers;
    size_t n, begun, over;
    void (*progress)(size_t over, size_t all);
};

static void begin_next(struct tour *tour);

static void finish(struct caller *c, int rc)
{
    c->visit->rc = rc;
    c->over = true;
    loop_unwatch(c->watch);
    c->watch = NULL;
    if (c->link)
        c->link->transport->close(c->link);
    c->link = NULL;
    buf_free(&c->in);
    buf_free(&c->out);
    c->tour->over++;
    if (c->tour->progress)
        c->tour->progress(c->tour->over, c->tour->n);
    begin_next(c->tour);
}

static void fail(struct caller *c, const struct err *err)
{
    c->visit->err = *err;
    facts_clean(c->visit->err.msg);
    c->visit->greeted = c->up;
    finish(c, err->code ? err->code : ERR_UNREACHABLE);
}

static void wait_for(struct caller *c)
{
    struct err err;
    int64_t deadline = c->up ? c->deadline : c->link->deadline;
    if (c->link->deadline && !c->up && c->end < deadline)
        deadline = c->end;
    if (loop_set(c->watch, c->link->fd, (uint32_t)c->link->events, deadline, &err) < 0)
        fail(c, &err);
}

static bool open_link(struct caller *c, const struct transport *transport)
{
    struct err err = {0};
    c->link = transport->open(c->visit->config, WORKER_FACTS, &err);
    if (!c->link)
        fail(c, &err);
    return c->link != NULL;
}

/* As dispatch does: another transport may do what this one cannot, unless a person chose this one. */
static bool fall_back(struct caller *c, const struct err *why)
{
    struct visit *visit = c->visit;
    const struct transport *instead = c->link->instead;
    if (visit->config->transport_set || !instead || visit->instead)
        return false;
    visit->instead = instead;
    visit->why_instead = xstrdup(why->msg);
    facts_clean(visit->why_instead);
    (void)loop_set(c->watch, -1, 0, 0, NULL);
    c->link->transport->close(c->link);
    return open_link(c, instead);
}

/* ---- once the worker has greeted ---- */

static int ask(struct caller *c, struct err *err)
{
    while (c->out.len) {
        size_t len = c->offered ? c->offered : c->out.len;
        ssize_t n = c->link->transport->write(c->link, buf_data(&c->out), len, err);
        if (n < 0)
            return (int)n;
        c->offered = n ? 0 : len;
        if (n == 0)
            return 0;
        buf_consume(&c->out, (size_t)n);
    }
    return 0;
}

/* The clock is the first thing the answer says, in a write of its own. */
static void measure(struct caller *c)
{
    struct visit *visit = c->visit;
    int64_t clock = facts_number(&visit->facts, "clock", 0);
    if (visit->heard_at || clock <= 0)
        return;
    visit->heard_at = clock_now();
    visit->round_ms = clock_mono() - c->asked;
    visit->skew_ms = clock - (visit->heard_at - visit->round_ms / 2);
}

static int hear(struct caller *c, struct err *err)
{
    while (!c->visit->facts.complete) {
        ssize_t n =
            c->link->transport->read(c->link, buf_room(&c->in, READ_CHUNK), READ_CHUNK, err);
        if (n <= 0)
            return (int)n;
        buf_grew(&c->in, (size_t)n);
        int rc = facts_feed(&c->visit->facts, &c->in, err);
        if (rc < 0)
            return rc;
        measure(c);
    }
    return 1;
}

static void talk(struct caller *c)
{
    struct err err = {0};
    int rc = hear(c, &err);
    if (rc == 0)
        rc = ask(c, &err);
    if (rc == 0 && clock_mono() >= c->deadline)
        rc = err_set(&err, ERR_UNREACHABLE, "the worker greets but tells nothing for %" PRId64 " s",
                     link_step_ms() / 1000);
    if (rc < 0)
        fail(c, &err);
    else if (rc > 0)
        finish(c, 0);
    else
        wait_for(c);
}

static void greeted(struct caller *c)
{
    const char *spool = c->visit->config->spool;
    c->up = true;
    c->asked = clock_mono();
    c->deadline = c->asked + link_step_ms();
    if (spool)
        buf_addf(&c->out, "spool %s\n", spool);
    buf_addch(&c->out, '\n');
    talk(c);
}

static void on_event(void *arg, uint32_t revents)
{
    struct caller *c = arg;
    struct err err = {0};
    (void)revents;
    if (c->up) {
        talk(c);
        return;
    }
    if (!c->link->deadline) /* it waited for others: its time has not begun */
        c->end = clock_mono() + OVERALL_STEPS * link_step_ms();
    int rc = c->link->transport->step(c->link, &err);
    if (rc == 0 && c->link->deadline && clock_mono() >= c->end)
        rc = err_set(&err, ERR_UNREACHABLE, "it does not come to an end");
    if (rc > 0) {
        greeted(c);
    } else if (rc == 0) {
        wait_for(c);
    } else if (fall_back(c, &err)) {
        on_event(c, 0);
    } else if (!c->over) {
        fail(c, &err);
    }
}

static void begin_next(struct tour *tour)
{
    while (tour->begun < tour->n && tour->begun - tour->over < VISITS_AT_ONCE) {
        struct caller *c = &tour->callers[tour->begun++];
        c->watch = loop_watch(tour->loop, on_event, c);
        c->end = clock_mono() + OVERALL_STEPS * link_step_ms();
        /* the first step is the loop's, so that a host that fails at once does not call us again */
        if (open_link(c, transport_of(c->visit->config->transport)))
            (void)loop_set(c->watch, -1, 0, clock_mono(), NULL);
    }
}

int visit_all(struct visit *visits, size_t n, void (*progress)(size_t over, size_t all),
              struct err *err)
{
    struct tour tour = {.n = n, .progress = progress};
    int rc = 0;
    tour.loop = loop_new(err);
    if (!tour.loop)
        return ERR_OS;
    tour.callers = xcalloc(n + 1, sizeof *tour.callers);
    for (size_t i = 0; i < n; i++)
        tour.callers[i] = (struct caller){.tour = &tour, .visit = &visits[i]};
    if (progress)
        progress(0, n); /* the first answer may take as long as all */
    begin_next(&tour);
    while (rc == 0 && tour.over < n)
        rc = loop_turn(tour.loop, err);
    tour.begun = n; /* when the loop failed: none begins any more */
    for (size_t i = 0; i < n; i++)
        if (tour.callers[i].watch)
            finish(&tour.callers[i], ERR_OS);
    child_end_all(PARTING_MS);
    loop_free(tour.loop);
    free(tour.callers);
    return rc;
}

void visit_free(struct visit *visit)
{
    facts_free(&visit->facts);
    free(visit->why_instead);
    *visit = (struct visit){0};
}
