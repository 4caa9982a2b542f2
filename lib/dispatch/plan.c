#include "dispatch/internal.h"

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
    struct planned {
        int64_t id, spec, not_before;
        int priority;
        char *job;
    } * runs;
    size_t nruns;
};

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
    if (host)
        host->used += specification_slots(((struct plan *)arg)->cat, run->spec);
    return 0;
}

static int take_queued(const struct run_brief *run, void *arg)
{
    struct plan *plan = arg;
    plan->runs = xreallocarray(plan->runs, plan->nruns + 1, sizeof *plan->runs);
    plan->runs[plan->nruns++] = (struct planned){.id = run->id,
                                                 .spec = run->spec,
                                                 .not_before = run->not_before,
                                                 .priority = run->priority,
                                                 .job = xstrdup(run->job)};
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
    struct job job = {0};
    const char *name = NULL;
    size_t n;
    *why = "its specification cannot be read";
    if (specification_read(plan->cat, run->spec, &job, NULL) < 0)
        return NULL;
    struct place_host **hosts = allowed(plan, &job, &n);
    struct place_host *best = place_best(hosts, n, PLACE_READY, job.slots, NULL);
    *why = !n ? "no worker matches its hosts, tags and slots" : "no free slot";
    if (run->not_before > clock_now()) {
        *why = "not due yet";
    } else if (best) {
        name = best->name;
        best->used += job.slots;
    }
    free(hosts);
    job_free(&job);
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
    free(plan.runs);
    free(plan.hosts);
    return rc;
}
