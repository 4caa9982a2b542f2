#include "scene.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "order.h"
#include "placement_words.h"
#include "specification.h"
#include "xalloc.h"

/* ---- hosts ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct place_host *const *)a)->name, (*(struct place_host *const *)b)->name);
}

static void add_hosts(struct scene *scene)
{
    const struct config *config = scene->config;
    struct place_host **hosts = xcalloc(config->nhosts, sizeof(struct place_host *));
    scene->hosts = xcalloc(config->nhosts, sizeof *scene->hosts);
    scene->nhosts = config->nhosts;
    for (size_t i = 0; i < config->nhosts; i++) {
        const struct host_config *host = &config->hosts[i];
        scene->hosts[i].config = host;
        scene->hosts[i].place = (struct place_host){.name = host->name,
                                                    .tags = &host->tags,
                                                    .order = i,
                                                    .slots = host->slots ? host->slots : 1,
                                                    .guessed = !host->slots};
        hosts[i] = &scene->hosts[i].place;
    }
    qsort(hosts, config->nhosts, sizeof(struct place_host *), by_name);
    placement_set_hosts(&scene->placement, hosts, config->nhosts);
    placement_set_config(&scene->placement, config);
    free(hosts);
}

static int take_host(const struct host *row, void *arg)
{
    struct scene *scene = arg;
    struct place_host *place = placement_host(&scene->placement, row->name);
    if (!place)
        return 0;
    struct scene_host *host = scene_host_of(place);
    host->known = host_copy(row);
    if (row->drained || (scene->alive && row->state == HOST_DOWN))
        place->state = PLACE_OUT;
    if (!host->config->slots && row->cpus) {
        place->slots = row->cpus;
        place->guessed = false;
    }
    return 0;
}

/* ---- runs ---- */

struct reading {
    struct scene *scene;
    struct catalogue *cat;
    struct err *err;
};

static const struct scene_spec *spec_of(struct reading *r, int64_t id)
{
    struct scene_spec **found = tfind(&id, &r->scene->specs, order_by_number);
    if (found)
        return *found;
    struct scene_spec *spec = xcalloc(1, sizeof *spec);
    spec->id = id;
    spec->readable = specification_read(r->cat, id, &spec->job, NULL) == 0;
    if (!spec->readable)
        job_init(&spec->job);
    (void)tsearch(spec, &r->scene->specs, order_by_number);
    return spec;
}

static void free_spec(void *arg)
{
    struct scene_spec *spec = arg;
    job_free(&spec->job);
    free(spec);
}

static int tell_siblings(struct reading *r, const struct scene_run *run)
{
    struct strlist hosts = {0};
    int rc = run->place.line->fresh ? run_hosts_of_group(r->cat, run->array, &hosts, r->err) : 0;
    for (size_t i = 0; i < hosts.n; i++)
        placement_sibling(run->place.line, hosts.v[i]);
    run->place.line->fresh = false;
    strlist_free(&hosts);
    return rc;
}

static struct scene_run *add_run(struct reading *r, const struct run_brief *brief)
{
    struct scene *scene = r->scene;
    struct scene_run *run = xcalloc(1, sizeof *run);
    run->state = brief->state;
    run->not_before = brief->not_before;
    run->queued_at = brief->queued_at > brief->not_before ? brief->queued_at : brief->not_before;
    run->array = brief->array;
    run->job = xstrdup(brief->job);
    run->pin = brief->pin ? xstrdup(brief->pin) : NULL;
    run->host = brief->host ? xstrdup(brief->host) : NULL;
    run->spec = spec_of(r, brief->spec);
    run->place = (struct place_run){
        .id = brief->id, .priority = brief->priority, .job = run->job, .tried = &run->tried};
    if (scene->nruns == scene->cap)
        scene->runs = xreallocarray(scene->runs, scene->cap = scene->cap ? 2 * scene->cap : 64,
                                    sizeof(struct scene_run *));
    scene->runs[scene->nruns++] = run;
    placement_enter(&scene->placement, &run->place, &run->spec->job, run->array, run->pin);
    return run;
}

static int take_unfinished(const struct run_brief *brief, void *arg)
{
    struct reading *r = arg;
    struct scene_run *run = add_run(r, brief);
    struct place_host *host = run->host ? placement_host(&r->scene->placement, run->host) : NULL;
    placement_occupy(&r->scene->placement, &run->place, host);
    return tell_siblings(r, run);
}

static int take_queued(const struct run_brief *brief, void *arg)
{
    struct reading *r = arg;
    struct scene_run *run = add_run(r, brief);
    const struct job *job = &run->spec->job;
    int rc = tell_siblings(r, run);
    if (rc == 0 && brief->attempt && (job->retry.elsewhere || job->on_lost == ON_LOST_RETRY))
        rc = run_hosts_tried(r->cat, brief->id, &run->tried, r->err);
    if (run->spec->readable && run->not_before <= r->scene->now)
        placement_queue(&r->scene->placement, &run->place);
    return rc;
}

/* ---- all of it ---- */

static int ask_dispatcher(struct scene *scene, struct catalogue *cat, struct err *err)
{
    struct holder holder;
    int rc = holder_get(cat, &holder, &scene->alive, err);
    return rc == ERR_ANSWER ? 0 : rc;
}

int scene_read(struct scene *scene, const struct config *config, struct catalogue *cat,
               struct err *err)
{
    struct reading r = {.scene = scene, .cat = cat, .err = err};
    *scene = (struct scene){.config = config, .now = clock_now()};
    add_hosts(scene);
    int rc = ask_dispatcher(scene, cat, err);
    if (rc == 0)
        rc = host_select(cat, take_host, scene, err);
    if (rc == 0)
        rc = run_unfinished(cat, take_unfinished, &r, err);
    if (rc == 0)
        rc = run_queued(cat, 0, take_queued, &r, err);
    return rc;
}

void scene_free(struct scene *scene)
{
    if (scene->placement.passing)
        (void)placement_end(&scene->placement);
    for (size_t i = 0; i < scene->nruns; i++) {
        struct scene_run *run = scene->runs[i];
        placement_leave(&scene->placement, &run->place);
        strlist_free(&run->tried);
        free(run->job);
        free(run->pin);
        free(run->host);
        free(run);
    }
    placement_free(&scene->placement);
    for (size_t i = 0; i < scene->nhosts; i++)
        host_free(&scene->hosts[i].known);
    tdestroy(scene->specs, free_spec);
    free(scene->runs);
    free(scene->hosts);
    *scene = (struct scene){0};
}

struct scene_run *scene_find(const struct scene *scene, int64_t id)
{
    for (size_t i = 0; i < scene->nruns; i++)
        if (scene->runs[i]->place.id == id)
            return scene->runs[i];
    return NULL;
}

/* A dispatcher that lives has seen those at the head of their lines wait, at most since they were queued. */
static void tell_patience(struct scene *scene, int64_t now)
{
    for (size_t i = 0; scene->alive && i < scene->nruns; i++) {
        const struct scene_run *run = scene->runs[i];
        struct place_line *line = run->place.line;
        if (!run->place.waits || placement_first(line) != &run->place)
            continue;
        line->first = run->place.id;
        line->since = now - (scene->now - run->queued_at);
    }
}

void scene_place(struct scene *scene)
{
    int64_t now = clock_mono();
    tell_patience(scene, now);
    placement_begin(&scene->placement, now);
    while (placement_next(&scene->placement))
        ;
}

static void say_out(const struct place_class *class, struct buf *text)
{
    const struct host *known = &scene_host_of(class->hosts[0])->known;
    if (class->nhosts > 1)
        buf_addf(text, "all %zu workers that match are down or drained", class->nhosts);
    else if (known->drained)
        buf_addf(text, "%s is drained: %s", known->name, known->drained);
    else
        buf_addf(text, "%s is down: %s", known->name, known->reason ? known->reason : "?");
}

/* Why dispatch will not run it at all, being for one host alone; false: it may yet. One that is down is tried
 * first. */
static bool say_not_run(const struct scene_run *run, struct buf *text)
{
    const struct place_class *class = run->place.line->class;
    const struct place_host *host = class->nhosts ? class->hosts[0] : NULL;
    const struct host *known = host ? &scene_host_of(host)->known : NULL;
    if (!class->pin)
        return false;
    if (!host)
        buf_addf(text, "will not be run: %s is no worker of the configuration any more",
                 class->pin);
    else if (known->drained)
        buf_addf(text, "will not be run: %s is drained: %s", host->name, known->drained);
    else if (!host->guessed && host->slots < class->demands.slots)
        buf_addf(text, "will not be run: %s has %d slot%s, and it wants %d", host->name,
                 host->slots, host->slots == 1 ? "" : "s", class->demands.slots);
    return text->len > 0;
}

char *scene_say(const struct scene *scene, const struct scene_run *run)
{
    struct buf text = {0};
    const struct place_line *line = run->place.line;
    if (run->place.host)
        return NULL;
    if (!run->spec->readable)
        buf_addstr(&text, "its specification cannot be read");
    else if (run->not_before > scene->now)
        buf_addstr(&text, "not due yet");
    else if (!say_not_run(run, &text))
        placement_say(line, say_out, &text);
    return buf_detach(&text);
}
