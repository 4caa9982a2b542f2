#include "dispatch/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "duration.h"
#include "log.h"
#include "output.h"
#include "xalloc.h"

enum { BUSY_RETRY_MS = 50, WAITING_MS = 1000, CALM_MS = 1000 };

void round_soon(struct dispatch *d, int64_t ms)
{
    int64_t due = clock_mono() + ms;
    if (!d->round_due || due < d->round_due)
        d->round_due = due;
}

/* What one round is about to commit, so that it can be told, or undone. */
struct round {
    struct work *claims[ROUND_CLAIMS];
    struct peer *on[ROUND_CLAIMS];
    size_t nclaims;
    struct {
        struct work *work;
        struct run_end end;
        char why[512];
        bool fresh; /* false: it was recorded before */
    } * ends;
    size_t nends;
};

/* ---- placing ---- */

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

static void place_one(struct round *round, struct class *class, struct place_host *host,
                      struct dispatch *d)
{
    struct work *work = heap_pop(&class->line);
    struct peer *peer = peer_find(d, host->name);
    round->claims[round->nclaims] = work;
    round->on[round->nclaims++] = peer;
    work_attach(work, peer); /* takes the slots */
}

/* What cold hosts are wanted for is counted anew each time. */
static void reset_cold(struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->place.state == PLACE_COLD)
            d->peers[i]->place.used = d->peers[i]->busy;
}

static void place(struct dispatch *d, struct round *round)
{
    struct heap lines = {.less = class_before};
    reset_cold(d);
    for (struct class *class = d->classes; class; class = class->next)
        if (class->line.n)
            heap_push(&lines, class);
    for (struct class *class; (class = heap_top(&lines));) {
        if (round->nclaims == ROUND_CLAIMS) {
            round_soon(d, 0);
            break;
        }
        struct place_host *host = host_for_first(class);
        if (host)
            place_one(round, class, host, d);
        else
            want_cold(class, d);
        if (!host || !class->line.n)
            (void)heap_pop(&lines);
        else
            heap_fix(&lines, 0);
    }
    d->place_wanted = round->nclaims == ROUND_CLAIMS;
    heap_free(&lines);
}

bool round_could_start(const struct dispatch *d)
{
    for (const struct class *class = d->classes; class; class = class->next)
        for (size_t i = 0; class->line.n && i < class->nhosts; i++)
            if (class->hosts[i]->state != PLACE_OUT)
                return true;
    return false;
}

/* ---- why lines wait ---- */

static const struct peer *peer_of(const struct place_host *host)
{
    return (const struct peer *)(const void *)((const char *)host - offsetof(struct peer, place));
}

enum { NAMES_SHOWN = 3 };

/* Appends the names of the class's hosts in this state; returns how many there are. */
static size_t list_hosts(const struct class *class, enum place_state state, const char *before,
                         struct buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < class->nhosts; i++)
        if (class->hosts[i]->state == state && n++ < NAMES_SHOWN)
            buf_addf(text, "%s%s", n == 1 ? before : ", ", class->hosts[i]->name);
    if (n > NAMES_SHOWN)
        buf_addf(text, " and %zu more", n - NAMES_SHOWN);
    return n;
}

static void say_out(const struct class *class, struct buf *text)
{
    const struct peer *peer = peer_of(class->hosts[0]);
    char since[CLOCK_TEXT];
    if (class->nhosts > 1)
        buf_addf(text, "all %zu workers that match are down or drained", class->nhosts);
    else if (peer->drained)
        buf_addf(text, "%s is drained: %s", peer->place.name, peer->host.drained);
    else
        buf_addf(text, "%s unreachable since %s: %s", peer->place.name,
                 clock_local(peer->down_since, since), peer->trouble ? peer->trouble : "?");
}

/* Why the line waits, owned by the caller; "" when nothing waits. */
static char *say_waiting(const struct class *class)
{
    struct buf text = {0};
    if (!class->line.n)
        return buf_detach(&text);
    if (!class->nhosts)
        buf_addstr(&text, "no worker matches its hosts, tags and slots");
    else if (!list_hosts(class, PLACE_READY, "no free slot on ", &text) &&
             !list_hosts(class, PLACE_COLD, "connecting to ", &text))
        say_out(class, &text);
    return buf_detach(&text);
}

static int record_class(struct dispatch *d, struct class *class, struct err *err)
{
    char *text = say_waiting(class);
    int rc = 0;
    if (!class->waiting || strcmp(text, class->waiting) != 0)
        for (struct spec *spec = class->specs; rc == 0 && spec; spec = spec->next)
            rc = spec_waiting(d->cat, spec->id, text[0] ? text : NULL, err);
    free(class->waiting);
    class->waiting = text;
    return rc;
}

/* One statement a specification, and only when the words change: never one a queued run. */
static int record_waiting(struct dispatch *d, struct err *err)
{
    int64_t now = clock_mono();
    int rc = 0;
    if (!d->waiting_due || now < d->waiting_due)
        return 0;
    d->waiting_due = 0;
    for (struct class *class = d->classes; rc == 0 && class; class = class->next)
        rc = record_class(d, class, err);
    return rc;
}

/* ---- recording ---- */

/* The promise is "output first, then the result": what is not on disk is not recorded as ended. */
static int sync_outputs(struct dispatch *d, struct err *err)
{
    const char *path = catalogue_path(d->cat);
    for (struct work *work = d->ended; work; work = work->next_ended)
        for (int s = 0; s < 2; s++) {
            if (!work->touched[s])
                continue;
            int rc = output_sync(path, work->id, work->attempt, s ? OUTPUT_ERR : OUTPUT_OUT, err);
            if (rc < 0)
                return rc;
            work->touched[s] = false;
        }
    return 0;
}

static int record_started(struct dispatch *d, struct err *err)
{
    for (size_t i = 0; i < d->ntold; i++) {
        const struct work *work = d->told[i];
        if (!work || work->ending)
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
        round->ends[round->nends].work = work;
        round->ends[round->nends++].fresh = rc == 0;
    }
    return 0;
}

/* The runs of a host that is away say so; those of one that is back do not any more. */
static int record_reasons(struct dispatch *d, const struct peer *peer, struct err *err)
{
    char reason[128], since[CLOCK_TEXT];
    if (peer->down_since)
        (void)snprintf(reason, sizeof reason, "%s unreachable since %s", peer->place.name,
                       clock_local(peer->down_since, since));
    for (const struct work *work = peer->works; work; work = work->next) {
        if (work->ending)
            continue;
        int rc = run_reason(d->cat, work->id, peer->down_since ? reason : NULL, err);
        if (rc < 0)
            return rc;
    }
    return 0;
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
    for (size_t i = 0; i < round->nclaims; i++) {
        struct work *work = round->claims[i];
        uint64_t token = 0;
        if (getrandom(&token, sizeof token, 0) != sizeof token)
            return err_sys(err, ERR_OS, "cannot get random bytes");
        token >>= 1; /* a positive integer in the catalogue */
        int attempt = work->attempt;
        int rc = run_claim(d->cat, work->id, round->on[i]->place.name, token, now, &attempt, err);
        if (rc < 0 && rc != ERR_ANSWER)
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
    return d->nended || d->ntold || d->dirty || round->nclaims ||
           (d->waiting_due && clock_mono() >= d->waiting_due) || clock_mono() >= d->lease_due;
}

static int record(struct dispatch *d, struct round *round, struct err *err)
{
    int rc = sync_outputs(d, err);
    if (rc == 0)
        rc = catalogue_begin(d->cat, err);
    if (rc < 0)
        return rc;
    rc = holder_renew(d->cat, &d->holder, err); /* the fence check: nothing is written past it */
    if (rc < 0)
        d->held = rc != ERR_BUSY;
    if (rc == 0)
        rc = record_started(d, err);
    if (rc == 0)
        rc = record_ends(d, round, err);
    if (rc == 0)
        rc = record_hosts(d, err);
    if (rc == 0)
        rc = record_claims(d, round, err);
    if (rc == 0)
        rc = record_waiting(d, err);
    if (rc == 0)
        rc = catalogue_commit(d->cat, err);
    if (rc < 0)
        catalogue_rollback(d->cat);
    return rc;
}

/* ---- after the commit ---- */

static void tell_end(struct dispatch *d, struct work *work, const struct run_end *end)
{
    ending_free(work->ending);
    work->ending = NULL;
    struct peer *peer = work->peer;
    work_detach(work);
    d->place_wanted = true;
    if (end->state != RUN_QUEUED) {
        d->count.done++;
        d->count.failed += end->state != RUN_SUCCEEDED;
        work_end(d, work);
        return;
    }
    work->state = RUN_QUEUED;
    work->not_before = end->not_before;
    work->have[0] = work->have[1] = 0;
    if (peer && work->spec->job.retry.elsewhere)
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
        if (work->state != RUN_STARTING)
            work_end(d, work);
        else
            talk_start(round->on[i], work);
    }
}

static void tell(struct dispatch *d, struct round *round)
{
    for (size_t i = 0; i < d->ntold; i++)
        if (d->told[i]) {
            d->told[i]->state = RUN_RUNNING;
            d->told[i]->started_told = false;
        }
    d->ntold = 0;
    for (struct peer *peer = d->dirty; peer; peer = peer->next_dirty)
        peer->host_dirty = false;
    d->dirty = NULL;
    tell_ends(d, round);
    tell_claims(d, round);
}

static void undo(struct dispatch *d, struct round *round)
{
    for (size_t i = 0; i < round->nclaims; i++) {
        struct work *work = round->claims[i];
        if (work->state == RUN_STARTING) {
            work->state = RUN_QUEUED;
            work->attempt--;
        }
        work_detach(work);
        queue_put(d, work);
    }
    for (struct class *class = d->classes; class; class = class->next) {
        free(class->waiting);
        class->waiting = NULL;
    }
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
    round_soon(d, why->code == ERR_BUSY ? BUSY_RETRY_MS : CALM_MS);
    return 0;
}

int round_run(struct dispatch *d, struct err *err)
{
    struct round round = {0};
    struct err why = {0};
    int rc = 0;
    d->round_due = 0;
    queue_due(d);
    if (d->place_wanted)
        place(d, &round);
    if (!queue_is_empty(d) && !d->waiting_due)
        d->waiting_due = clock_mono() + WAITING_MS;
    if (is_needed(d, &round)) {
        if (record(d, &round, &why) == 0) {
            d->said_busy = false;
            d->lease_due = clock_mono() + HOLDER_LEASE_MS / 3;
            tell(d, &round);
        } else {
            undo(d, &round);
            rc = postpone(d, &why, err);
        }
    }
    free(round.ends);
    if (d->place_wanted && rc == 0)
        round_soon(d, d->said_busy ? BUSY_RETRY_MS : 0);
    return rc;
}
