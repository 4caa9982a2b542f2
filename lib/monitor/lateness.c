/*
 * lateness: runs that take longer than their job says they should (expect.within), or well longer
 * than its runs usually take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "monitor/check.h"
#include "specification.h"
#include "xalloc.h"

enum {
    LEAST_MS = 60000, /* a run is not late by its job's habit before that */
    HABIT = 3,        /* so many successes make one */
};

/* Jobs come one after the other, so what was asked last is often the answer again. */
struct lateness {
    struct check *check;
    int (*each)(const struct running *run, int count, const char *why, void *arg);
    void *arg;
    struct err *err;
    int64_t spec, within_ms; /* of the last specification read */
    char *job;               /* whose usual duration is usual_ms; 0: none is known */
    int64_t usual_ms;
    struct running first; /* the oldest late run of the job that is at hand; id 0: none */
    int count;
    char why[128];
};

/* A specification that cannot be read expects nothing: whoever runs it says so. */
static int64_t within(struct lateness *l, int64_t spec)
{
    struct job job;
    if (spec == l->spec)
        return l->within_ms;
    l->spec = spec;
    l->within_ms = 0;
    if (specification_read(l->check->cat, spec, &job, NULL) == 0) {
        l->within_ms = job.within_ms;
        job_free(&job);
    }
    return l->within_ms;
}

static int usual(struct lateness *l, const char *job)
{
    int n;
    if (l->job && strcmp(l->job, job) == 0)
        return 0;
    free(l->job);
    l->job = xstrdup(job);
    int rc = running_usual(l->check->cat, job, &l->usual_ms, &n, l->err);
    if (n < HABIT)
        l->usual_ms = 0;
    return rc;
}

/* 1: it is late, and why says so. */
static int judge(struct lateness *l, const struct running *run, char *why, size_t size)
{
    int64_t took = l->check->now - run->started_at, limit = within(l, run->spec);
    double factor = l->check->config->monitor.late_factor;
    char a[DURATION_TEXT], b[DURATION_TEXT];
    if (limit) {
        (void)snprintf(why, size, "runs for %s, expected within %s", duration_text(took, a),
                       duration_text(limit, b));
        return took > limit;
    }
    if (took <= LEAST_MS || factor <= 0)
        return 0;
    int rc = usual(l, run->job);
    if (rc < 0 || !l->usual_ms || (double)took <= factor * (double)l->usual_ms)
        return rc;
    (void)snprintf(why, size, "runs for %s, the longest of its last successes took %s",
                   duration_text(took, a), duration_text(l->usual_ms, b));
    return 1;
}

static int tell_job(struct lateness *l)
{
    int rc = l->count ? l->each(&l->first, l->count, l->why, l->arg) : 0;
    free(l->first.job);
    free(l->first.host);
    l->first = (struct running){0};
    l->count = 0;
    return rc;
}

static int look_at(const struct running *run, void *arg)
{
    struct lateness *l = arg;
    char why[sizeof l->why];
    int rc = l->first.job && strcmp(l->first.job, run->job) != 0 ? tell_job(l) : 0;
    if (rc < 0)
        return rc;
    rc = judge(l, run, why, sizeof why);
    if (rc > 0 && !l->count++) {
        l->first = *run;
        l->first.job = xstrdup(run->job);
        l->first.host = run->host ? xstrdup(run->host) : NULL;
        memcpy(l->why, why, sizeof why);
    }
    return rc < 0 ? rc : 0;
}

int lateness_look(struct check *check,
                  int (*each)(const struct running *run, int count, const char *why, void *arg),
                  void *arg, struct err *err)
{
    struct lateness l = {.check = check, .each = each, .arg = arg, .err = err};
    int rc = running_select(check->cat, check->now, look_at, &l, err);
    if (rc < 0)
        l.count = 0; /* nothing is told of it any more */
    int last = tell_job(&l);
    free(l.job);
    return rc < 0 ? rc : last;
}
