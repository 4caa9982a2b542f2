/*
 * fuzz_jobfile: any text as a job file. What is accepted is within bounds, and its normalised text reads back
 * to itself; what is refused says where, and that is a place of the text.
 */
#include <limits.h>

#include "fuzz.h"
#include "hostrange.h"
#include "jobfile.h"

static const char file[] = "nightly.yaml";

/* More lines than libyaml counts: each of these bytes may be part of a break of its kinds. */
static long count_lines(const char *text, size_t len)
{
    long lines = 1;
    for (size_t i = 0; i < len; i++)
        lines += strchr("\n\r\x85\xA8\xA9", text[i]) != NULL;
    return lines;
}

static void check_refusal(const struct joblist *jobs, const struct errlist *errors,
                          const char *text, size_t len)
{
    long lines = count_lines(text, len);
    MUST(errors->n > 0 && errors->n <= ERRLIST_MAX && jobs->n == 0);
    for (size_t i = 0; i < errors->n; i++) {
        const struct err *err = &errors->v[i];
        long line = 1, column = 1;
        MUST(err->code == ERR_DATA && err->msg[0]);
        if (!err->place[0]) /* that there are more */
            continue;
        MUST(strncmp(err->place, file, sizeof file - 1) == 0);
        if (err->place[sizeof file - 1])
            MUST(sscanf(err->place + sizeof file - 1, ":%ld:%ld", &line, &column) == 2);
        MUST(line >= 1 && line <= lines + 1 && column >= 1 && column <= (long)len + 2);
    }
}

static void check_bounds(const struct job *job)
{
    MUST(name_is_valid(job->name));
    MUST(job->executor >= EXECUTOR_SHELL && job->executor <= EXECUTOR_LAST);
    MUST(job->hosts.n <= HOSTRANGE_MAX && job->slots >= 0 && job->count >= 0);
    MUST(labs((long)job->priority) <= JOB_PRIORITY_MAX);
    MUST(job->timeout_ms >= 0 && job->kill_after_ms >= 0 && job->lost_after_ms >= 0);
    MUST(job->deadline_ms >= 0 && job->within_ms >= 0 && job->output_limit >= 0);
    MUST(job->memory >= 0 && job->cpu >= 0 && job->nice >= 0 && job->nice <= 19);
    MUST(job->retry.attempts >= 1 && job->retry.backoff >= 1);
    for (int made = 1; made < 100; made += 7) {
        int64_t delay = job_retry_delay(&job->retry, made);
        MUST(delay >= 0 && delay <= JOB_DELAY_MAX_MS);
    }
    for (size_t i = 0; i < job->nsuccess; i++)
        MUST(job->success[i] >= 0 && job->success[i] <= UCHAR_MAX &&
             (i == 0 || job->success[i] > job->success[i - 1]));
    for (size_t i = 0; i < job->array.nranges; i++)
        MUST(job->array.ranges[i].first >= 0 &&
             job->array.ranges[i].last >= job->array.ranges[i].first);
}

static void check_job(const struct job *job)
{
    struct buf once = {0}, twice = {0};
    struct joblist jobs = {0};
    struct errlist errors = {0};
    struct err err = {0};
    check_bounds(job);
    jobfile_write(job, &once);
    MUST(once.len <= JOBFILE_MAX && !memchr(buf_data(&once), '\n', once.len));
    int rc = jobfile_parse("again", buf_str(&once), once.len, &jobs, &errors);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n%s\n", buf_str(&once), errors.n ? errors.v[0].msg : "?");
    MUST(rc == 0 && jobs.n == 1);
    jobfile_write(&jobs.v[0], &twice);
    MUST(strcmp(buf_str(&once), buf_str(&twice)) == 0);
    MUST(jobfile_check(job, &err) == 0);
    joblist_free(&jobs);
    errlist_free(&errors);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct joblist jobs = {0};
    struct errlist errors = {0};
    if (jobfile_parse(file, text, size, &jobs, &errors) < 0)
        check_refusal(&jobs, &errors, text, size);
    for (size_t i = 0; i < jobs.n; i++)
        check_job(&jobs.v[i]);
    joblist_free(&jobs);
    errlist_free(&errors);
    free(text);
    return 0;
}
