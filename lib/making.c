#include "making.h"

#include "expansion_hosts.h"
#include "expansion.h"
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

int making_runs(struct making *making, struct err *err)
{
    struct job job;
    if (making->job)
        return job_expands(making->job) ? make_group(making, making->job, err)
                                        : make_one(making, err);
    if (!making->expands)
        return make_one(making, err);
    int rc = specification_read(making->cat, making->run.spec, &job, err);
    if (rc < 0)
        return rc;
    rc = make_group(making, &job, err);
    job_free(&job);
    return rc;
}
