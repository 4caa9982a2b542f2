/* verdict: how runs end of which no shim tells. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/capture.h"
#include "worker/front.h"
#include "worker/handover.h"
#include "worker/limits.h"
#include "worker/relic.h"
#include "worker/tree.h"
#include "xalloc.h"

void custody_set_result(struct front *front, struct charge *charge, const struct record *record)
{
    charge->result = xmemdup(record, sizeof *record);
    charge->haunted = false;
    if (charge->generation)
        charge->generation->live--;
    stream_wake(front, charge);
}

/* What the cell holds of a run whose shim left no result. */
static void fill_streams(const struct front *front, const struct charge *charge,
                         struct record_result *r)
{
    const struct cell *cell = &front->cells.slot[charge->cell];
    if (!charge->cell || !cell_is_of(cell, charge->key))
        return;
    for (int i = 0; i < CELL_STREAMS; i++) {
        uint64_t head = atomic_load(&cell->stream[i].head);
        r->total[i] = atomic_load(&cell->stream[i].total);
        r->ring[i] = atomic_load(&cell->stream[i].ring);
        uint64_t kept = capture_kept(head, r->ring[i], charge->out_limit);
        if (r->total[i] < kept) /* torn by a crash of the host */
            r->total[i] = kept;
        r->dropped[i] = r->total[i] - kept;
    }
}

/* The end of a run that no shim reports. Failing to write it is harmless: the next front end comes to the
 * same conclusion from STARTED. */
void custody_conclude(struct front *front, struct charge *charge, enum message_end end,
                      const char *reason)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = RECORD_RESULT;
    record.key = charge->key;
    record.at = moment_now(front->boot);
    record.result.end = end;
    if (end == END_LOST)
        handover_drop(front->cells.dir, charge->cell, charge->key);
    if (end == END_LOST)
        record.result.duration = moment_age(&charge->started, front->boot);
    (void)snprintf(record.result.reason, sizeof record.result.reason, "%s", reason);
    fill_streams(front, charge, &record.result);
    record_seal(&record);
    if (charge->generation)
        (void)record_append(charge->generation->fd, &record, 1, NULL);
    custody_set_result(front, charge, &record);
}

/* Those whose processes are to be looked for. */
struct sweep {
    struct front *front;
    struct charge **charges;
    struct tree_claim *claims;
    size_t n;
};

/* The shim is gone and left no result. */
static void judge(struct charge *charge, void *arg)
{
    struct sweep *sweep = arg;
    if (!charge->bereft)
        return;
    charge->bereft = false;
    if (charge->result)
        return;
    if (charge->started.boot != sweep->front->boot) {
        custody_conclude(sweep->front, charge, END_LOST, "the host rebooted");
    } else if (!charge->cell && !charge->ousted) {
        custody_conclude(sweep->front, charge, END_NOSTART,
                         "the worker ended before it could start it");
    } else {
        size_t n = sweep->n++;
        sweep->charges = xreallocarray(sweep->charges, sweep->n, sizeof(struct charge *));
        sweep->claims = xreallocarray(sweep->claims, sweep->n, sizeof *sweep->claims);
        sweep->charges[n] = charge;
        sweep->claims[n] = (struct tree_claim){.key = charge->key, .pidfd = -1};
    }
}

static bool has_ended(int pidfd)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* Whether something is left that is no process of the run: it is cleared by a process, whose end brings us
 * back. One that fails (a service that is down) is tried again by the next PING. */
static bool has_relic(struct front *front, struct charge *charge)
{
    if (!charge->cell || charge->cleared || charge->clearing)
        return charge->clearing != 0;
    pid_t pid = relic_clear(front->cells.dir, charge->cell, charge->key, front->own);
    charge->clearing = pid > 0 ? pid : 0;
    return pid != 0;
}

/* A dead shim is not a dead job: "lost" is said only when nothing that carries the run's token is
 * left. Nobody waits here, since a process may be uninterruptible for hours: the end of the one we
 * follow, or the next PING, brings us back. One that is dying carries nothing any more, so the one we
 * follow must have ended as well; and its groups, where it has some, are to be empty. */
static void lose(struct front *front, struct charge *charge, const struct tree_claim *claim)
{
    charge->haunted = claim->found || (charge->pidfd >= 0 && !has_ended(charge->pidfd));
    if (!limits_drop(front->cells.dir, charge->cell, charge->key))
        charge->haunted = true;
    if (claim->found)
        custody_follow(front, charge, claim->pidfd);
    charge->haunted = charge->haunted || has_relic(front, charge);
    if (charge->haunted)
        return;
    custody_unfollow(front, charge);
    custody_conclude(front, charge, END_LOST, "its supervisor is gone (killed, or out of memory)");
}

/* After the journal was read: who has no result by now will have none. */
void custody_settle(struct front *front)
{
    struct sweep sweep = {.front = front};
    charges_each(&front->charges, judge, &sweep);
    tree_kill_claimed(sweep.claims, sweep.n);
    for (size_t i = 0; i < sweep.n; i++)
        lose(front, sweep.charges[i], &sweep.claims[i]);
    free(sweep.charges);
    free(sweep.claims);
}
