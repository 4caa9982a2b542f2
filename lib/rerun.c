#include "rerun.h"

#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "xalloc.h"

/* ---- which ---- */

/* A run of what is chosen from. */
struct member {
    int64_t id; /* first: found by it */
    int64_t group;
    enum run_state state;
    bool needs, tried, wanted;
};

struct members {
    struct member *v; /* by id */
    size_t n, cap;
    size_t *todo; /* wanted ones whose dependants are to be looked at */
    size_t ntodo;
    /* of the one at hand: whether a clause of its needs never holds any more */
    bool lapsed;
    int clause; /* that was looked at last; -1: none */
    bool hope;  /* of it */
};

static int add_member(const struct run *run, void *arg)
{
    struct members *m = arg;
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 64;
        m->v = xreallocarray(m->v, m->cap, sizeof *m->v);
    }
    m->v[m->n++] = (struct member){.id = run->id,
                                   .group = run->array,
                                   .state = run->state,
                                   .needs = run->needs,
                                   .tried = run->attempt > 0};
    return 0;
}

static struct member *find_member(const struct members *m, int64_t id)
{
    const struct member key = {.id = id};
    return m->n ? bsearch(&key, m->v, m->n, sizeof key, order_by_number) : NULL;
}

static void want(struct members *m, struct member *member)
{
    if (member->wanted)
        return;
    member->wanted = true;
    m->todo[m->ntodo++] = (size_t)(member - m->v);
}

static int note_need(const struct need_row *need, void *arg)
{
    struct members *m = arg;
    if (need->clause != m->clause) {
        m->lapsed = m->lapsed || (m->clause >= 0 && !m->hope);
        m->clause = need->clause;
        m->hope = false;
    }
    m->hope = m->hope || need->verdict != NEED_NEVER;
    return 0;
}

/* Whether it was cancelled because it could not come to its turn any more. */
static int look_lapsed(struct members *m, const struct member *member, struct catalogue *cat,
                       struct err *err)
{
    m->lapsed = m->hope = false;
    m->clause = -1;
    if (member->state != RUN_CANCELLED || member->tried || !member->needs)
        return 0;
    int rc = need_of(cat, member->id, note_need, m, err);
    m->lapsed = m->lapsed || (m->clause >= 0 && !m->hope);
    return rc;
}

static int want_waiter(const struct need_row *need, void *arg)
{
    struct members *m = arg;
    struct member *member = find_member(m, need->run);
    if (member)
        want(m, member);
    return 0;
}

/* What ended badly by itself. What was cancelled because it could not come to its turn did so for a reason:
 * when that is run again it is found as what comes after it, and else it stays as it is. */
static int want_bad(struct members *m, struct catalogue *cat, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->n; i++) {
        struct member *member = &m->v[i];
        rc = look_lapsed(m, member, cat, err);
        if (rc == 0 && member->state != RUN_SUCCEEDED && !m->lapsed)
            want(m, member);
    }
    return rc;
}

static int want_failed(struct members *m, struct catalogue *cat, struct err *err)
{
    m->todo = xcalloc(m->n + 1, sizeof *m->todo);
    int rc = want_bad(m, cat, err);
    while (rc == 0 && m->ntodo) {
        const struct member *member = &m->v[m->todo[--m->ntodo]];
        rc = need_on(cat, member->id, member->group, want_waiter, m, err);
    }
    free(m->todo);
    return rc;
}

static int add_id(int64_t id, void *arg)
{
    selection_add(arg, id);
    return 0;
}

static void sort_ids(struct selection *ids)
{
    size_t kept = 0;
    if (ids->n)
        qsort(ids->ids, ids->n, sizeof *ids->ids, order_by_number);
    for (size_t i = 0; i < ids->n; i++)
        if (!kept || ids->ids[kept - 1] != ids->ids[i])
            ids->ids[kept++] = ids->ids[i];
    ids->n = kept;
}

/* All that the chosen ones belong with, each once. What came with one of them is not asked for again. */
static int widen(struct selection *chosen, struct catalogue *cat, struct err *err)
{
    struct selection all = {0};
    sort_ids(chosen);
    bool *seen = xcalloc(chosen->n + 1, sizeof *seen);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < chosen->n; i++) {
        size_t from = all.n;
        if (seen[i])
            continue;
        rc = workflow_runs(cat, chosen->ids[i], add_id, &all, err);
        for (size_t k = from; k < all.n; k++) {
            const int64_t *found =
                bsearch(&all.ids[k], chosen->ids, chosen->n, sizeof *chosen->ids, order_by_number);
            if (found)
                seen[found - chosen->ids] = true;
        }
    }
    sort_ids(&all);
    free(seen);
    selection_free(chosen);
    *chosen = all;
    return rc;
}

/* Run again as a whole, or from its failed part, what still runs would run twice. */
static int refuse_open(const struct members *m, struct err *err)
{
    for (size_t i = 0; i < m->n; i++)
        if (!run_state_is_terminal(m->v[i].state))
            return err_set(err, ERR_ANSWER,
                           "run %lld belongs to it and is not over yet: wait for it, or cancel it",
                           (long long)m->v[i].id);
    return 0;
}

int rerun_choose(struct selection *chosen, enum rerun_part part, struct catalogue *cat,
                 struct err *err)
{
    struct members m = {0};
    if (part == RERUN_THESE)
        return 0;
    int rc = widen(chosen, cat, err);
    const struct run_query query = {.ids = chosen->ids, .nids = chosen->n};
    if (rc == 0)
        rc = run_select(cat, &query, add_member, &m, err);
    if (rc == 0)
        rc = refuse_open(&m, err);
    if (rc == 0 && part == RERUN_FAILED)
        rc = want_failed(&m, cat, err);
    if (part == RERUN_FAILED)
        chosen->n = 0;
    for (size_t i = 0; part == RERUN_FAILED && i < m.n; i++)
        if (m.v[i].wanted)
            selection_add(chosen, m.v[i].id);
    if (rc == 0 && !chosen->n)
        rc = err_set(err, ERR_ANSWER, "nothing of it ended badly: nothing was submitted");
    free(m.v);
    return rc;
}

/* ---- what they wait for ---- */

struct linking {
    struct catalogue *cat;
    struct again_list runs;
    const struct again_list *groups;
    bool whole; /* nothing counts as met because a person says so */
    bool linked;
    struct need *needs; /* of the run at hand; texts are owned */
    int64_t *was;       /* the group in whose place the parent of each is; 0: of none */
    size_t n;
    int clause;
};

struct again *again_find(const struct again_list *list, int64_t was)
{
    const struct again key = {.was = was};
    return list->n ? bsearch(&key, list->v, list->n, sizeof key, order_by_number) : NULL;
}

void again_sort(struct again_list *list)
{
    size_t kept = 0;
    if (list->n)
        qsort(list->v, list->n, sizeof *list->v, order_by_number);
    for (size_t i = 0; i < list->n; i++)
        if (!kept || list->v[kept - 1].was != list->v[i].was)
            list->v[kept++] = list->v[i];
    list->n = kept;
}

static void add(struct linking *l, const struct need *need, int64_t was)
{
    l->needs = xreallocarray(l->needs, l->n + 1, sizeof *l->needs);
    l->was = xreallocarray(l->was, l->n + 1, sizeof *l->was);
    l->was[l->n] = was;
    struct need *to = &l->needs[l->n++];
    *to = *need;
    to->job = xstrdup(need->job);
    to->day = need->day ? xstrdup(need->day) : NULL;
}

static int take_need(const struct need_row *row, void *arg)
{
    struct linking *l = arg;
    struct need need = {.clause = row->clause,
                        .is = row->is,
                        .scope = row->scope,
                        .parent = row->parent,
                        .job = row->job};
    bool whole = row->scope == NEED_GROUP;
    const struct again *again =
        row->parent ? again_find(whole ? l->groups : &l->runs, row->parent) : NULL;
    if (again) {
        need.parent = again->is;
        l->linked = true;
    } else {
        need.settled = row->verdict == NEED_MET || (!l->whole && row->verdict == NEED_NEVER);
        need.day = row->day;
        need.since = row->since;
        need.until = row->until;
    }
    if (need.clause >= l->clause)
        l->clause = need.clause + 1;
    add(l, &need, again && whole ? row->parent : 0);
    return 0;
}

/* Elements that are not run again have done their part, and their values are for the new ones too. */
struct keeping {
    struct linking *l;
    const struct need *need;
};

static int keep_element(const struct need_element *element, void *arg)
{
    const struct keeping *k = arg;
    if (again_find(&k->l->runs, element->id))
        return 0;
    const struct need need = {.clause = k->l->clause++,
                              .is = NEED_FINISHED,
                              .scope = NEED_ELEMENT,
                              .parent = element->id,
                              .job = k->need->job,
                              .settled = true};
    add(k->l, &need, 0);
    return 0;
}

/* The rest of each group of which only some are run again. */
static int keep_rest(struct linking *l, struct err *err)
{
    size_t n = l->n; /* without those that are added here */
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct need need = l->needs[i];
        struct keeping keeping = {l, &need};
        if (l->was[i])
            rc = value_elements(l->cat, l->was[i], keep_element, &keeping, err);
    }
    return rc;
}

/* A day that was open still may have its run by now. */
static int find_days(struct linking *l, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        const struct need *need = &l->needs[i];
        int64_t id, group;
        if (need->settled || need->parent || !need->day)
            continue;
        rc = need_find(l->cat, need->job, need->since, need->until, &id, &group, err);
        if (rc == 0 && id)
            rc = need_found(l->cat, need->job, id, err);
    }
    return rc;
}

static int link_one(struct linking *l, int64_t was, int64_t is, const struct rerun_terms *terms,
                    struct err *err)
{
    l->n = 0;
    l->clause = 0;
    int rc = need_of(l->cat, was, take_need, l, err);
    if (rc == 0)
        rc = keep_rest(l, err);
    for (size_t i = 0; i < terms->nalso; i++) {
        struct need need = terms->also[i];
        need.clause = l->clause++;
        add(l, &need, 0);
    }
    if (rc == 0)
        rc = need_put(l->cat, is, l->needs, l->n, err);
    if (rc == 0)
        rc = find_days(l, err);
    for (size_t i = 0; i < l->n; i++) {
        free((char *)l->needs[i].job);
        free((char *)l->needs[i].day);
    }
    return rc;
}

int rerun_link(const struct submission *submission, const struct rerun_terms *terms,
               struct catalogue *cat, bool *linked, struct err *err)
{
    struct linking l = {.cat = cat, .groups = terms->groups, .whole = submission->whole};
    int rc = 0;
    l.runs.v = xcalloc(submission->n + 1, sizeof *l.runs.v);
    for (size_t i = 0; i < submission->n; i++)
        if (submission->v[i].rerun_of)
            l.runs.v[l.runs.n++] = (struct again){submission->v[i].rerun_of, terms->made[i].first};
    again_sort(&l.runs);
    for (size_t i = 0; rc == 0 && i < submission->n; i++)
        if (submission->v[i].needs)
            rc = link_one(&l, submission->v[i].rerun_of, terms->made[i].first, terms, err);
    *linked = l.linked;
    free(l.runs.v);
    free(l.needs);
    free(l.was);
    return rc;
}
