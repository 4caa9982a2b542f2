/*
 * pinned: runs of `each` whose host is not there. Each is for one host alone, so none is to wait for a host that
 * cannot be reached: it ends as cancelled, with the reason, and the group is complete. One that started
 * there already is another matter: it is waited for, as every run of a host that is away.
 *
 * A connection that broke is no reason, nor is what failed on our own side, only a try to connect that failed,
 * and that began after the run was queued: what is known from before is tried again first, at once.
 */
#include "dispatch/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "xalloc.h"

struct unrun {
    struct work *work;
    char why[512];
    bool
        fresh; /* false: it was not queued any more: cancelled, held, or too late for its deadline */
};

static bool is_down(const struct peer *peer)
{
    return !peer->drained && peer->state == PEER_RESTING && peer->place.doubtful;
}

/* Why the host of the line is not to be had; false: it is, or may be yet. */
static bool say_missing(const struct dispatch *d, const struct place_class *class, char *why,
                        size_t size)
{
    const struct peer *peer = peer_find(d, class->pin);
    if (!peer || peer->removed)
        (void)snprintf(why, size, "%s is no worker of the configuration any more", class->pin);
    else if (peer->drained)
        (void)snprintf(why, size, "%s is drained: %s", class->pin, peer->host.drained);
    else if (is_down(peer))
        (void)snprintf(why, size, "%s is down (%s)", class->pin, peer->trouble);
    else if (!peer->place.guessed && peer->place.slots < class->demands.slots)
        (void)snprintf(why, size, "%s has %d slot%s, and it wants %d", class->pin,
                       peer->place.slots, peer->place.slots == 1 ? "" : "s", class->demands.slots);
    else
        return false;
    return true;
}

static void add(struct dispatch *d, struct work *work, const char *why)
{
    if (d->nunruns == d->unruns_cap) {
        d->unruns_cap = d->unruns_cap ? 2 * d->unruns_cap : 16;
        d->unruns = xreallocarray(d->unruns, d->unruns_cap, sizeof *d->unruns);
    }
    struct unrun *unrun = &d->unruns[d->nunruns++];
    unrun->work = work;
    (void)snprintf(unrun->why, sizeof unrun->why, "not run%s: %s", work->attempt ? " again" : "",
                   why);
}

void pinned_look(struct dispatch *d)
{
    char why[448];
    d->nunruns = 0;
    for (struct place_line *line = d->placement.first_line; line; line = line->next) {
        if (!line->class->pin || !line->runs.n || !say_missing(d, line->class, why, sizeof why))
            continue;
        struct peer *peer = peer_find(d, line->class->pin);
        bool down = peer && !peer->removed && is_down(peer), untried = false;
        for (size_t i = 0; i < line->runs.n; i++) {
            struct work *work = work_of_place(line->runs.v[i]);
            if (down && peer->tried_at < work->lined_at)
                untried = true;
            else
                add(d, work, why);
        }
        if (untried)
            peer_hurry(peer);
    }
}

int pinned_record(struct dispatch *d, struct err *err)
{
    int64_t now = clock_now();
    for (size_t i = 0; i < d->nunruns; i++) {
        int rc = run_pass_by(d->cat, d->unruns[i].work->id, d->unruns[i].why, now, err);
        if (rc < 0 && rc != ERR_ANSWER)
            return rc;
        d->unruns[i].fresh = rc == 0;
    }
    return 0;
}

void pinned_tell(struct dispatch *d)
{
    for (size_t i = 0; i < d->nunruns; i++) {
        struct work *work = d->unruns[i].work;
        if (!d->unruns[i].fresh) {
            int64_t id = work->id;
            queue_take(d, work);
            work_forget(d, work);
            queue_check_wait(d, id);
            continue;
        }
        log_info("run %lld: %s", (long long)work->id, d->unruns[i].why);
        queue_take(d, work);
        d->count.done++;
        d->count.failed++;
        tick_soon(d); /* another run of the job may wait for this end */
        work_end(d, work);
    }
    d->nunruns = 0;
}

void pinned_forget(struct dispatch *d)
{
    d->nunruns = 0;
}
