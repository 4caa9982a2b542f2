#include "making.h"

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
