/*
 * lost: when a run with `on_lost: retry` on a host that is away is taken for lost.
 *
 * Its shim kills it after lost_after without a sign of a head, counted on the worker. When a word of ours
 * arrives says nothing: a link may hold words back, and let them trickle in long after we are gone. So
 * WELCOME and PONG carry a stamp of the worker's clock, and PING, ADOPT and START say back the newest stamp we
 * have; the sign is taken to be of
 *     min(when it arrives, its stamp + the silence)                   (sign_of in worker/dialogue.c)
 * A stamp is older than the word that says it back, and that word is older than the end of the last
 * connection on which we said anything (peer->mute_since), from which we count. So whatever arrives, and
 * whenever, no sign is of a later moment than mute_since + the silence; what says no stamp is no sign (a late
 * HELLO least of all). A START is its run's first sign: the shim looks whether its leash has ended before it
 * launches anything, and if so says that the run is lost. What we add to lost_after is
 *   - the silence, which a stamp may be old on a slow link without the run being the worse for it;
 *   - a PING interval for the KILL of everything the run started, and for the record of its end;
 *   - what two clocks may drift apart within both: 1 in 500 is more than any.
 * A worker or a head that knows no stamps goes by when frames arrive, each within the silence of the one before
 * or the front end ends: there a link that trickles may break the promise.
 * The clock is our own monotonic one. It stands still while we are suspended, the worker's does
 * not: both err to the safe side. A new dispatcher cannot know when the one before last spoke by
 * a clock that nobody sets, so it counts anew from its own start; and a dispatcher that counts
 * stays until it is done (peer_is_aside).
 */
#include "dispatch/internal.h"

#include <stdio.h>

#include "clock.h"
#include "duration.h"
#include "log.h"

enum { DRIFT = 500, PINGS_A_LEASH = 4 };

bool lost_has_leash(const struct work *work)
{
    return work->spec->job.on_lost == ON_LOST_RETRY;
}

int64_t lost_wait_ms(const struct work *work)
{
    int64_t after = work->spec->job.lost_after_ms;
    int64_t longest = after + message_silence_ms();
    return longest + message_ping_ms() + longest / DRIFT;
}

void lost_keep(struct peer *peer, const struct work *work)
{
    int64_t often = work->spec->job.lost_after_ms / PINGS_A_LEASH;
    if (lost_has_leash(work) && often < peer->ping_ms)
        peer->ping_ms = often;
}

bool lost_is_counting(const struct peer *peer)
{
    for (const struct work *work = peer->works; work; work = work->next)
        if (lost_has_leash(work) && !work->ending)
            return true;
    return false;
}

static void declare(struct dispatch *d, struct work *work)
{
    char reason[256], since[CLOCK_TEXT], after[DURATION_TEXT];
    const struct peer *peer = work->peer;
    (void)snprintf(reason, sizeof reason, "%s unreachable since %s, over lost_after of %s",
                   peer->place.name,
                   clock_local(peer->down_since ? peer->down_since : clock_now(), since),
                   duration_text(work->spec->job.lost_after_ms, after));
    log_warn("run %lld: %s", (long long)work->id, reason);
    work_give_up(d, work, END_LOST, reason);
}

/* While we talk to it, or try to, it is not away: a front end may hear us. */
static bool is_away(const struct peer *peer)
{
    return peer->state == PEER_RESTING || peer->state == PEER_CONNECTING ||
           peer->state == PEER_IDLE;
}

static void look_at(struct dispatch *d, const struct peer *peer, int64_t now)
{
    for (struct work *work = peer->works; work; work = work->next) {
        if (!lost_has_leash(work) || work->ending)
            continue;
        int64_t due = peer->mute_since + lost_wait_ms(work);
        if (now >= due)
            declare(d, work);
        else if (!d->lost_due || due < d->lost_due)
            d->lost_due = due;
    }
}

void lost_look(struct dispatch *d)
{
    int64_t now = clock_mono();
    d->lost_due = 0;
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->nworks && is_away(d->peers[i]))
            look_at(d, d->peers[i], now);
}
