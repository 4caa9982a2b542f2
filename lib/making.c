#include "making.h"

#include "expansion.h"
#include "specification.h"

static int make_one(struct making *making, struct err *err)
{
    int64_t id;
    int rc = run_insert(making->cat, &making->run, &id, err);
    if (rc == 0 && making->made)
        making->made(id, making->arg);
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
    return job_array_any(&job->array) ? make_array(making, job, err) : make_one(making, err);
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
