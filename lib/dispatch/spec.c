/* spec: the specifications that runs in memory use, each read once. */
#include "dispatch/internal.h"

#include <search.h>
#include <stdlib.h>

#include "specification.h"
#include "xalloc.h"

int work_by_id(const void *a, const void *b)
{
    /* struct spec, struct work and the ids waited for all begin with their id */
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void spec_free(struct spec *spec)
{
    job_free(&spec->job);
    free(spec->said);
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
    spec->next = d->first_spec;
    if (spec->next)
        spec->next->prev = spec;
    d->first_spec = spec;
    (void)tsearch(spec, &d->specs, work_by_id);
    return spec;
}

void spec_drop(struct dispatch *d, struct spec *spec)
{
    if (--spec->refs)
        return;
    waiting_over(d, spec);
    (void)tdelete(spec, &d->specs, work_by_id);
    *(spec->prev ? &spec->prev->next : &d->first_spec) = spec->next;
    if (spec->next)
        spec->next->prev = spec->prev;
    spec_free(spec);
}

static void free_spec(void *spec)
{
    spec_free(spec);
}

void spec_free_all(struct dispatch *d)
{
    tdestroy(d->specs, free_spec);
    d->specs = NULL;
    d->first_spec = NULL;
}
