#include "making.h"

#include "after.h"
#include "catalogue/need.h"
#include "expansion.h"
#include "expansion_hosts.h"
#include "specification.h"

static int insert(struct making *making, const struct run_new *run, int64_t *id, struct err *err)
{
    int rc = run_insert(making->cat, run, id, err);
    if (rc == 0 && making->made)
        making->made(*id, making->arg);
    return rc;
}

static int make_one(struct making *making, struct err *err)
{
    int64_t id;
    return insert(making, &making->run, &id, err);
}

/* A run on each of several hosts: bound to it, or on as many different ones as are wanted. */
static int make_over_hosts(struct making *making, const struct job *job, struct err *err)
{
    struct run_new run = making->run;
    struct strlist pins = {0};
    int rc = expansion_hosts(job, making->config, &pins, &run.shards, err);
    run.array = RUN_FIRST;
    for (int i = 0; rc == 0 && i < run.shards; i++) {
        int64_t id;
        run.index = i;
        run.pin = job->each ? pins.v[i] : NULL;
        rc = insert(making, &run, &id, err);
        if (i == 0)
            run.array = id;
    }
    strlist_free(&pins);
    return rc;
}

/* Its first run is there, by whose id the others know each other. */
static int name_array(struct making *making, const struct job *job, int64_t first, struct err *err)
{
    struct run_new *run = &making->run;
    run->array = first;
    if (run->workflow == RUN_FIRST)
        run->workflow = first;
    return job->stop_after ? array_stop_put(making->cat, first, job->stop_after, err) : 0;
}

/* One statement a run, and none of them is kept: there may be a million. */
static int make_array(struct making *making, const struct job *job, struct err *err)
{
    struct expansion e;
    int rc = 0;
    making->run.array = RUN_FIRST;
    expansion_begin(&e, &job->array, making->elements);
    while (rc == 0 && expansion_next(&e)) {
        int64_t id;
        making->run.index = e.index;
        making->run.item = e.item;
        rc = run_insert(making->cat, &making->run, &id, err);
        if (rc == 0 && making->run.array == RUN_FIRST)
            rc = name_array(making, job, id, err);
        if (rc == 0 && making->made)
            making->made(id, making->arg);
    }
    making->run.item = NULL;
    expansion_end(&e);
    return rc;
}

static int make_group(struct making *making, const struct job *job, struct err *err)
{
    if (job_array_any(&job->array))
        return make_array(making, job, err);
    return job->each || job->count ? make_over_hosts(making, job, err) : make_one(making, err);
}

/* Counts the runs on their way to who wants to hear of them. */
struct counting {
    struct making *making;
    void (*made)(int64_t id, void *arg);
    void *arg;
};

static void count_run(int64_t id, void *arg)
{
    const struct counting *c = arg;
    if (!c->making->n++)
        c->making->first = id;
    if (c->made)
        c->made(id, c->arg);
}

/* What has something to come after begins blocked; with it told, it is queued at once when that is met. */
static int make_after(struct making *making, const struct job *job, struct err *err)
{
    const struct after_terms terms = {.config = making->config};
    const struct run_new *run = &making->run;
    if (job->nafter && making->run.state == RUN_QUEUED)
        making->run.state = RUN_BLOCKED;
    int rc = make_group(making, job, err);
    const struct after_made made = {run->job, making->first, making->n};
    if (rc == 0 && job->nafter && !making->linked)
        rc = after_put(making->cat, job, &made, run->due_at ? run->due_at : run->queued_at, &terms,
                       err);
    return rc;
}

static int make(struct making *making, struct err *err)
{
    struct job job;
    if (making->job)
        return job_expands(making->job) ? make_after(making, making->job, err)
                                        : make_one(making, err);
    if (!making->expands)
        return make_one(making, err);
    int rc = specification_read(making->cat, making->run.spec, &job, err);
    if (rc < 0)
        return rc;
    rc = make_after(making, &job, err);
    job_free(&job);
    return rc;
}

int making_runs(struct making *making, struct err *err)
{
    struct counting counting = {making, making->made, making->arg};
    making->n = 0;
    making->made = count_run;
    making->arg = &counting;
    int rc = make(making, err);
    making->made = counting.made;
    making->arg = counting.arg;
    if (rc == 0 && making->n && !making->linked)
        rc = need_found(making->cat, making->run.job, making->first, err);
    return rc;
}
