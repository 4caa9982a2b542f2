/*
 * placing: which queued runs go where now. lib/placement.h has the rules; here runs are claimed by them, and
 * cold hosts connected that something waits for.
 */
#include "dispatch/internal.h"

#include "clock.h"

static void want(struct place_host *host, void *arg)
{
    (void)arg;
    peer_want(peer_of(host));
}

size_t placing_run(struct dispatch *d, struct work **claims, size_t max)
{
    struct place_run *run;
    size_t n = 0;
    d->place_wanted = false; /* a host that fails meanwhile wants another pass */
    placement_begin(&d->placement, clock_mono());
    while (n < max && (run = placement_next(&d->placement))) {
        struct work *work = claims[n++] = work_of_place(run);
        waiting_leave(work);
        work_attach(work, peer_of(run->host));
    }
    placement_cold(&d->placement, want, NULL);
    if (placement_end(&d->placement))
        d->place_wanted = true; /* the rest in the next round: others want their turn */
    return n;
}

bool placing_could_start(const struct dispatch *d)
{
    return placement_could_start(&d->placement);
}
