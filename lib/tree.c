#include "tree.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/need.h"
#include "clock.h"
#include "duration.h"
#include "escape.h"
#include "order.h"
#include "xalloc.h"

enum { DEPTH_MAX = 1000 };

struct below {
    struct knot *knot;
    enum need_is is;
};

/* A run, or a group of runs. */
struct knot {
    int64_t id; /* first: knots are found by it; the first run's */
    char *job, *reason;
    enum run_state state; /* of a single run */
    int64_t counts[RUN_STATE_LAST + 1];
    int64_t n, started_at, finished_at; /* of a group: the first start, the last end */
    struct below *below;                /* those that come after it */
    size_t nbelow, nabove;
    bool drawn;
    struct knot *next; /* in the order they were found */
};

struct drawing {
    struct catalogue *cat;
    struct err *err;
    void *runs, *knots; /* tsearch(3) trees: of struct seen, of struct knot */
    struct knot *first, **end;
    struct selection todo; /* runs that were met and not looked at */
    bool boxes;
    struct buf *out;
};

struct seen {
    int64_t id; /* first: as in struct knot */
    struct knot *knot;
};

/* ---- what there is ---- */

static void *find(void *tree, int64_t id)
{
    void **found = tfind(&id, &tree, order_by_number);
    return found ? *found : NULL;
}

static struct knot *knot_of(struct drawing *d, const struct run *run)
{
    int64_t id = run->array ? run->array : run->id;
    struct knot *knot = find(d->knots, id);
    if (knot)
        return knot;
    knot = xcalloc(1, sizeof *knot);
    knot->id = id;
    knot->job = xstrdup(run->job);
    (void)tsearch(knot, &d->knots, order_by_number);
    *d->end = knot;
    d->end = &knot->next;
    return knot;
}

static int add_run(const struct run *run, void *arg)
{
    struct drawing *d = arg;
    struct knot *knot = knot_of(d, run);
    struct seen *seen = xcalloc(1, sizeof *seen);
    *seen = (struct seen){run->id, knot};
    (void)tsearch(seen, &d->runs, order_by_number);
    knot->counts[run->state]++;
    knot->state = run->state;
    if (run->started_at && (!knot->started_at || run->started_at < knot->started_at))
        knot->started_at = run->started_at;
    if (run->finished_at > knot->finished_at)
        knot->finished_at = run->finished_at;
    free(knot->reason);
    knot->reason = ++knot->n == 1 && run->reason ? xstrdup(run->reason) : NULL;
    return 0;
}

static int add_todo(int64_t id, void *arg)
{
    struct drawing *d = arg;
    if (!find(d->runs, id))
        selection_add(&d->todo, id);
    return 0;
}

static int meet_parent(const struct need_row *need, void *arg)
{
    return need->parent ? add_todo(need->parent, arg) : 0;
}

static int meet_waiter(const struct need_row *need, void *arg)
{
    return add_todo(need->run, arg);
}

/* A run, and with it all of its workflow and its group; one that is not there any more is left out. */
static int look_at(struct drawing *d, int64_t id)
{
    struct selection with = {0};
    struct drawing found = {.runs = d->runs, .todo = with};
    if (find(d->runs, id))
        return 0;
    int rc = workflow_runs(d->cat, id, add_todo, &found, d->err);
    with = found.todo;
    const struct run_query query = {.ids = with.ids, .nids = with.n};
    if (rc == 0 && with.n)
        rc = run_select(d->cat, &query, add_run, d, d->err);
    for (size_t i = 0; rc == 0 && i < with.n; i++) {
        const struct seen *seen = find(d->runs, with.ids[i]);
        rc = need_of(d->cat, with.ids[i], meet_parent, d, d->err);
        if (rc == 0 && seen)
            rc = need_on(d->cat, with.ids[i], seen->knot->id, meet_waiter, d, d->err);
    }
    selection_free(&with);
    return rc == ERR_ANSWER ? 0 : rc;
}

/* ---- what comes after what ---- */

static int link_need(const struct need_row *need, void *arg)
{
    struct drawing *d = arg;
    const struct seen *run = find(d->runs, need->run);
    struct knot *above = find(d->knots, need->parent);
    const struct seen *parent = find(d->runs, need->parent);
    if (!above && parent)
        above = parent->knot;
    if (!above || !run)
        return 0;
    for (size_t i = above->nbelow; i > 0 && i + 8 > above->nbelow; i--)
        if (above->below[i - 1].knot == run->knot)
            return 0; /* of a group, each run has the same need */
    above->below = xreallocarray(above->below, above->nbelow + 1, sizeof *above->below);
    above->below[above->nbelow++] = (struct below){run->knot, need->is};
    run->knot->nabove++;
    return 0;
}

static void link_run(const void *node, VISIT visit, void *arg)
{
    struct drawing *d = arg;
    const struct seen *seen = *(const struct seen *const *)node;
    if (visit == preorder || visit == endorder)
        return;
    (void)need_of(d->cat, seen->id, link_need, d, d->err);
}

/* ---- lines ---- */

static void escape(struct buf *out, const char *text)
{
    escape_terminal(out, text, strlen(text), false);
}

static void add_counts(const struct drawing *d, const struct knot *knot)
{
    bool more = false;
    for (int state = RUN_STATE_FIRST; state <= RUN_STATE_LAST; state++) {
        if (!knot->counts[state])
            continue;
        buf_addf(d->out, "%s%lld %s", more ? ", " : "", (long long)knot->counts[state],
                 run_state_name((enum run_state)state));
        more = true;
    }
}

static void add_line(const struct drawing *d, const struct knot *knot)
{
    char text[DURATION_TEXT];
    buf_addf(d->out, "%lld ", (long long)knot->id);
    escape(d->out, knot->job);
    if (knot->n > 1)
        buf_addf(d->out, "[%lld]", (long long)knot->n);
    buf_addstr(d->out, "  ");
    if (knot->n > 1)
        add_counts(d, knot);
    else
        buf_addstr(d->out, run_state_name(knot->state));
    if (knot->drawn) {
        buf_addstr(d->out, "  (above)\n");
        return;
    }
    if (knot->started_at) {
        int64_t end = knot->finished_at ? knot->finished_at : clock_now();
        buf_addf(d->out, "  %s",
                 duration_text(end > knot->started_at ? end - knot->started_at : 0, text));
    }
    if (knot->reason) {
        buf_addstr(d->out, "  ");
        escape(d->out, knot->reason);
    }
    buf_addch(d->out, '\n');
}

static void draw(const struct drawing *d, struct knot *knot, struct buf *before, int depth);

static void draw_below(const struct drawing *d, const struct knot *knot, struct buf *before,
                       int depth)
{
    size_t len = before->len;
    for (size_t i = 0; i < knot->nbelow; i++) {
        bool last = i + 1 == knot->nbelow;
        const struct below *below = &knot->below[i];
        buf_add(d->out, buf_data(before), before->len);
        buf_addstr(d->out, d->boxes ? last ? "└─ " : "├─ " : last ? "`- " : "|- ");
        if (below->is != NEED_SUCCEEDED)
            buf_addf(d->out, "[if %s] ", need_is_name(below->is));
        buf_addstr(before, last ? "   " : d->boxes ? "│  " : "|  ");
        draw(d, below->knot, before, depth + 1);
        buf_truncate(before, len);
    }
}

static void draw(const struct drawing *d, struct knot *knot, struct buf *before, int depth)
{
    add_line(d, knot);
    if (knot->drawn)
        return;
    knot->drawn = true;
    if (depth < DEPTH_MAX)
        draw_below(d, knot, before, depth);
}

static void free_all(struct drawing *d)
{
    tdestroy(d->runs, free);
    for (struct knot *knot = d->first, *next; knot; knot = next) {
        next = knot->next;
        (void)tdelete(knot, &d->knots, order_by_number);
        free(knot->job);
        free(knot->reason);
        free(knot->below);
        free(knot);
    }
    selection_free(&d->todo);
}

int tree_draw(struct catalogue *cat, const struct selection *runs, bool boxes, struct buf *out,
              struct err *err)
{
    struct drawing d = {.cat = cat, .err = err, .boxes = boxes, .out = out};
    struct buf before = {0};
    int rc = 0;
    d.end = &d.first;
    for (size_t i = 0; i < runs->n; i++)
        selection_add(&d.todo, runs->ids[i]);
    for (size_t i = 0; rc == 0 && i < d.todo.n; i++)
        rc = look_at(&d, d.todo.ids[i]);
    twalk_r(d.runs, link_run, &d);
    for (struct knot *knot = d.first; rc == 0 && knot; knot = knot->next)
        if (!knot->nabove)
            draw(&d, knot, &before, 0);
    for (struct knot *knot = d.first; rc == 0 && knot; knot = knot->next)
        if (!knot->drawn) /* too deep, or in a circle that somebody made by hand */
            draw(&d, knot, &before, 0);
    buf_free(&before);
    free_all(&d);
    return rc;
}
