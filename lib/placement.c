/* Who stands where: lines, and what runs take. */
#include "placement.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

bool placement_is_before(const struct place_run *a, const struct place_run *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->id < b->id;
}

static bool run_before(const void *a, const void *b)
{
    return placement_is_before(a, b);
}

static void run_moved(void *item, size_t at)
{
    ((struct place_run *)item)->at = at;
}

const struct place_run *placement_first(const struct place_line *line)
{
    return heap_top(&line->runs);
}

bool limit_before(const struct place_line *a, const struct place_line *b)
{
    return placement_is_before(placement_first(a), placement_first(b));
}

/* ---- lines ---- */

/* Only a pool has its limit from the configuration; an array's has not even a name. */
static void set_pool(const struct placement *p, struct limit *limit)
{
    if (limit->kind != LIMIT_POOL)
        return;
    const struct pool_config *pool = p->config ? config_pool(p->config, limit->name) : NULL;
    limit->most = pool ? pool->limit : LIMIT_UNKNOWN;
}

static void add_need(struct placement *p, struct place_line *line, enum limit_kind kind,
                     const char *name, int64_t array, int most)
{
    struct limit *limit = limit_use(&p->limits, kind, name, array);
    set_pool(p, limit);
    line->needs[line->nneeds++] = (struct limit_need){.limit = limit, .most = most, .line = line};
}

/* Pools last: see limit_stops. */
static void add_needs(struct placement *p, struct place_line *line, const char *name,
                      const struct job *job, int64_t array)
{
    line->needs = xcalloc(job->pools.n + 2, sizeof *line->needs);
    if (job->max_running)
        add_need(p, line, LIMIT_JOB, name, 0, job->max_running);
    if (array && job->at_once)
        add_need(p, line, LIMIT_ARRAY, NULL, array, job->at_once);
    for (size_t i = 0; i < job->pools.n; i++)
        add_need(p, line, LIMIT_POOL, job->pools.v[i], 0, 0);
}

static char *line_key(const char *class, const char *name, const struct job *job, int64_t array)
{
    struct buf key = {0};
    buf_addstr(&key, class);
    if (job->max_running)
        buf_addf(&key, "|%s %d", name, job->max_running);
    if (array && (job->count || job->at_once))
        buf_addf(&key, "|%d %d %lld", job->count, job->at_once, (long long)array);
    for (size_t i = 0; i < job->pools.n; i++)
        buf_addf(&key, "|&%s", job->pools.v[i]);
    return buf_detach(&key);
}

void placement_enter(struct placement *p, struct place_run *run, const struct job *job,
                     int64_t array, const char *pin)
{
    char *class = placement_class_key(job, pin);
    char *key = line_key(class, run->job, job, array);
    struct place_line **found = tfind(&key, &p->lines, placement_by_key);
    struct place_line *line = found ? *found : xcalloc(1, sizeof *line);
    run->line = line;
    line->refs++;
    if (found) {
        free(class);
        free(key);
        return;
    }
    line->key = key;
    line->class = placement_class_use(p, class, job, pin);
    line->runs = (struct heap){.less = run_before, .moved = run_moved};
    line->apart = line->fresh = job->count && array;
    add_needs(p, line, run->job, job, array);
    (void)tsearch(line, &p->lines, placement_by_key);
    line->next = p->first_line;
    if (line->next)
        line->next->prev = line;
    p->first_line = line;
}

static void line_drop(struct placement *p, struct place_line *line)
{
    if (--line->refs)
        return;
    (void)tdelete(line, &p->lines, placement_by_key);
    *(line->prev ? &line->prev->next : &p->first_line) = line->next;
    if (line->next)
        line->next->prev = line->prev;
    for (size_t i = 0; i < line->nneeds; i++)
        limit_drop(&p->limits, line->needs[i].limit);
    placement_class_drop(p, line->class);
    heap_free(&line->runs);
    tdestroy(line->siblings, free);
    free(line->reason);
    free(line->needs);
    free(line->key);
    free(line);
}

/* ---- siblings ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

void placement_sibling(struct place_line *line, const char *host)
{
    if (!tfind(host, &line->siblings, by_text))
        (void)tsearch(xstrdup(host), &line->siblings, by_text);
}

bool placement_has_sibling(const struct place_line *line, const struct place_host *host)
{
    return line->apart && tfind(host->name, &line->siblings, by_text);
}

void placement_depart(struct place_run *run, const char *host)
{
    char **found = tfind(host, &run->line->siblings, by_text);
    char *name = found ? *found : NULL;
    if (name)
        (void)tdelete(host, &run->line->siblings, by_text);
    free(name);
}

/* ---- waiting ---- */

void placement_reorder(struct placement *p, struct place_class *class)
{
    if (class->pass == CLASS_IN_PASS) {
        heap_fix(&p->order, class->at);
    } else if (class->pass == CLASS_IDLE && p->passing && class->lines.n) {
        class->pass = CLASS_IN_PASS;
        heap_push(&p->order, class);
    }
}

void placement_open(struct placement *p, struct place_line *line)
{
    if (line->state == LINE_OPEN || !line->runs.n)
        return;
    limit_unwait(line->needs, line->nneeds);
    line->state = LINE_OPEN;
    heap_push(&line->class->lines, line);
    line->class->nruns += line->runs.n;
    placement_reorder(p, line->class);
}

/* As many as there are places, the best first. */
static void wake(struct placement *p, struct limit *limit)
{
    const struct limit_need *need;
    for (int n = 0; (need = heap_top(&limit->waiters)) && n < limit_most(need) - limit->used; n++)
        placement_open(p, need->line);
}

void placement_set_config(struct placement *p, const struct config *config)
{
    p->config = config;
    for (struct place_line *line = p->first_line; line; line = line->next)
        for (size_t i = 0; i < line->nneeds; i++) {
            set_pool(p, line->needs[i].limit);
            wake(p, line->needs[i].limit);
        }
}

/* Its first is another one, or there is none: what it waited for it may not wait for any more, and who
 * stood behind it may come before it now. */
static void reconsider(struct placement *p, struct place_line *line)
{
    limit_unwait(line->needs, line->nneeds);
    line->state = LINE_EMPTY;
    placement_open(p, line);
    for (size_t i = 0; i < line->nneeds; i++)
        wake(p, line->needs[i].limit);
}

void placement_queue(struct placement *p, struct place_run *run)
{
    struct place_line *line = run->line;
    heap_push(&line->runs, run);
    run->waits = true;
    p->nwaiting++;
    bool first = heap_top(&line->runs) == run;
    if (line->state == LINE_OPEN) {
        line->class->nruns++;
        if (first)
            heap_fix(&line->class->lines, line->at);
    } else if (line->state == LINE_EMPTY) {
        placement_open(p, line);
    } else if (first) {
        reconsider(p, line);
    }
}

void placement_unqueue(struct placement *p, struct place_run *run)
{
    struct place_line *line = run->line;
    bool first = heap_top(&line->runs) == run;
    bool open = line->state == LINE_OPEN;
    if (!first && open)
        line->class->nruns--;
    /* out of the class's heap while its first is one that can be compared */
    if (first && open) {
        (void)heap_remove(&line->class->lines, line->at);
        line->class->nruns -= line->runs.n;
        line->state = LINE_EMPTY;
    } else if (first) {
        limit_unwait(line->needs, line->nneeds);
    }
    (void)heap_remove(&line->runs, run->at);
    run->waits = false;
    p->nwaiting--;
    if (first && open)
        placement_open(p, line);
    else if (first)
        reconsider(p, line);
    for (size_t i = 0; first && open && !p->passing && i < line->nneeds; i++)
        wake(p, line->needs[i].limit); /* a place that was kept for it, or opened */
}

/* ---- running ---- */

void placement_occupy(struct placement *p, struct place_run *run, struct place_host *host)
{
    (void)p;
    struct place_line *line = run->line;
    for (size_t i = 0; !run->counts && i < line->nneeds; i++)
        line->needs[i].limit->used++;
    run->counts = true;
    if (!host || run->host)
        return;
    run->host = host;
    host->used += line->class->demands.slots;
    run->prev = NULL;
    run->next = host->runs;
    if (run->next)
        run->next->prev = run;
    host->runs = run;
    if (line->apart)
        placement_sibling(line, host->name);
}

static void leave_host(struct place_run *run)
{
    struct place_host *host = run->host;
    host->used -= run->line->class->demands.slots;
    *(run->prev ? &run->prev->next : &host->runs) = run->next;
    if (run->next)
        run->next->prev = run->prev;
    run->host = NULL;
    run->prev = run->next = NULL;
}

void placement_vacate(struct placement *p, struct place_run *run)
{
    struct place_line *line = run->line;
    bool counted = run->counts;
    run->counts = false;
    if (run->host)
        leave_host(run);
    for (size_t i = 0; counted && i < line->nneeds; i++) {
        line->needs[i].limit->used--;
        wake(p, line->needs[i].limit);
    }
}

void placement_leave(struct placement *p, struct place_run *run)
{
    if (run->waits)
        placement_unqueue(p, run);
    placement_vacate(p, run);
    line_drop(p, run->line);
    run->line = NULL;
}

static bool could_start(const struct place_line *line)
{
    const struct place_class *class = line->class;
    for (size_t i = 0; line->state == LINE_OPEN && i < class->nhosts; i++)
        if (placement_class_may_use(class, class->hosts[i]) &&
            !placement_has_sibling(line, class->hosts[i]))
            return true;
    return false;
}

bool placement_could_start(const struct placement *p)
{
    for (const struct place_line *line = p->first_line; line; line = line->next)
        if (could_start(line))
            return true;
    return false;
}

void placement_free(struct placement *p)
{
    heap_free(&p->order);
    free(p->hosts);
    free(p->aside);
    free(p->stuck);
    free(p->picking);
    free(p->packing);
    free(p->kept);
    *p = (struct placement){0};
}
