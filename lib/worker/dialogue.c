#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "worker/carried.h"
#include "worker/executor.h"
#include "worker/facts.h"
#include "worker/front.h"
#include "worker/limits.h"
#include "worker/staging.h"
#include "worker/ticket.h"
#include "xalloc.h"

/* ---- hello ---- */

static void refuse(struct front *front, const char *reason)
{
    struct message_writer w = message_begin(&front->out, MSG_REFUSED);
    message_u64(&w, TAG_VERSION, MESSAGE_VERSION);
    message_str(&w, TAG_BUILD, front->build);
    message_str(&w, TAG_REASON, reason);
    message_end(&w);
    front->ending = true;
}

static void announce(struct charge *charge, void *arg)
{
    struct front *front = arg;
    struct message_writer w = message_begin(&front->out, MSG_RUN);
    message_key(&w, charge->key);
    message_u64(&w, TAG_STATE, charge->result ? MESSAGE_RUN_ENDED : MESSAGE_RUN_LIVE);
    message_u64(&w, TAG_AGE, (uint64_t)moment_age(&charge->started, front->boot));
    message_end(&w);
}

static void welcome(struct front *front)
{
    struct message_writer w = message_begin(&front->out, MSG_WELCOME);
    message_u64(&w, TAG_VERSION, MESSAGE_VERSION);
    message_str(&w, TAG_BUILD, front->build);
    facts_lasting(&w);
    facts_changing(&w, front->spool.dir);
    message_str(&w, TAG_SPOOL, front->spool.dir);
    message_str(&w, TAG_SPOOL_ID, front->spool.id);
    executor_tell(&w);
    limits_tell(&w);
    message_end(&w);
    charges_each(&front->charges, announce, front);
    w = message_begin(&front->out, MSG_READY);
    message_end(&w);
    front->welcomed = true;
}

/* The fence is looked at before the other front end is ended, so that a dispatcher that was replaced cannot
 * end its successor's, and again under the lock, where it is raised before anything is promised. */
static int take_spool(struct front *front, const struct message *m, struct err *err)
{
    char *base = message_get_str(m, TAG_SPOOL), *uuid = message_get_str(m, TAG_UUID),
         *worker = message_get_str(m, TAG_WORKER);
    uint64_t epoch = message_get_u64(m, TAG_EPOCH, 0), fence = message_get_u64(m, TAG_FENCE, 0);
    front->own = account_own();
    int rc = spool_open(&front->spool, base, front->own->home, uuid, worker, err);
    if (rc == 0)
        rc = spool_check_fence(&front->spool, epoch, fence, err);
    if (rc == 0)
        rc = spool_lock(&front->spool, err);
    if (rc == 0)
        rc = spool_raise_fence(&front->spool, epoch, fence, err);
    if (rc == 0)
        rc = spool_identify(&front->spool, err);
    if (rc == 0)
        rc = spool_open_fixed(&front->spool, err);
    if (rc == 0) {
        front->tickets = ticket_base(front->spool.dir, base, front->own->home);
        rc = custody_open(front, err);
    }
    free(base);
    free(uuid);
    free(worker);
    return rc;
}

/* HELLO may be old, and has nothing to say back: it is a sign only of a head that knows no stamps. What an
 * earlier boot left behind may lie ahead of us, and would be one for ever. */
static void greet_shims(struct front *front)
{
    _Atomic int64_t *heartbeat = &front->cells.slot[0].heartbeat;
    int64_t now = moment_up();
    if (!front->stamped)
        atomic_store(heartbeat, now);
    else if (atomic_load(heartbeat) > now)
        atomic_store(heartbeat, 0);
}

/* Of when the head's word is at the latest: it said this after it had the stamp, and may have been under way
 * ever since. What a slow link takes is allowed for by the silence; lost.c adds as much. */
static int64_t sign_of(const struct front *front, const struct message *m)
{
    int64_t now = moment_up();
    uint64_t stamp = message_get_u64(m, TAG_STAMP, front->stamped ? 0 : (uint64_t)now);
    return stamp + (uint64_t)front->silence < (uint64_t)now ? (int64_t)stamp + front->silence : now;
}

static void heed_stamp(struct front *front, const struct message *m)
{
    struct message_field stamp;
    if (front->stamped && message_get(m, TAG_STAMP, &stamp))
        atomic_store(&front->cells.slot[0].heartbeat, sign_of(front, m));
}

static int on_hello(struct front *front, const struct message *m, struct err *err)
{
    struct err why = {0};
    struct message_field stamp;
    uint64_t version = message_get_u64(m, TAG_VERSION, 0);
    if (front->welcomed)
        return err_set(err, ERR_DATA, "the head said HELLO twice");
    if (version != MESSAGE_VERSION) {
        char *reason =
            xasprintf("this rota-worker (%s) speaks version %d, the head version %" PRIu64
                      ": install the same build on both",
                      front->build, MESSAGE_VERSION, version);
        refuse(front, reason);
        free(reason);
    } else if (take_spool(front, m, &why) < 0) {
        refuse(front, why.msg);
    } else {
        front->stamped = message_get(m, TAG_STAMP, &stamp);
        greet_shims(front);
        welcome(front);
    }
    return 0;
}

/* ---- runs ---- */

static bool is_ordered(const struct front *front, struct message_key key)
{
    for (size_t i = 0; i < front->norders; i++) {
        struct message_key its = front->orders[i]->key;
        if (its.run == key.run && its.attempt == key.attempt && its.token == key.token)
            return true;
    }
    return false;
}

/* A run that is known is not started again: what it is now is said again. */
static void say_again(struct front *front, struct charge *charge, uint64_t credit)
{
    if (!charge->streaming)
        charge->credit = credit;
    charge->streaming = true;
    charge->result_sent = false;
    if (!charge->result)
        stream_started(front, charge);
    stream_wake(front, charge);
}

static int on_start(struct front *front, const struct message *m, struct err *err)
{
    struct message_key key = message_get_key(m);
    struct charge *charge = charge_find(&front->charges, key);
    (void)err;
    if (is_ordered(front, key))
        return 0;
    if (charge) {
        say_again(front, charge, message_get_u64(m, TAG_CREDIT, 0));
        return 0;
    }
    struct order *order = order_read(m);
    if (order->secrets.n)
        message_wipe(&front->reader, &front->in);
    order->sign = sign_of(front, m);
    front->orders[front->norders++] = order;
    if (front->norders == FRONT_ORDERS)
        custody_begin(front);
    return 0;
}

static int on_adopt(struct front *front, const struct message *m, struct err *err)
{
    struct charge *charge = charge_find(&front->charges, message_get_key(m));
    (void)err;
    if (!charge)
        return 0;
    charge->streaming = true;
    charge->result_sent = false;
    charge->sent[0] = message_get_u64(m, TAG_OUT_AT, 0);
    charge->sent[1] = message_get_u64(m, TAG_ERR_AT, 0);
    charge->file = 0;
    charge->file_at = 0;
    charge->credit = message_get_u64(m, TAG_CREDIT, 0);
    if (charge->carried)
        carried_tell_again(front, charge);
    stream_wake(front, charge);
    return 0;
}

static int on_credit(struct front *front, const struct message *m, struct err *err)
{
    struct charge *charge = charge_find_streaming(&front->charges, message_get_u64(m, TAG_RUN, 0),
                                                  (uint32_t)message_get_u64(m, TAG_ATTEMPT, 0));
    uint64_t more = message_get_u64(m, TAG_CREDIT, 0);
    (void)err;
    if (!charge)
        return 0;
    charge->credit += more < UINT64_MAX - charge->credit ? more : UINT64_MAX - charge->credit;
    stream_wake(front, charge);
    return 0;
}

static int on_put(struct front *front, const struct message *m, struct err *err)
{
    (void)err;
    staging_take(front, m);
    return 0;
}

static int on_kill(struct front *front, const struct message *m, struct err *err)
{
    uint64_t sig = message_get_u64(m, TAG_SIGNAL, 0);
    struct charge *charge = charge_find(&front->charges, message_get_key(m));
    (void)err;
    if (charge && sig < NSIG)
        custody_signal(front, charge, (int)sig);
    return 0;
}

static int on_ack(struct front *front, const struct message *m, struct err *err)
{
    struct message_field f;
    (void)err;
    for (size_t pos = 0; message_field(m, &pos, &f);)
        for (size_t at = 0; f.tag == TAG_KEYS && f.len - at >= MESSAGE_KEY_SIZE;
             at += MESSAGE_KEY_SIZE)
            custody_ack(front, message_unpack_key(f.p + at));
    custody_acked(front);
    return 0;
}

static int on_ping(struct front *front, const struct message *m, struct err *err)
{
    (void)m;
    (void)err;
    struct message_writer w = message_begin(&front->out, MSG_PONG);
    facts_changing(&w, front->spool.dir);
    message_end(&w);
    custody_recheck(front);
    return 0;
}

/* ---- all messages ---- */

static const struct {
    enum message_type type;
    int (*take)(struct front *, const struct message *, struct err *);
} dialogue[] = {
    {MSG_HELLO, on_hello}, {MSG_START, on_start}, {MSG_ADOPT, on_adopt}, {MSG_CREDIT, on_credit},
    {MSG_KILL, on_kill},   {MSG_ACK, on_ack},     {MSG_PING, on_ping},   {MSG_PUT, on_put},
};

/* Orders that were read are begun before any other message is looked at, which may be about them. */
static int take(struct front *front, const struct message *m, struct err *err)
{
    if (!front->welcomed && m->type != MSG_HELLO)
        return err_set(err, ERR_DATA, "the head did not begin with HELLO");
    if (m->type != MSG_START)
        custody_begin(front);
    if (front->welcomed)
        heed_stamp(front, m);
    for (size_t i = 0; i < sizeof dialogue / sizeof *dialogue; i++)
        if (dialogue[i].type == m->type)
            return dialogue[i].take(front, m, err);
    return 0; /* a newer head may say more */
}

int dialogue_take(struct front *front, struct err *err)
{
    struct message m;
    int rc = 1;
    while (rc > 0 && !front->ending) {
        rc = message_next(&front->reader, &front->in, &m, err);
        if (rc > 0 && take(front, &m, err) < 0)
            rc = err->code;
    }
    if (front->welcomed) /* a bad frame undoes none of the good ones before it */
        custody_begin(front);
    return rc < 0 ? rc : 0;
}
