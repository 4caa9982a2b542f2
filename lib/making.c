#include "making.h"

#include "after.h"
#include "catalogue/need.h"
#include "specification.h"

static int make_one(struct making *making, struct err *err)
{
    int64_t id;
    int rc = run_insert(making->cat, &making->run, &id, err);
    if (rc == 0 && making->made)
        making->made(id, making->arg);
    return rc;
}

/* No job expands yet. */
static int make_group(struct making *making, const struct job *job, struct err *err)
{
    (void)job;
    return make_one(making, err);
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
    if (rc == 0 && making->n)
        rc = need_found(making->cat, making->run.job, making->first, err);
    return rc;
}
