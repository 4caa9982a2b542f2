/* placement_scene: hosts, pools and runs that are put together by hand, for tests of placement. */
#ifndef ROTA_PLACEMENT_SCENE_H
#define ROTA_PLACEMENT_SCENE_H

#include <stdio.h>
#include <stdlib.h>

#include "placement.h"
#include "tap.h"
#include "xalloc.h"

static struct strlist no_tags;

struct scene {
    struct placement p;
    struct config config;
    struct place_host *hosts;
    size_t nhosts;
    struct place_run **runs;
    size_t nruns, cap;
};

static void set_up(struct scene *s, size_t nhosts, int slots)
{
    *s = (struct scene){.nhosts = nhosts};
    s->hosts = xcalloc(nhosts, sizeof *s->hosts);
    struct place_host **hosts = xcalloc(nhosts, sizeof(struct place_host *));
    for (size_t i = 0; i < nhosts; i++) {
        s->hosts[i] = (struct place_host){
            .name = xasprintf("h%04zu", i), .tags = &no_tags, .order = i, .slots = slots};
        hosts[i] = &s->hosts[i];
    }
    placement_set_hosts(&s->p, hosts, nhosts);
    free(hosts);
    placement_set_config(&s->p, &s->config);
}

static void tear_down(struct scene *s)
{
    for (size_t i = 0; i < s->nruns; i++) {
        if (s->runs[i]->line)
            placement_leave(&s->p, s->runs[i]);
        free(s->runs[i]);
    }
    tap_ok(!s->p.classes && !s->p.lines && !s->p.limits && !s->p.nwaiting,
           "nothing is left when all runs are gone");
    placement_free(&s->p);
    for (size_t i = 0; i < s->nhosts; i++)
        free((char *)s->hosts[i].name);
    for (size_t i = 0; i < s->config.npools; i++)
        pool_config_free(&s->config.pools[i]);
    free(s->config.pools);
    free(s->hosts);
    free(s->runs);
}

static struct place_run *queue(struct scene *s, const struct job *job, int priority, int64_t array,
                               const char *pin)
{
    struct place_run *run = xcalloc(1, sizeof *run);
    if (s->nruns == s->cap)
        s->runs =
            xreallocarray(s->runs, s->cap = s->cap ? 2 * s->cap : 64, sizeof(struct place_run *));
    s->runs[s->nruns++] = run;
    *run = (struct place_run){.id = (int64_t)s->nruns, .priority = priority, .job = job->name};
    placement_enter(&s->p, run, job, array, pin);
    placement_queue(&s->p, run);
    return run;
}

static void pool(struct scene *s, const char *name, int limit)
{
    config_add_pool(&s->config, name, "here")->limit = limit;
    placement_set_config(&s->p, &s->config);
}

static struct job job_of(const char *name)
{
    struct job job;
    job_init(&job);
    job.name = xstrdup(name);
    return job;
}

/* One pass, at most `max`; "1@h0000 2@h0001" of what was placed; static. */
static const char *pass(struct scene *s, int64_t now, size_t max)
{
    static char text[512];
    struct place_run *run;
    size_t len = 0;
    text[0] = '\0';
    placement_begin(&s->p, now);
    while (max-- && (run = placement_next(&s->p)))
        if (len < sizeof text - 32)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%lld@%s", len ? " " : "",
                                    (long long)run->id, run->host->name);
    (void)placement_end(&s->p);
    return text;
}

#endif
