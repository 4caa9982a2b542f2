/* A submission goes into the catalogue: all runs, then what they come after, in one transaction. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "after.h"
#include "buf.h"
#include "clock.h"
#include "jobfile.h"
#include "making.h"
#include "rerun.h"
#include "specification.h"
#include "submission.h"
#include "xalloc.h"
#include "zone.h"

struct storing {
    const struct submission_terms *terms;
    const struct config *config;
    struct catalogue *cat;
    struct selection *ids;
    int64_t now;
    int top;                  /* the priority of all, with terms->top */
    struct after_made *made;  /* of each entry */
    int64_t first, last;      /* ids of all of them, which follow each other */
    struct again_list groups; /* of runs that are run again, and those that they now make */
};

/* Runs of one group that are run again together make a group of their own: `is` of it is 0 before the
 * first of them is made. */
static void find_groups(struct storing *s, const struct submission *submission)
{
    s->groups.v = xcalloc(submission->n + 1, sizeof *s->groups.v);
    for (size_t i = 0; i < submission->n; i++)
        if (submission->v[i].array)
            s->groups.v[s->groups.n++] = (struct again){.was = submission->v[i].array};
    again_sort(&s->groups);
}

static void take_id(int64_t id, void *arg)
{
    struct storing *s = arg;
    if (!s->first)
        s->first = id;
    s->last = id;
    selection_add(s->ids, id);
}

/* Whether it waits for what is found out when all are made. */
static bool is_bound(const struct storing *s, const struct submission_entry *entry)
{
    return s->terms->nafter || entry->needs || (!entry->rerun_of && entry->job.nafter);
}

static struct run_new run_of(const struct storing *s, const struct submission_entry *entry)
{
    const struct submission_terms *terms = s->terms;
    return (struct run_new){
        .spec = entry->spec,
        .job = entry->spec ? entry->name : entry->job.name,
        .state = terms->held          ? RUN_HELD
                 : is_bound(s, entry) ? RUN_BLOCKED
                                      : RUN_QUEUED,
        .priority = terms->top    ? s->top
                    : entry->spec ? entry->priority
                                  : entry->job.priority,
        .queued_at = s->now,
        .not_before = terms->not_before,
        /* a deadline counts from when it was wanted; a run again is of the day of the one before */
        .due_at = entry->due_at ? entry->due_at : terms->not_before,
        .rerun_of = entry->rerun_of,
        .start_by =
            terms->not_before && entry->deadline_ms ? terms->not_before + entry->deadline_ms : 0,
        .submitter = terms->submitter,
        .index = entry->index,
        .item = entry->item,
        .shards = entry->shards,
        .pin = entry->pin,
    };
}

/* A group of runs again stops after as many bad ends as it did before, or as its job says now. */
static int name_group(struct storing *s, const struct making *making, int64_t was, struct err *err)
{
    const struct job *job = making->job; /* NULL: as it was */
    if (!job)
        return array_stop_copy(s->cat, was, making->first, err);
    return job->stop_after ? array_stop_put(s->cat, making->first, job->stop_after, err) : 0;
}

/* A run again is that one, and is not expanded; one of a group goes into a group of those that are run
 * again with it. */
static int store_again(struct storing *s, struct making *making, int64_t was, struct err *err)
{
    struct again *group = was ? again_find(&s->groups, was) : NULL;
    if (group)
        making->run.array = group->is ? group->is : RUN_FIRST;
    int rc = run_insert(s->cat, &making->run, &making->first, err);
    if (rc == 0 && group && !group->is) {
        group->is = making->first;
        rc = name_group(s, making, was, err);
    }
    making->n = 1;
    if (rc == 0)
        take_id(making->first, s);
    return rc;
}

static int store(struct storing *s, const struct submission_entry *entry, struct after_made *made,
                 struct err *err)
{
    struct making making = {.cat = s->cat,
                            .config = s->config,
                            .job = entry->spec ? NULL : &entry->job,
                            .elements = s->terms->elements,
                            .run = run_of(s, entry),
                            .linked = true,
                            .made = take_id,
                            .arg = s};
    int rc = 0;
    if (!entry->spec) {
        struct buf text = {0};
        jobfile_write(&entry->job, &text);
        rc = specification_put(s->cat, &entry->job, &text, &making.run.spec, err);
        buf_free(&text);
    }
    if (rc == 0)
        rc = entry->rerun_of ? store_again(s, &making, entry->array, err)
                             : making_runs(&making, err);
    *made = (struct after_made){making.run.job, making.first, making.n};
    return rc;
}

/* ---- what they come after ---- */

/* All runs of the names that are submitted together are there by now. */
static int link_jobs(struct storing *s, const struct submission *submission, struct err *err)
{
    struct after_made *by_name = xcalloc(submission->n + 1, sizeof *by_name);
    struct after_terms terms = {.config = s->config,
                                .with = by_name,
                                .nwith = submission->n,
                                .also = s->terms->after,
                                .nalso = s->terms->nafter};
    static const struct job plain = {0};
    int rc = 0;
    memcpy(by_name, s->made, submission->n * sizeof *by_name);
    after_sort(by_name, submission->n);
    for (size_t i = 0; rc == 0 && i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        const struct job *job = entry->spec || entry->rerun_of ? &plain : &entry->job;
        if (is_bound(s, entry) && !entry->needs)
            rc = after_put(s->cat, job, &s->made[i],
                           s->terms->not_before ? s->terms->not_before : s->now, &terms, err);
    }
    zone_restore();
    free(by_name);
    return rc;
}

/* Several runs are a workflow when some wait for others. */
static bool is_workflow(const struct storing *s, const struct submission *submission)
{
    bool bound = submission->whole;
    for (size_t i = 0; !bound && i < submission->n; i++)
        bound = !submission->v[i].rerun_of && submission->v[i].job.nafter > 0;
    return bound && (s->last > s->first || submission->whole);
}

/* Those that waited for a run of one of the jobs wait for these. Each group as a whole, so not before all
 * of it is made; and not before these have their needs, by which one sees that two wait for each other. */
static int find_waiting(struct storing *s, const struct submission *submission, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < submission->n; i++) {
        const struct after_made *made = &s->made[i];
        const struct again *group =
            submission->v[i].array ? again_find(&s->groups, submission->v[i].array) : NULL;
        if (made->n && (!group || group->is == made->first))
            rc = need_found(s->cat, made->name, made->first, err);
    }
    return rc;
}

static int link_all(struct storing *s, const struct submission *submission, struct err *err)
{
    bool linked;
    const struct rerun_terms terms = {
        .made = s->made, .groups = &s->groups, .also = s->terms->after, .nalso = s->terms->nafter};
    int rc = rerun_link(submission, &terms, s->cat, &linked, err);
    if (rc == 0 && (linked || is_workflow(s, submission)))
        rc = workflow_put(s->cat, s->first, s->last, err);
    if (rc == 0)
        rc = link_jobs(s, submission, err);
    return rc < 0 ? rc : find_waiting(s, submission, err);
}

/* Above all that waits as of this transaction. */
static int find_top(struct storing *s, const struct submission *submission, struct err *err)
{
    bool any;
    int highest = 0;
    int rc = run_highest_priority(s->cat, &highest, &any, err);
    s->top = any && highest >= 0 ? highest + (highest < INT_MAX) : 0;
    for (size_t i = 0; i < submission->n; i++) {
        const struct submission_entry *entry = &submission->v[i];
        int own = entry->spec ? entry->priority : entry->job.priority;
        if (own > s->top)
            s->top = own;
    }
    return rc;
}

/* One transaction, and the ids are told to nobody before it is committed (and, the catalogue being
 * synchronous=FULL, on the disk): an acknowledged submit survives whatever comes next, and one that
 * failed has left nothing behind, so that it can simply be repeated. */
int submission_store(const struct submission *submission, const struct submission_terms *terms,
                     const struct config *config, struct catalogue *cat, struct selection *ids,
                     struct err *err)
{
    struct storing s = {
        .terms = terms, .config = config, .cat = cat, .ids = ids, .now = clock_now()};
    s.made = xcalloc(submission->n + 1, sizeof *s.made);
    find_groups(&s, submission);
    int rc = catalogue_begin(cat, err);
    if (rc == 0 && terms->top)
        rc = find_top(&s, submission, err);
    for (size_t i = 0; rc == 0 && i < submission->n; i++)
        rc = store(&s, &submission->v[i], &s.made[i], err);
    if (rc == 0)
        rc = link_all(&s, submission, err);
    if (rc == 0)
        rc = catalogue_commit(cat, err);
    if (rc < 0)
        catalogue_rollback(cat);
    free(s.groups.v);
    free(s.made);
    return rc;
}
