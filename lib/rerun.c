#include "rerun.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* ---- which ---- */

/* A run of what is chosen from. */
struct member {
    int64_t id, group;
    enum run_state state;
    bool needs, wanted;
};

struct members {
    struct member *v; /* by id */
    size_t n, cap;
    size_t *todo; /* wanted ones whose dependants are to be looked at */
    size_t ntodo;
    bool lapsed; /* of the one at hand */
};

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const struct member *)a)->id, y = ((const struct member *)b)->id;
    return (x > y) - (x < y);
}

static int add_member(const struct run *run, void *arg)
{
    struct members *m = arg;
    if (m->n == m->cap) {
        m->cap = m->cap ? 2 * m->cap : 64;
        m->v = xreallocarray(m->v, m->cap, sizeof *m->v);
    }
    m->v[m->n++] = (struct member){
        .id = run->id, .group = run->array, .state = run->state, .needs = run->needs};
    return 0;
}

static struct member *find_member(const struct members *m, int64_t id)
{
    const struct member key = {.id = id};
    return m->n ? bsearch(&key, m->v, m->n, sizeof key, by_id) : NULL;
}

static void want(struct members *m, struct member *member)
{
    if (member->wanted)
        return;
    member->wanted = true;
    m->todo[m->ntodo++] = (size_t)(member - m->v);
}

static int note_lapsed(const struct need_row *need, void *arg)
{
    struct members *m = arg;
    m->lapsed = m->lapsed || need->verdict == NEED_NEVER;
    return 0;
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
        if (!run_state_is_terminal(member->state))
            return err_set(err, ERR_ANSWER,
                           "run %lld belongs to it and is not over yet: wait for it, or cancel it",
                           (long long)member->id);
        m->lapsed = false;
        if (member->state == RUN_CANCELLED && member->needs)
            rc = need_of(cat, member->id, note_lapsed, m, err);
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

static int id_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All that the chosen ones belong with, each once. */
static int widen(struct selection *chosen, struct catalogue *cat, struct err *err)
{
    struct selection all = {0};
    size_t kept = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < chosen->n; i++)
        if (!all.n || !bsearch(&chosen->ids[i], all.ids, all.n, sizeof *all.ids, id_order)) {
            rc = workflow_runs(cat, chosen->ids[i], add_id, &all, err);
            if (all.n)
                qsort(all.ids, all.n, sizeof *all.ids, id_order);
        }
    for (size_t i = 0; i < all.n; i++)
        if (!kept || all.ids[kept - 1] != all.ids[i])
            all.ids[kept++] = all.ids[i];
    all.n = kept;
    selection_free(chosen);
    *chosen = all;
    return rc;
}

int rerun_choose(struct selection *chosen, enum rerun_part part, struct catalogue *cat,
                 struct err *err)
{
    struct members m = {0};
    if (part == RERUN_THESE)
        return 0;
    int rc = widen(chosen, cat, err);
    if (rc < 0 || part == RERUN_WHOLE)
        return rc;
    const struct run_query query = {.ids = chosen->ids, .nids = chosen->n};
    rc = run_select(cat, &query, add_member, &m, err);
    if (rc == 0)
        rc = want_failed(&m, cat, err);
    chosen->n = 0;
    for (size_t i = 0; i < m.n; i++)
        if (m.v[i].wanted)
            selection_add(chosen, m.v[i].id);
    if (rc == 0 && !chosen->n)
        rc = err_set(err, ERR_ANSWER, "nothing of it ended badly: nothing was submitted");
    free(m.v);
    return rc;
}

/* ---- what they wait for ---- */

/* A run, or a group, and the one in its place. */
struct again {
    int64_t was, is;
};

struct linking {
    struct catalogue *cat;
    struct again *runs, *groups; /* by `was` */
    size_t nruns, ngroups;
    bool whole; /* nothing counts as met because a person says so */
    bool linked;
    struct need *needs; /* of the run at hand; texts are owned */
    size_t n;
    int clause;
};

static int by_was(const void *a, const void *b)
{
    int64_t x = ((const struct again *)a)->was, y = ((const struct again *)b)->was;
    return (x > y) - (x < y);
}

static int64_t find_again(const struct again *v, size_t n, int64_t was)
{
    const struct again key = {.was = was};
    const struct again *found = n ? bsearch(&key, v, n, sizeof key, by_was) : NULL;
    return found ? found->is : 0;
}

static void add(struct linking *l, const struct need *need)
{
    l->needs = xreallocarray(l->needs, l->n + 1, sizeof *l->needs);
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
    int64_t is = row->scope == NEED_GROUP ? find_again(l->groups, l->ngroups, row->parent)
                                          : find_again(l->runs, l->nruns, row->parent);
    if (is && row->parent) {
        need.parent = is;
        l->linked = true;
    } else {
        need.settled = row->verdict == NEED_MET || (!l->whole && row->verdict == NEED_NEVER) ||
                       (!l->whole && !row->parent);
        need.day = row->day;
        need.since = row->since;
        need.until = row->until;
    }
    if (need.clause >= l->clause)
        l->clause = need.clause + 1;
    add(l, &need);
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
    if (find_again(k->l->runs, k->l->nruns, element->id))
        return 0;
    const struct need need = {.clause = k->l->clause++,
                              .is = NEED_FINISHED,
                              .scope = NEED_ELEMENT,
                              .parent = element->id,
                              .job = k->need->job,
                              .settled = true};
    add(k->l, &need);
    return 0;
}

static int64_t group_before(const struct linking *l, int64_t is)
{
    for (size_t i = 0; i < l->ngroups; i++)
        if (l->groups[i].is == is)
            return l->groups[i].was;
    return 0;
}

/* The rest of each group of which only some are run again. */
static int keep_rest(struct linking *l, struct err *err)
{
    size_t n = l->n; /* without those that are added here */
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct need need = l->needs[i];
        int64_t was = need.scope == NEED_GROUP ? group_before(l, need.parent) : 0;
        struct keeping keeping = {l, &need};
        if (was)
            rc = value_elements(l->cat, was, keep_element, &keeping, err);
    }
    return rc;
}

static int link_one(struct linking *l, int64_t was, int64_t is, const struct need *also,
                    size_t nalso, struct err *err)
{
    l->n = 0;
    l->clause = 0;
    int rc = need_of(l->cat, was, take_need, l, err);
    if (rc == 0)
        rc = keep_rest(l, err);
    for (size_t i = 0; i < nalso; i++) {
        struct need need = also[i];
        need.clause = l->clause++;
        add(l, &need);
    }
    if (rc == 0)
        rc = need_put(l->cat, is, l->needs, l->n, err);
    for (size_t i = 0; i < l->n; i++) {
        free((char *)l->needs[i].job);
        free((char *)l->needs[i].day);
    }
    return rc;
}

static int note_again(struct linking *l, const struct submission *submission,
                      const struct after_made *made, struct err *err)
{
    int rc = 0;
    l->runs = xcalloc(submission->n + 1, sizeof *l->runs);
    l->groups = xcalloc(submission->n + 1, sizeof *l->groups);
    for (size_t i = 0; rc == 0 && i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        if (!entry->rerun_of)
            continue;
        l->runs[l->nruns++] = (struct again){entry->rerun_of, made[i].first};
        if (!entry->array || find_again(l->groups, l->ngroups, entry->array))
            continue;
        struct again *group = &l->groups[l->ngroups++];
        group->was = entry->array;
        rc = need_group(l->cat, made[i].first, &group->is, err);
        qsort(l->groups, l->ngroups, sizeof *l->groups, by_was);
    }
    if (l->nruns)
        qsort(l->runs, l->nruns, sizeof *l->runs, by_was);
    return rc;
}

int rerun_link(const struct submission *submission, const struct after_made *made,
               const struct need *also, size_t nalso, struct catalogue *cat, bool *linked,
               struct err *err)
{
    struct linking l = {.cat = cat, .whole = submission->whole};
    bool needs = false;
    int rc = 0;
    for (size_t i = 0; i < submission->n && !needs; i++)
        needs = submission->v[i].needs;
    if (needs)
        rc = note_again(&l, submission, made, err);
    for (size_t i = 0; rc == 0 && needs && i < submission->n; i++)
        if (submission->v[i].needs)
            rc = link_one(&l, submission->v[i].rerun_of, made[i].first, also, nalso, err);
    *linked = l.linked;
    free(l.runs);
    free(l.groups);
    free(l.needs);
    return rc;
}
