#include "dispatch/internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "output.h"
#include "xalloc.h"

/* ---- what we say ---- */

void talk_hello(struct peer *peer)
{
    const struct dispatch *d = peer->d;
    struct message_writer w = message_begin(&peer->queued, MSG_HELLO);
    message_u64(&w, TAG_VERSION, MESSAGE_VERSION);
    message_str(&w, TAG_UUID, catalogue_uuid(d->cat));
    message_u64(&w, TAG_EPOCH, (uint64_t)catalogue_epoch(d->cat));
    message_u64(&w, TAG_FENCE, (uint64_t)d->holder.fence);
    message_str(&w, TAG_WORKER, peer->config->name);
    message_str(&w, TAG_SPOOL, peer->config->spool);
    message_u64(&w, TAG_STAMP, 0);
    message_end(&w);
}

void talk_stamp(const struct peer *peer, struct message_writer *w)
{
    if (peer->stamp)
        message_u64(w, TAG_STAMP, peer->stamp);
}

void talk_kill(struct peer *peer, struct message_key key, int signal)
{
    struct message_writer w = message_begin(&peer->queued, MSG_KILL);
    message_key(&w, key);
    message_u64(&w, TAG_SIGNAL, (uint64_t)signal);
    message_end(&w);
}

void talk_ping(struct peer *peer)
{
    struct message_writer w = message_begin(&peer->queued, MSG_PING);
    talk_stamp(peer, &w);
    message_end(&w);
    peer->pinged = clock_mono();
}

void talk_ack(struct peer *peer, struct buf *keys)
{
    struct message_writer w = message_begin(&peer->queued, MSG_ACK);
    message_bytes(&w, TAG_KEYS, buf_data(keys), keys->len);
    message_end(&w);
}

static void adopt(struct peer *peer, struct work *work)
{
    struct message_writer w = message_begin(&peer->queued, MSG_ADOPT);
    message_key(&w, work_key(work));
    message_u64(&w, TAG_OUT_AT, (uint64_t)work->have[0]);
    message_u64(&w, TAG_ERR_AT, (uint64_t)work->have[1]);
    message_u64(&w, TAG_CREDIT, TALK_CREDIT);
    talk_stamp(peer, &w);
    message_end(&w);
    work->credit_due = 0;
    lost_keep(peer, work);
    if (work->cancel)
        talk_kill(peer, work_key(work), 0);
}

/* ---- what the worker says ---- */

/* A worker is not believed: what no honest one says is cut down to what can be worked with. */
static int64_t get_upto(const struct message *m, enum message_tag tag, int64_t most)
{
    uint64_t value = message_get_u64(m, tag, 0);
    return value < (uint64_t)most ? (int64_t)value : most;
}

static const int64_t AMOUNT_MAX = INT64_MAX / 8;          /* no sum of a few overflows */
static const int64_t SPAN_MAX_MS = INT64_C(315360000000); /* ten years */

static int64_t get_amount(const struct message *m, enum message_tag tag)
{
    return get_upto(m, tag, AMOUNT_MAX);
}

static int64_t get_span(const struct message *m, enum message_tag tag)
{
    return get_upto(m, tag, SPAN_MAX_MS);
}

/* The unfinished run of this peer that a message is about; NULL when it is none of ours. */
static struct work *work_of(const struct peer *peer, const struct message *m)
{
    struct message_key key = message_get_key(m);
    struct work *work = work_find(peer->d, (int64_t)key.run);
    bool ours = work && work->peer == peer && (uint32_t)work->attempt == key.attempt &&
                work->token == key.token;
    return ours ? work : NULL;
}

static void replace(char **to, char *taken)
{
    free(*to);
    *to = taken;
}

/* Whether what is known differs from what is said now; what either does not tell, differs not. */
static bool is_other(const char *known, const char *now)
{
    return known && now && strcmp(known, now) != 0;
}

/* Another machine under this name must not be asked about runs: it would truthfully say that it
 * knows none of them, and they would be taken for lost. */
static int check_machine(const struct peer *peer, struct err *err)
{
    if (!peer->nworks || !is_other(peer->host.machine, peer->said.machine))
        return 0;
    return err_set(err, ERR_UNREACHABLE,
                   "another machine answers as %s: its runs are waited for; mend the address, or "
                   "say rota cancel --lost for them",
                   peer->config->name);
}

static int on_welcome(struct peer *peer, const struct message *m, struct err *err)
{
    if (message_get_u64(m, TAG_VERSION, 0) != MESSAGE_VERSION)
        return err_set(err, ERR_UNREACHABLE, "the worker speaks another version of the protocol");
    struct host *host = &peer->host;
    replace(&peer->said.machine, message_get_str(m, TAG_MACHINE));
    replace(&peer->said.boot, message_get_str(m, TAG_BOOT));
    replace(&peer->said.spool, message_get_str(m, TAG_SPOOL_ID));
    replace(&host->hostname, message_get_str(m, TAG_HOSTNAME));
    replace(&host->system, message_get_str(m, TAG_SYSTEM));
    replace(&host->build, message_get_str(m, TAG_BUILD));
    uint64_t cpus = message_get_u64(m, TAG_CPUS, 1);
    host->cpus = cpus > 0 && cpus < 100000 ? (int)cpus : 1;
    host->load_percent = (int)get_upto(m, TAG_LOAD, INT_MAX);
    host->mem_total_kb = get_amount(m, TAG_MEM_TOTAL);
    host->mem_free_kb = get_amount(m, TAG_MEM_FREE);
    host->disk_free_kb = get_amount(m, TAG_DISK_FREE);
    host->skew_ms = get_amount(m, TAG_CLOCK) - clock_now();
    peer->stamp = message_get_u64(m, TAG_STAMP, 0);
    feature_take(peer, m);
    peer_become(peer, PEER_LISTING);
    return check_machine(peer, err);
}

static int on_refused(struct peer *peer, const struct message *m, struct err *err)
{
    (void)peer;
    char *reason = message_get_str(m, TAG_REASON);
    err_set(err, ERR_UNREACHABLE, "the worker refuses: %s", reason ? reason : "no reason given");
    free(reason);
    return ERR_UNREACHABLE;
}

static int on_run(struct peer *peer, const struct message *m, struct err *err)
{
    struct work *work = work_of(peer, m);
    if (!work)
        return stranger_met(peer, m, err);
    work->known = true;
    work->over = message_get_u64(m, TAG_STATE, 0) == MESSAGE_RUN_ENDED;
    adopt(peer, work);
    return 0;
}

/* An empty identity is left by a take-over (holder_take_over). */
static const char *say_unknown(const struct peer *peer)
{
    bool taken_over = peer->host.spool && !*peer->host.spool;
    return taken_over ? "not known to the worker: it may have ended after the catalogue was copied"
                      : "spool gone: the worker does not know this run any more";
}

/* The list is complete: whatever is ours and was not named is not there. A claimed run whose START
 * never arrived is started now, with the same token: the worker's journal holds every START that
 * it took, so it cannot have begun. That argument needs the same journal: a spool with another
 * identity knows nothing, and one that went through a reboot may have forgotten (it is not synced).
 * Then the run may have run, and is lost. */
static void settle(struct dispatch *d, struct peer *peer, struct work *work)
{
    bool new_spool = is_other(peer->host.spool, peer->said.spool);
    bool rebooted = is_other(peer->host.boot, peer->said.boot);
    if (rebooted) {
        work_give_up(d, work, END_LOST, "host rebooted");
    } else if (new_spool || work->state == RUN_RUNNING) {
        work_give_up(d, work, END_LOST, say_unknown(peer));
        work->ending->unproven = true;
    } else if (work->cancel) {
        work_give_up(d, work, END_CANCELLED, "cancelled before it started");
    } else {
        talk_start(peer, work);
    }
}

/* Recorded in the same transaction as the verdicts. */
static void learn_identity(struct peer *peer)
{
    replace(&peer->host.machine, peer->said.machine);
    replace(&peer->host.boot, peer->said.boot);
    replace(&peer->host.spool, peer->said.spool);
    peer->said.machine = peer->said.boot = peer->said.spool = NULL;
}

static int on_ready(struct peer *peer, const struct message *m, struct err *err)
{
    (void)m;
    (void)err;
    struct dispatch *d = peer->d;
    peer_become(peer, PEER_READY);
    peer->failures = 0;
    peer->down_since = 0;
    replace(&peer->trouble, NULL);
    peer->place.doubtful = false;
    peer->place.slots = peer->config->slots ? peer->config->slots : peer->host.cpus;
    peer->place.guessed = false;
    for (struct work *work = peer->works; work; work = work->next) {
        if (!work->known && !work->ending)
            settle(d, peer, work);
    }
    learn_identity(peer);
    if (peer->strangers)
        log_warn("%s: %zu runs are there that are not followed from here: left alone",
                 peer->config->name, peer->strangers);
    peer->strangers = 0;
    peer->reasons_due = true;
    peer_record(peer);
    d->place_wanted = true;
    round_soon(d, 0);
    log_info("%s: ready, %d slots", peer->config->name, peer->place.slots);
    return 0;
}

static int on_started(struct peer *peer, const struct message *m, struct err *err)
{
    (void)err;
    struct dispatch *d = peer->d;
    struct work *work = work_of(peer, m);
    if (!work || work->started_told || work->state != RUN_STARTING)
        return 0;
    work->started_at = clock_now() - get_span(m, TAG_AGE);
    work->started_told = true;
    if (d->ntold == d->told_cap) {
        d->told_cap = d->told_cap ? d->told_cap * 2 : 64;
        d->told = xreallocarray(d->told, d->told_cap, sizeof(struct work *));
    }
    d->told[d->ntold++] = work;
    round_soon(d, ROUND_STARTED_MS);
    return 0;
}

static int on_note(struct peer *peer, const struct message *m, struct err *err)
{
    const struct work *work = work_of(peer, m);
    (void)err;
    if (work && !work->ending)
        noted_take(peer->d, work, m);
    return 0;
}

static void give_credit(struct peer *peer, struct work *work, size_t len)
{
    work->credit_due += (int64_t)len;
    if (work->credit_due < TALK_CREDIT / 2)
        return;
    struct message_writer w = message_begin(&peer->queued, MSG_CREDIT);
    message_key(&w, work_key(work));
    message_u64(&w, TAG_CREDIT, (uint64_t)work->credit_due);
    message_end(&w);
    work->credit_due = 0;
}

/* Written at once at its offset. When the disk is full the connection is given up: the worker keeps
 * everything until we acknowledge, and sends it again when there is room. */
static int on_output(struct peer *peer, const struct message *m, struct err *err)
{
    struct message_field data;
    struct work *work = work_of(peer, m);
    if (!work || !message_get(m, TAG_DATA, &data) || !data.len)
        return 0;
    uint64_t stream = message_get_u64(m, TAG_STREAM, 0);
    uint64_t offset = message_get_u64(m, TAG_OFFSET, 0);
    uint64_t limit = (uint64_t)work->spec->job.output_limit;
    if ((stream != OUTPUT_OUT && stream != OUTPUT_ERR) || offset > limit ||
        limit - offset < data.len)
        return err_set(err, ERR_DATA, "the worker sent output beyond the limit of run %lld",
                       (long long)work->id);
    int s = stream == OUTPUT_ERR;
    int rc = output_write(peer->d->output, work->id, work->attempt, s ? OUTPUT_ERR : OUTPUT_OUT,
                          (int64_t)offset, data.p, data.len, err);
    if (rc < 0) {
        keeping_failed(work);
        return rc;
    }
    work->touched[s] = true;
    if ((int64_t)offset <= work->have[s] && (int64_t)(offset + data.len) > work->have[s])
        work->have[s] = (int64_t)(offset + data.len);
    give_credit(peer, work, data.len);
    return 0;
}

/* How a run ended; what is not said clearly is not known, and unknown is never success. */
static enum message_end get_end(const struct message *m)
{
    uint64_t end = message_get_u64(m, TAG_END, END_LOST);
    bool clear = end >= END_EXIT && end <= END_NOSTART;
    if (end == END_EXIT && message_get_u64(m, TAG_CODE, UINT64_MAX) > UCHAR_MAX)
        clear = false;
    return clear ? (enum message_end)end : END_LOST;
}

static int on_taken(struct peer *peer, const struct message *m, struct err *err)
{
    (void)err;
    sending_taken(peer, m);
    return 0;
}

static int on_get(struct peer *peer, const struct message *m, struct err *err)
{
    struct work *work = work_of(peer, m);
    size_t len = 0;
    int rc = work && !work->ending ? getting_take(peer->d, work, m, &len, err) : 0;
    if (rc == 0 && len)
        give_credit(peer, work, len);
    return rc;
}

static int on_result(struct peer *peer, const struct message *m, struct err *err)
{
    struct work *work = work_of(peer, m);
    if (!work)
        return stranger_ended(peer, m, err);
    if (work->ending) /* told twice: the first is as good */
        return 0;
    struct ending *e = xcalloc(1, sizeof *e);
    *e = (struct ending){
        .end = get_end(m),
        .told = true,
        .code = (int)get_upto(m, TAG_CODE, UCHAR_MAX),
        .signal = (int)get_upto(m, TAG_SIGNAL, SCHAR_MAX),
        .reason = message_get_str(m, TAG_REASON),
        .duration_ms = get_span(m, TAG_DURATION),
        .at = clock_now() - get_span(m, TAG_AGE),
        .utime_us = get_amount(m, TAG_UTIME),
        .stime_us = get_amount(m, TAG_STIME),
        .maxrss_kb = get_amount(m, TAG_MAXRSS),
        .total = {get_amount(m, TAG_OUT_TOTAL), get_amount(m, TAG_ERR_TOTAL)},
    };
    e->dropped[0] = get_upto(m, TAG_OUT_DROPPED, e->total[0]);
    e->dropped[1] = get_upto(m, TAG_ERR_DROPPED, e->total[1]);
    giving_take(e, m);
    int rc = keeping_match(work, e, err);
    if (rc == 0)
        rc = getting_match(work, e, m, err);
    if (rc == 0)
        work_ended(peer->d, work, e);
    else
        ending_free(e);
    return rc;
}

static int on_pong(struct peer *peer, const struct message *m, struct err *err)
{
    (void)err;
    peer->host.load_percent = (int)get_upto(m, TAG_LOAD, INT_MAX);
    peer->host.mem_free_kb = get_amount(m, TAG_MEM_FREE);
    peer->host.disk_free_kb = get_amount(m, TAG_DISK_FREE);
    peer->host.skew_ms = get_amount(m, TAG_CLOCK) - clock_now();
    peer->stamp = message_get_u64(m, TAG_STAMP, 0);
    return 0;
}

/* Which message is welcome in which states of the conversation. */
enum { GREETING = 1 << PEER_GREETING, LISTING = 1 << PEER_LISTING, READY = 1 << PEER_READY };

static const struct {
    enum message_type type;
    unsigned states;
    int (*handle)(struct peer *, const struct message *, struct err *);
} handlers[] = {
    {MSG_OUTPUT, LISTING | READY, on_output},
    {MSG_RESULT, LISTING | READY, on_result},
    {MSG_STARTED, LISTING | READY, on_started},
    {MSG_NOTE, LISTING | READY, on_note},
    {MSG_TAKEN, LISTING | READY, on_taken},
    {MSG_GET, LISTING | READY, on_get},
    {MSG_PONG, LISTING | READY, on_pong},
    {MSG_RUN, LISTING, on_run},
    {MSG_READY, LISTING, on_ready},
    {MSG_WELCOME, GREETING, on_welcome},
    {MSG_REFUSED, GREETING, on_refused},
};

int talk_handle(struct peer *peer, const struct message *m, struct err *err)
{
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (handlers[i].type != m->type)
            continue;
        if (!(handlers[i].states >> peer->state & 1))
            return err_set(err, ERR_DATA, "the worker sent message %d out of turn", m->type);
        return handlers[i].handle(peer, m, err);
    }
    return 0; /* a newer worker's: skipped */
}
