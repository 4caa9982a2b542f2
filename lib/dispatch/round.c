#include "dispatch/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "dispatch/element.h"
#include "duration.h"
#include "log.h"
#include "xalloc.h"

enum { BUSY_RETRY_MS = 50, CALM_MS = 1000 };

void round_soon(struct dispatch *d, int64_t ms)
{
    int64_t due = clock_mono() + ms;
    if (!d->round_due || due < d->round_due)
        d->round_due = due;
}

/* What one round is about to commit, so that it can be told, or undone. */
struct round {
    struct work *claims[ROUND_CLAIMS];
    size_t nclaims;
    struct {
        struct work *work;
        struct run_end end;
        char why[512];
        bool fresh; /* false: it was recorded before */
    } * ends;
    size_t nends;
};

/* ---- recording ---- */

static int record_started(struct dispatch *d, struct err *err)
{
    for (size_t i = 0; i < d->ntold; i++) {
        const struct work *work = d->told[i];
        if (work->ending)
            continue; /* run_finish says when it started */
        int rc = run_started(d->cat, work->id, work->attempt, work->started_at, err);
        if (rc < 0 && rc != ERR_ANSWER)
            return rc;
    }
    return 0;
}

static int record_ends(struct dispatch *d, struct round *round, struct err *err)
{
    int64_t now = clock_now();
    round->ends = xcalloc(d->nended, sizeof *round->ends);
    for (struct work *work = d->ended; work; work = work->next_ended) {
        struct run_end *end = &round->ends[round->nends].end;
        char *why = round->ends[round->nends].why;
        ending_judge(work, now, end, why, sizeof round->ends->why);
        int rc = run_finish(d->cat, end, err);
        if (rc < 0 && rc != ERR_ANSWER)
            return rc;
        if (rc == 0 && (rc = giving_record(d, work, now, err)) < 0)
            return rc;
        round->ends[round->nends].work = work;
        round->ends[round->nends++].fresh = rc == 0;
    }
    return 0;
}

/* The runs of a host that is away say so; those of one that is back do not any more. */
static int record_reasons(struct dispatch *d, const struct peer *peer, struct err *err)
{
    int rc = 0;
    if (!peer->reasons_due)
        return 0;
    char *reason = peer->down_since ? peer_say_down(peer) : NULL;
    for (const struct work *work = peer->works; rc == 0 && work; work = work->next)
        if (!work->ending)
            rc = run_reason(d->cat, work->id, reason, err);
    free(reason);
    return rc;
}

static int record_hosts(struct dispatch *d, struct err *err)
{
    for (struct peer *peer = d->dirty; peer; peer = peer->next_dirty) {
        int rc = host_put(d->cat, &peer->host, err);
        if (rc == 0)
            rc = record_reasons(d, peer, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Claims in the order of placing; what somebody cancelled or held meanwhile is left out. */
static int record_claims(struct dispatch *d, struct round *round, struct err *err)
{
    int64_t now = clock_now();
    uint64_t tokens[ROUND_CLAIMS] = {0};
    ssize_t size = (ssize_t)(round->nclaims * sizeof *tokens);
    if (size && getrandom(tokens, (size_t)size, 0) != size)
        return err_sys(err, ERR_OS, "cannot get random bytes");
    for (size_t i = 0; i < round->nclaims; i++) {
        struct work *work = round->claims[i];
        uint64_t token = tokens[i] >> 1; /* a positive integer in the catalogue */
        int attempt = work->attempt;
        int rc = run_claim(d->cat, work->id, work->peer->place.name, token, now, &attempt, err);
        if (rc < 0 && rc != ERR_ANSWER)
            return rc;
        if (rc == 0 && (rc = giving_read(d, work, err)) < 0)
            return rc;
        if (rc == 0) {
            work->token = token;
            work->attempt = attempt;
            work->state = RUN_STARTING;
        }
    }
    return 0;
}

static bool is_needed(const struct dispatch *d, const struct round *round)
{
    return d->nended || d->ntold || d->nnoted || d->dirty || round->nclaims || d->nunruns ||
           waiting_is_due(d) || (d->waiting_due && clock_mono() >= d->waiting_due) ||
           clock_mono() >= d->lease_due;
}

/* Nothing is written to it any more, not even that we leave: who comes next sees that we are gone. */
static int leave_newer(struct dispatch *d, struct err *err)
{
    d->held = false;
    return err_set(
        err, ERR_BUSY,
        "a newer rota has brought the catalogue %s to its schema: start the dispatcher of "
        "that one",
        catalogue_path(d->cat));
}

int round_check(struct dispatch *d, struct err *err)
{
    int rc = catalogue_refuse(d->cat, err);
    return rc == ERR_CONFIG ? leave_newer(d, err) : rc;
}

int round_begin(struct dispatch *d, struct err *err)
{
    int rc = catalogue_begin(d->cat, err);
    if (rc == ERR_CONFIG)
        return leave_newer(d, err);
    if (rc < 0)
        return rc;
    d->holder.longest_us = loop_longest_us(d->loop);
    rc = holder_renew(d->cat, &d->holder, err);
    if (rc == ERR_BUSY)
        d->held = false;
    return rc;
}

static int record(struct dispatch *d, struct round *round, struct err *err)
{
    int rc = round_begin(d, err);
    if (rc == 0)
        rc = record_started(d, err);
    if (rc == 0)
        rc = record_ends(d, round, err);
    if (rc == 0)
        rc = waiting_record(d, err); /* before the hosts: one that is back takes reasons away */
    if (rc == 0)
        rc = record_hosts(d, err);
    if (rc == 0)
        rc = noted_record(d, err); /* after the hosts, likewise */
    if (rc == 0)
        rc = record_claims(d, round, err);
    if (rc == 0)
        rc = pinned_record(d, err);
    if (rc == 0)
        rc = catalogue_commit(d->cat, err);
    if (rc < 0) {
        catalogue_rollback(d->cat);
        d->holder.expires = 0; /* a renewal went with it: the next transaction renews */
    }
    return rc;
}

/* ---- after the commit ---- */

static void tell_end(struct dispatch *d, struct work *work, const struct run_end *end)
{
    ending_free(work->ending);
    work->ending = NULL;
    struct peer *peer = work->peer;
    work_detach(work);
    if (end->state != RUN_QUEUED) {
        d->count.done++;
        d->count.failed += end->state != RUN_SUCCEEDED;
        if (end->state != RUN_SUCCEEDED && end->state != RUN_CANCELLED)
            checking_soon(d);
        tick_soon(d); /* another run of the job may wait for this end */
        if (end->state != RUN_SUCCEEDED && end->state != RUN_CANCELLED)
            stopping_ended(d, work);
        work_end(d, work);
        return;
    }
    work->state = RUN_QUEUED;
    work->not_before = end->not_before;
    if (peer)
        placement_depart(&work->place, peer->place.name);
    work->have[0] = work->have[1] = 0;
    work->unkept = 0;
    work->lacked = false;
    bool lost = end->attempt_state == RUN_LOST && lost_has_leash(work);
    if (peer && (work->spec->job.retry.elsewhere || lost))
        strlist_add(&work->tried, peer->place.name);
    queue_put(d, work);
}

/* Only now, when the results are committed, the workers may forget them. One ACK a host. */
static void tell_ends(struct dispatch *d, struct round *round)
{
    for (size_t i = 0; i < round->nends; i++) {
        struct peer *peer = round->ends[i].work ? round->ends[i].work->peer : NULL;
        if (!peer || peer->state != PEER_READY)
            continue;
        struct buf keys = {0};
        for (size_t k = i; k < round->nends; k++)
            if (round->ends[k].work && round->ends[k].work->peer == peer) {
                message_pack_key(&keys, work_key(round->ends[k].work));
                tell_end(d, round->ends[k].work, &round->ends[k].end);
                round->ends[k].work = NULL;
            }
        talk_ack(peer, &keys);
        buf_free(&keys);
    }
    for (size_t i = 0; i < round->nends; i++)
        if (round->ends[i]
                .work) /* its host went away: it will say the result again and be acknowledged */
            tell_end(d, round->ends[i].work, &round->ends[i].end);
    d->ended = NULL;
    d->ended_tail = &d->ended;
    d->nended = 0;
}

/* The claim is committed, so START may be sent: a crash here leaves a claimed run that the next
 * dispatcher finds, and asks the worker about, before it sends START with the same token. */
static void tell_claims(struct dispatch *d, struct round *round)
{
    for (size_t i = 0; i < round->nclaims; i++) {
        struct work *work = round->claims[i];
        if (work->state == RUN_STARTING) {
            talk_start(work->peer, work);
            continue;
        }
        int64_t id = work->id; /* somebody cancelled or held it */
        placement_depart(&work->place, work->peer->place.name);
        work_forget(d, work);
        d->place_wanted = true; /* its slots are free for others, and nothing else says so */
        queue_check_wait(d, id);
    }
}

static void tell(struct dispatch *d, struct round *round)
{
    for (size_t i = 0; i < d->ntold; i++) {
        d->told[i]->started_told = false;
        if (d->told[i]->state == RUN_STARTING)
            d->told[i]->state = RUN_RUNNING;
    }
    d->ntold = 0;
    noted_told(d);
    for (struct peer *peer = d->dirty; peer; peer = peer->next_dirty)
        peer->host_dirty = peer->reasons_due = false;
    d->dirty = NULL;
    waiting_recorded(d);
    tell_ends(d, round);
    tell_claims(d, round);
    pinned_tell(d);
}

static void undo(struct dispatch *d, struct round *round)
{
    for (size_t i = 0; i < round->nclaims; i++) {
        struct work *work = round->claims[i];
        if (work->state == RUN_STARTING) {
            work->state = RUN_QUEUED;
            work->attempt--;
        }
        placement_depart(&work->place, work->peer->place.name);
        work_detach(work);
        queue_put(d, work);
    }
    waiting_forget(d);
    pinned_forget(d);
}

/* Runs that waited for what was just committed were queued, or cancelled, with it. */
static int take_settled(struct dispatch *d, struct err *err)
{
    int64_t settled = catalogue_settled(d->cat);
    if (settled == d->settled)
        return 0;
    d->settled = settled;
    return wake_take(d, err);
}

/* A catalogue that is busy or in trouble is tried again: nothing was told, so nothing is lost. */
static int postpone(struct dispatch *d, const struct err *why, struct err *err)
{
    if (!d->held) {
        *err = *why;
        return ERR_BUSY;
    }
    if (!d->said_busy)
        log_warn("%s; trying on", why->msg);
    d->said_busy = true;
    d->calm_until = clock_mono() + (why->code == ERR_BUSY ? BUSY_RETRY_MS : CALM_MS);
    round_soon(d, 0);
    return 0;
}

int round_run(struct dispatch *d, struct err *err)
{
    struct round round = {0};
    struct err why = {0};
    int rc = 0;
    d->round_due = 0;
    queue_due(d);
    keeping_sync(d);
    if (d->place_wanted) {
        pinned_look(d);
        round.nclaims = placing_run(d, round.claims, ROUND_CLAIMS);
    }
    waiting_want(d);
    if (is_needed(d, &round)) {
        if (record(d, &round, &why) == 0) {
            d->said_busy = false;
            d->lease_due = clock_mono() + holder_lease() / 3;
            tell(d, &round);
            catalogue_checkpoint(d->cat, CATALOGUE_WAL_BYTES);
            rc = take_settled(d, err);
        } else {
            undo(d, &round);
            rc = postpone(d, &why, err);
        }
    }
    free(round.ends);
    if (d->place_wanted && rc == 0)
        round_soon(d, 0);
    return rc;
}
