/*
 * class: runs with the same demands on a host wait in one line, and share what is worked out for
 * them: the hosts they may use, and why they wait.
 */
#include "dispatch/internal.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "specification.h"
#include "xalloc.h"

int work_by_id(const void *a, const void *b)
{
    /* struct spec, struct work and the ids waited for all begin with their id */
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool work_before(const void *a, const void *b)
{
    const struct work *x = a, *y = b;
    return x->priority != y->priority ? x->priority > y->priority : x->id < y->id;
}

void work_moved(void *item, size_t at)
{
    ((struct work *)item)->at = at;
}

static void match(struct dispatch *d, struct class *class)
{
    class->nhosts = 0;
    class->hosts = xreallocarray(class->hosts, d->npeers, sizeof(struct place_host *));
    for (size_t i = 0; i < d->npeers; i++)
        if (place_allows(&class->demands, &d->peers[i]->place))
            class->hosts[class->nhosts++] = &d->peers[i]->place;
}

void class_match_all(struct dispatch *d)
{
    for (struct class *class = d->classes; class; class = class->next)
        match(d, class);
}

/* What a job demands of a host, as text that is equal for equal demands. */
static char *class_key(const struct job *job)
{
    struct buf key = {0};
    buf_addf(&key, "%d", job->slots);
    for (size_t i = 0; i < job->tags.n; i++)
        buf_addf(&key, " #%s", job->tags.v[i]);
    for (size_t i = 0; i < job->hosts.n; i++)
        buf_addf(&key, " %s", job->hosts.v[i]);
    return buf_detach(&key);
}

static struct class *class_of(struct dispatch *d, const struct job *job)
{
    char *key = class_key(job);
    struct class *class = d->classes;
    while (class && strcmp(class->key, key) != 0)
        class = class->next;
    if (class) {
        free(key);
        return class;
    }
    class = xcalloc(1, sizeof *class);
    class->key = key;
    class->line = (struct heap){.less = work_before, .moved = work_moved};
    job_init(&class->demands);
    class->demands.slots = job->slots;
    strlist_copy(&class->demands.tags, &job->tags);
    strlist_copy(&class->demands.hosts, &job->hosts);
    class->next = d->classes;
    d->classes = class;
    match(d, class);
    return class;
}

static void spec_free(struct spec *spec)
{
    struct spec **link = &spec->class->specs;
    while (*link != spec)
        link = &(*link)->next;
    *link = spec->next;
    job_free(&spec->job);
    free(spec);
}

struct spec *spec_use(struct dispatch *d, int64_t id, struct err *err)
{
    struct spec **found = tfind(&id, &d->specs, work_by_id);
    if (found) {
        (*found)->refs++;
        return *found;
    }
    struct spec *spec = xcalloc(1, sizeof *spec);
    spec->id = id;
    if (specification_read(d->cat, id, &spec->job, err) < 0) {
        free(spec);
        return NULL;
    }
    spec->refs = 1;
    spec->unsaid = true;
    spec->class = class_of(d, &spec->job);
    spec->next = spec->class->specs;
    spec->class->specs = spec;
    (void)tsearch(spec, &d->specs, work_by_id);
    return spec;
}

void spec_drop(struct dispatch *d, struct spec *spec)
{
    if (--spec->refs)
        return;
    waiting_over(d, spec);
    (void)tdelete(spec, &d->specs, work_by_id);
    spec_free(spec);
}

static void free_spec(void *spec)
{
    spec_free(spec);
}

void class_free_all(struct dispatch *d)
{
    tdestroy(d->specs, free_spec);
    for (struct class *class = d->classes; class;) {
        struct class *next = class->next;
        heap_free(&class->line);
        job_free(&class->demands);
        free(class->hosts);
        free(class->waiting);
        free(class->key);
        free(class);
        class = next;
    }
}
