/*
 * placing: which queued runs go where now. Lines of equal demands stand in order of their first;
 * a line whose first finds no room steps aside for the others, and wants cold hosts connected.
 */
#include "dispatch/internal.h"

static bool class_before(const void *a, const void *b)
{
    const struct class *x = a, *y = b;
    return x->line.less(heap_top(&x->line), heap_top(&y->line));
}

/* Wants connections to cold hosts for what waits in the line and no connected host has room for. */
static void want_cold(const struct class *class, struct dispatch *d)
{
    for (size_t left = class->line.n; left; left--) {
        struct place_host *host =
            place_best(class->hosts, class->nhosts, PLACE_COLD, class->demands.slots,
                       &((const struct work *)heap_top(&class->line))->tried);
        if (!host)
            return;
        host->used += class->demands.slots;
        peer_want(peer_find(d, host->name));
    }
}

/* The host for the first in line. One that was tried already does not get it again while another
 * that was not may still answer. */
static struct place_host *host_for_first(const struct class *class)
{
    const struct work *first = heap_top(&class->line);
    const struct strlist *tried = &first->tried;
    struct place_host *host =
        place_best(class->hosts, class->nhosts, PLACE_READY, class->demands.slots, tried);
    if (!host || !tried->n || !strlist_has(tried, host->name))
        return host;
    const struct place_host *cold =
        place_best(class->hosts, class->nhosts, PLACE_COLD, class->demands.slots, tried);
    return cold && !strlist_has(tried, cold->name) ? NULL : host;
}

/* What cold hosts are wanted for is counted anew each time. */
static void reset_cold(struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->place.state == PLACE_COLD)
            d->peers[i]->place.used = d->peers[i]->busy;
}

/* The first of the line goes to the host; it takes the slots at once. */
static struct work *place_first(struct dispatch *d, struct class *class,
                                const struct place_host *host)
{
    struct work *work = heap_pop(&class->line);
    work_attach(work, peer_find(d, host->name));
    return work;
}

size_t placing_run(struct dispatch *d, struct work **claims, size_t max)
{
    struct heap lines = {.less = class_before};
    size_t n = 0;
    d->place_wanted = false; /* a host that fails meanwhile wants another pass */
    reset_cold(d);
    for (struct class *class = d->classes; class; class = class->next)
        if (class->line.n)
            heap_push(&lines, class);
    for (struct class *class; (class = heap_top(&lines)) && n < max;) {
        const struct place_host *host = host_for_first(class);
        if (host)
            claims[n++] = place_first(d, class, host);
        else
            want_cold(class, d);
        if (!host || !class->line.n)
            (void)heap_pop(&lines);
        else
            heap_fix(&lines, 0);
    }
    if (lines.n)
        d->place_wanted = true; /* the rest in the next round: others want their turn */
    heap_free(&lines);
    return n;
}

bool placing_could_start(const struct dispatch *d)
{
    for (const struct class *class = d->classes; class; class = class->next)
        for (size_t i = 0; class->line.n && i < class->nhosts; i++)
            if (class->hosts[i]->state != PLACE_OUT)
                return true;
    return false;
}
