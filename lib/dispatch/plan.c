#include "dispatch/internal.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "specification.h"
#include "xalloc.h"

/* A plan is placement with every host taken for reachable, and what the catalogue last saw of it. */
struct plan {
    const struct config *config;
    struct place_host *hosts;
    size_t n;
    struct catalogue *cat;
    void *specs; /* tsearch(3) tree of struct planned_spec: each is read once */
    struct planned {
        int64_t id, not_before;
        int priority;
        char *job;
        const struct planned_spec *spec;
    } * runs;
    size_t nruns, cap;
};

struct planned_spec {
    int64_t id; /* first: work_by_id */
    bool readable;
    struct job job;
};

static const struct planned_spec *spec_of(struct plan *plan, int64_t id)
{
    struct planned_spec **found = tfind(&id, &plan->specs, work_by_id);
    if (found)
        return *found;
    struct planned_spec *spec = xcalloc(1, sizeof *spec);
    spec->id = id;
    spec->readable = specification_read(plan->cat, id, &spec->job, NULL) == 0;
    (void)tsearch(spec, &plan->specs, work_by_id);
    return spec;
}

static void free_spec(void *arg)
{
    struct planned_spec *spec = arg;
    if (spec->readable)
        job_free(&spec->job);
    free(spec);
}

static struct place_host *find(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n; i++)
        if (strcmp(plan->hosts[i].name, name) == 0)
            return &plan->hosts[i];
    return NULL;
}

static int take_host(const struct host *row, void *arg)
{
    struct place_host *host = find(arg, row->name);
    if (host && row->drained)
        host->state = PLACE_OUT;
    if (host && !host->slots)
        host->slots = row->cpus;
    return 0;
}

static int take_unfinished(const struct run_brief *run, void *arg)
{
    struct place_host *host = run->host ? find(arg, run->host) : NULL;
    if (!host)
        return 0;
    const struct planned_spec *spec = spec_of(arg, run->spec);
    host->used += spec->readable ? spec->job.slots : 1;
    return 0;
}

static int take_queued(const struct run_brief *run, void *arg)
{
    struct plan *plan = arg;
    if (plan->nruns == plan->cap) {
        plan->cap = plan->cap ? plan->cap * 2 : 64;
        plan->runs = xreallocarray(plan->runs, plan->cap, sizeof *plan->runs);
    }
    plan->runs[plan->nruns++] = (struct planned){.id = run->id,
                                                 .not_before = run->not_before,
                                                 .priority = run->priority,
                                                 .job = xstrdup(run->job),
                                                 .spec = spec_of(plan, run->spec)};
    return 0;
}

static int before(const void *a, const void *b)
{
    const struct planned *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The hosts that the job may use, as an array; free. */
static struct place_host **allowed(const struct plan *plan, const struct job *job, size_t *n)
{
    struct place_host **hosts = xcalloc(plan->n, sizeof(struct place_host *));
    *n = 0;
    for (size_t i = 0; i < plan->n; i++)
        if (place_allows(job, &plan->hosts[i]))
            hosts[(*n)++] = &plan->hosts[i];
    return hosts;
}

static const char *place_planned(const struct plan *plan, const struct planned *run,
                                 const char **why)
{
    const struct job *job = &run->spec->job;
    const char *name = NULL;
    size_t n;
    *why = "its specification cannot be read";
    if (!run->spec->readable)
        return NULL;
    struct place_host **hosts = allowed(plan, job, &n);
    struct place_host *best = place_best(hosts, n, PLACE_READY, job->slots, NULL);
    *why = !n ? "no worker matches its hosts, tags and slots" : "no free slot";
    if (run->not_before > clock_now()) {
        *why = "not due yet";
    } else if (best) {
        name = best->name;
        best->used += job->slots;
    }
    free(hosts);
    return name;
}

int dispatch_plan(const struct config *config, struct catalogue *cat,
                  void (*each)(int64_t id, const char *job, const char *host, const char *why,
                               void *arg),
                  void *arg, struct err *err)
{
    struct plan plan = {.config = config, .n = config->nhosts, .cat = cat};
    plan.hosts = xcalloc(plan.n, sizeof *plan.hosts);
    for (size_t i = 0; i < plan.n; i++)
        plan.hosts[i] = (struct place_host){.name = config->hosts[i].name,
                                            .tags = &config->hosts[i].tags,
                                            .slots = config->hosts[i].slots};
    int rc = host_select(cat, take_host, &plan, err);
    for (size_t i = 0; i < plan.n; i++)
        if (!plan.hosts[i].slots)
            plan.hosts[i].slots = 1; /* never seen */
    if (rc == 0)
        rc = run_unfinished(cat, take_unfinished, &plan, err);
    if (rc == 0)
        rc = run_queued(cat, 0, take_queued, &plan, err);
    qsort(plan.runs, plan.nruns, sizeof *plan.runs, before);
    for (size_t i = 0; i < plan.nruns; i++) {
        const char *why;
        const char *host = rc == 0 ? place_planned(&plan, &plan.runs[i], &why) : NULL;
        if (rc == 0)
            each(plan.runs[i].id, plan.runs[i].job, host, host ? NULL : why, arg);
        free(plan.runs[i].job);
    }
    tdestroy(plan.specs, free_spec);
    free(plan.runs);
    free(plan.hosts);
    return rc;
}
