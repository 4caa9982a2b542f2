/* spec: the specifications that runs in memory use, each read once. */
#include "dispatch/internal.h"

#include <search.h>
#include <stdlib.h>

#include "order.h"
#include "specification.h"
#include "xalloc.h"

static void spec_free(struct spec *spec)
{
    job_free(&spec->job);
    free(spec->said);
    free(spec);
}

struct spec *spec_use(struct dispatch *d, int64_t id, struct err *err)
{
    struct spec **found = tfind(&id, &d->specs, order_by_number);
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
    (void)tsearch(spec, &d->specs, order_by_number);
    return spec;
}

void spec_drop(struct dispatch *d, struct spec *spec)
{
    if (--spec->refs)
        return;
    waiting_over(d, spec);
    (void)tdelete(spec, &d->specs, order_by_number);
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
