#include <search.h>
#include <stdlib.h>

#include "dispatch/element.h"
#include "xalloc.h"

/* The queued runs of an array that have not been tried; a tree must not change while it is walked. */
struct found {
    int64_t array;
    struct work **v;
    size_t n, cap;
};

static void visit(const void *node, VISIT which, void *arg)
{
    struct found *found = arg;
    struct work *work = *(struct work *const *)node;
    if (which != postorder && which != leaf)
        return;
    /* one with a peer is being claimed: the claim finds that it is not queued any more */
    if (work->array != found->array || work->state != RUN_QUEUED || work->attempt || work->peer)
        return;
    if (found->n == found->cap)
        found->v = xreallocarray(found->v, found->cap = found->cap ? 2 * found->cap : 64,
                                 sizeof(struct work *));
    found->v[found->n++] = work;
}

void stopping_take(struct dispatch *d, int64_t array)
{
    struct found found = {.array = array};
    d->stopped = array;
    twalk_r(d->works, visit, &found);
    for (size_t i = 0; i < found.n; i++) {
        queue_take(d, found.v[i]);
        work_end(d, found.v[i]);
    }
    free(found.v);
    /* held and blocked ones were not in memory */
    for (size_t i = 0; i < d->options->nwait && d->nwaits; i++)
        queue_check_wait(d, d->options->wait[i]);
}

/* Asked once the end is committed: the event that says it is our own, and not heard. */
void stopping_ended(struct dispatch *d, const struct work *work)
{
    bool stopped = false;
    if (!work->array || work->array == d->stopped || !work->spec->job.stop_after)
        return;
    if (array_is_stopped(d->cat, work->array, &stopped, NULL) == 0 && stopped)
        stopping_take(d, work->array);
}
