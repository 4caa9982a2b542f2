#include "after.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/need.h"
#include "xalloc.h"
#include "zone.h"

enum { DAY_S = 86400, DAY_TEXT = 32 };

/* ---- days ---- */

struct day {
    char text[DAY_TEXT]; /* "2026-11-29" */
    int64_t since, until;
};

/* The local day of an instant, where the job lives. */
static struct day find_day(const struct job *job, const struct config *config, int64_t at)
{
    struct day day;
    int64_t year;
    int month, mday;
    const char *named = job->schedule.timezone ? job->schedule.timezone : config->timezone;
    char *zone = named ? xstrdup(named) : zone_system();
    zone_use(zone);
    int64_t local = at / 1000 + zone_offset(at / 1000);
    int64_t days = local / DAY_S - (local % DAY_S < 0);
    civil_date(days, &year, &month, &mday);
    (void)snprintf(day.text, sizeof day.text, "%04lld-%02d-%02d", (long long)year, month, mday);
    enum zone_fit fit;
    day.since = zone_instant(days * DAY_S, &fit, NULL) * 1000;
    day.until = zone_instant((days + 1) * DAY_S, &fit, NULL) * 1000;
    free(zone);
    return day;
}

/* ---- the needs of one run, and then of the next ---- */

struct elements {
    struct need_element *v; /* by index */
    size_t n;
};

static int add_element(const struct need_element *element, void *arg)
{
    struct elements *e = arg;
    if ((e->n & (e->n - 1)) == 0) /* full at each power of two */
        e->v = xreallocarray(e->v, e->n ? 2 * e->n : 1, sizeof *e->v);
    e->v[e->n++] = *element;
    return 0;
}

static int by_index(const void *a, const void *b)
{
    int64_t x = ((const struct need_element *)a)->index,
            y = ((const struct need_element *)b)->index;
    return (x > y) - (x < y);
}

/* One need of each run, and where the parents are when each has its own. */
struct plan {
    struct need
        *needs; /* those of a run; of the ones that go element by element the parent changes */
    struct elements *own; /* parents of each such need; v NULL: of another need */
    size_t n;
    struct elements children; /* read when some need goes by element */
};

static void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        free(plan->own[i].v);
    free(plan->own);
    free(plan->needs);
    free(plan->children.v);
}

static struct need *add_need(struct plan *plan, const struct need *need)
{
    plan->needs = xreallocarray(plan->needs, plan->n + 1, sizeof *plan->needs);
    plan->own = xreallocarray(plan->own, plan->n + 1, sizeof *plan->own);
    plan->own[plan->n] = (struct elements){0};
    plan->needs[plan->n] = *need;
    return &plan->needs[plan->n++];
}

/* A need on the run, or the whole group, that begins with `first`. */
static int add_parent(struct catalogue *cat, struct plan *plan, struct need need, int64_t first,
                      bool each, struct err *err)
{
    int64_t group;
    int rc = need_group(cat, first, &group, err);
    if (rc < 0)
        return rc;
    need.parent = group ? group : first;
    need.scope = group && !each ? NEED_GROUP : NEED_RUN;
    (void)add_need(plan, &need);
    return each ? need_elements(cat, first, group, add_element, &plan->own[plan->n - 1], err) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct after_made *)a)->name, ((const struct after_made *)b)->name);
}

void after_sort(struct after_made *made, size_t n)
{
    if (n)
        qsort(made, n, sizeof *made, by_name);
}

/* The first of this name among those that were made together; NULL: none. */
static const struct after_made *find_made(const struct after_terms *terms, const char *name)
{
    const struct after_made key = {.name = name};
    const struct after_made *found =
        terms->nwith ? bsearch(&key, terms->with, terms->nwith, sizeof key, by_name) : NULL;
    while (found && found > terms->with && strcmp(found[-1].name, name) == 0)
        found--;
    return found;
}

/* All runs of the name that were submitted together, or the run of a registered job for the day. */
static int add_job_need(struct catalogue *cat, const struct job *job, const struct job_need *want,
                        const struct after_terms *terms, const struct day *day, int *clause,
                        struct plan *plan, struct err *err)
{
    struct need need = {.clause = *clause, .is = want->is, .job = want->job};
    const struct after_made *end = terms->with + terms->nwith;
    const struct after_made *made = find_made(terms, want->job);
    int64_t id, group;
    int rc = 0;
    for (const struct after_made *m = made; rc == 0 && m && m < end; m++) {
        if (strcmp(m->name, want->job) != 0)
            break;
        need.clause = job->after_any ? *clause : (*clause)++;
        rc = add_parent(cat, plan, need, m->first, want->each, err);
    }
    if (made)
        return rc;
    need.clause = job->after_any ? *clause : (*clause)++;
    rc = need_find(cat, want->job, day->since, day->until, &id, &group, err);
    if (rc < 0)
        return rc;
    if (id)
        return add_parent(cat, plan, need, id, want->each, err);
    need.scope = want->each ? NEED_RUN : NEED_GROUP;
    need.day = day->text;
    need.since = day->since;
    need.until = day->until;
    (void)add_need(plan, &need);
    return 0;
}

/* The parents of element i of those that go element by element. */
static int choose_elements(const struct job *job, struct plan *plan, size_t i, struct err *err)
{
    const struct need_element *child = &plan->children.v[i];
    for (size_t k = 0; k < plan->n; k++) {
        const struct elements *own = &plan->own[k];
        if (!own->v)
            continue;
        const struct need_element *parent =
            bsearch(child, own->v, own->n, sizeof *own->v, by_index);
        if (!parent && child->index >= 0)
            return err_set(err, ERR_DATA,
                           "job %s goes element by element after %s, which has no element %lld",
                           job->name, plan->needs[k].job, (long long)child->index);
        if (!parent)
            return err_set(err, ERR_DATA,
                           "job %s goes element by element after %s, and is no array itself",
                           job->name, plan->needs[k].job);
        plan->needs[k].parent = parent->id;
    }
    return 0;
}

static bool goes_by_element(const struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->own[i].v)
            return true;
    return false;
}

static int put_all(struct catalogue *cat, const struct job *job, const struct after_made *made,
                   struct plan *plan, struct err *err)
{
    bool by_element = goes_by_element(plan);
    int64_t group;
    int rc = by_element ? need_group(cat, made->first, &group, err) : 0;
    if (rc == 0 && by_element)
        rc = need_elements(cat, made->first, group, add_element, &plan->children, err);
    for (size_t i = 0; rc == 0 && i < made->n; i++) {
        int64_t id = by_element ? plan->children.v[i].id : made->first + (int64_t)i;
        if (by_element)
            rc = choose_elements(job, plan, i, err);
        if (rc == 0)
            rc = need_put(cat, id, plan->needs, plan->n, err);
    }
    return rc;
}

int after_put(struct catalogue *cat, const struct job *job, const struct after_made *made,
              int64_t at, const struct after_terms *terms, struct err *err)
{
    struct plan plan = {0};
    const struct day day = job->nafter ? find_day(job, terms->config, at) : (struct day){0};
    int clause = 0, rc = 0;
    for (size_t i = 0; rc == 0 && i < job->nafter; i++)
        rc = add_job_need(cat, job, &job->after[i], terms, &day, &clause, &plan, err);
    if (job->after_any)
        clause++;
    for (size_t i = 0; i < terms->nalso; i++)
        add_need(&plan, &terms->also[i])->clause = clause++;
    if (rc == 0)
        rc = put_all(cat, job, made, &plan, err);
    plan_free(&plan);
    return rc;
}
