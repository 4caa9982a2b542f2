#include "specification.h"

#include <stdlib.h>
#include <string.h>

#include "jobfile.h"

int specification_read(struct catalogue *cat, int64_t id, struct job *job, struct err *err)
{
    char *text = NULL;
    struct joblist jobs = {0};
    struct errlist errors = {0};
    int rc = spec_get(cat, id, &text, err);
    if (rc == 0 &&
        (jobfile_parse("specification", text, strlen(text), &jobs, &errors) < 0 || jobs.n != 1))
        rc = err_set(err, ERR_DATA, "specification %lld in the catalogue cannot be read: %s",
                     (long long)id, errors.n ? errors.v[0].msg : "there is no single job in it");
    if (rc == 0) {
        *job = jobs.v[0];
        memset(job->places, 0, sizeof job->places); /* its text is no file of anybody's */
        free(jobs.v);                               /* its one job moved to *job */
    } else {
        joblist_free(&jobs);
    }
    errlist_free(&errors);
    free(text);
    return rc;
}

int specification_put(struct catalogue *cat, const struct job *job, const struct buf *text,
                      int64_t *id, struct err *err)
{
    int rc = spec_put(cat, buf_data(text), text->len, id, err);
    if (rc == 0 && (job->keep_ms || job->keep_failed_ms))
        rc = spec_keep(cat, *id, job->keep_ms, job->keep_failed_ms, err);
    return rc;
}

int specification_slots(struct catalogue *cat, int64_t id)
{
    struct job job = {0};
    if (specification_read(cat, id, &job, NULL) < 0)
        return 1;
    int slots = job.slots;
    job_free(&job);
    return slots;
}
