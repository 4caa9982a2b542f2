/*
 * keeping: output on disk, before a result counts. The promise is "output first, then the result":
 * what is not on disk is not recorded as ended, and the worker keeps all of it until it is told so.
 */
#include "dispatch/internal.h"

#include "log.h"
#include "output.h"

enum { UNKEPT_MAX = 7 }; /* its host rests for 64 s: below what any lost_after waits for */

static bool is_connected(const struct peer *peer)
{
    return peer->state == PEER_READY || peer->state == PEER_LISTING;
}

/* A connection to the worker is made at once, and soon fails again: were it to rest as after a first failure,
 * a full disk would have it come and go each second, with a warning each. */
void keeping_failed(struct work *work)
{
    if (work->unkept < UNKEPT_MAX)
        work->unkept++;
    if (work->peer && is_connected(work->peer))
        work->peer->failures = work->unkept - 1;
}

static int sync_streams(struct dispatch *d, struct work *work, struct err *err)
{
    for (int s = 0; s < 2; s++) {
        if (!work->touched[s])
            continue;
        int rc = output_sync(d->output, work->id, work->attempt, s ? OUTPUT_ERR : OUTPUT_OUT, err);
        if (rc < 0)
            return rc;
        work->touched[s] = false;
    }
    return work->getting ? getting_keep(d, work, err) : 0;
}

/* The pages that could not be written may be gone, and Linux tells of that once: another fsync would
 * succeed. So nothing of the output is counted on, and the worker sends it again from its first byte
 * when the run is adopted on the next connection. */
static void ask_again(struct dispatch *d, struct work **link, const struct err *why)
{
    struct work *work = *link;
    struct peer *peer = work->peer;
    work_unend(d, link);
    work->have[0] = work->have[1] = 0;
    getting_again(work);
    keeping_failed(work);
    if (!peer || !is_connected(peer))
        return; /* the next connection is yet to come */
    peer_fail(peer, why);
}

void keeping_sync(struct dispatch *d)
{
    for (struct work **link = &d->ended; *link;) {
        struct work *work = *link;
        struct err err;
        if (sync_streams(d, work, &err) == 0) {
            link = &work->next_ended;
        } else if (work->ending->told) {
            ask_again(d, link, &err);
        } else { /* nobody has it any more */
            log_warn("run %lld: %s", (long long)work->id, err.msg);
            work->touched[0] = work->touched[1] = false;
            link = &work->next_ended;
        }
    }
}

int keeping_match(struct work *work, struct ending *ending, struct err *err)
{
    for (int s = 0; s < 2; s++) {
        int64_t lack = ending->total[s] - ending->dropped[s] - work->have[s];
        if (lack > 0) {
            ending->dropped[s] += lack;
            ending->missing += lack;
        }
    }
    if (!ending->missing || work->lacked)
        return 0;
    work->lacked = true;
    return err_set(err, ERR_DATA, "the result of run %lld came without %lld bytes of its output",
                   (long long)work->id, (long long)ending->missing);
}
