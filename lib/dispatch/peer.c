#include "dispatch/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "log.h"
#include "xalloc.h"

enum {
    READ_CHUNK = 65536,
    READ_TURN = 4 * READ_CHUNK, /* bytes of one host in one turn: others want their turn too */
    WRITE_CHUNK = 32768,
    QUEUED_MAX = 64 << 20, /* bytes for a worker that does not read */
    GREETING_STEPS = 2, /* of connecting: so long from HELLO to WELCOME, and from there to READY */
    RETRY_FIRST_MS = 1000, /* doubles at each failure in a row */
    RETRY_MAX_MS = 300000,
    AWAY_MS = 60000, /* a host with runs is waited for so long before it is set aside */
    IDLE_PINGS = 4,  /* a connection without work is closed after so many */
};

void peer_set_place(struct peer *peer)
{
    enum peer_state state = peer->state;
    bool out = peer->drained || peer->removed || state == PEER_RESTING;
    peer->place.state = out ? PLACE_OUT : state == PEER_READY ? PLACE_READY : PLACE_COLD;
}

void peer_set_slots(struct peer *peer)
{
    int known = peer->config->slots ? peer->config->slots : peer->host.cpus;
    peer->place.slots = known ? known : 1;
    peer->place.guessed = !known;
}

void peer_become(struct peer *peer, enum peer_state state)
{
    peer->state = state;
    peer->since = clock_mono();
    peer_set_place(peer);
}

bool peer_is_connecting(const struct peer *peer)
{
    return peer->state == PEER_CONNECTING || peer->state == PEER_GREETING ||
           peer->state == PEER_LISTING;
}

bool peer_is_aside(const struct peer *peer)
{
    return peer->state == PEER_RESTING &&
           (!peer->nworks || (clock_now() - peer->down_since > AWAY_MS && !lost_is_counting(peer)));
}

bool peer_has_unsent(const struct peer *peer)
{
    return peer->state == PEER_READY && (peer->sending.len || peer->queued.len);
}

void peer_record(struct peer *peer)
{
    bool up = peer->state == PEER_READY;
    struct host *host = &peer->host;
    enum host_state state = up ? HOST_UP : peer->down_since ? HOST_DOWN : HOST_UNKNOWN;
    if (host->state != state)
        host->state_at = clock_now();
    host->state = state;
    if (up)
        host->seen_at = clock_now();
    free(host->reason);
    host->reason = peer->trouble ? xstrdup(peer->trouble) : NULL;
    if (peer->host_dirty)
        return;
    peer->host_dirty = true;
    peer->next_dirty = peer->d->dirty;
    peer->d->dirty = peer;
    round_soon(peer->d, ROUND_BATCH_MS);
}

char *peer_say_down(const struct peer *peer)
{
    char since[CLOCK_TEXT];
    return xasprintf("%s unreachable since %s: %s", peer->place.name,
                     clock_local(peer->down_since, since), peer->trouble ? peer->trouble : "?");
}

/* ---- what to wait for ---- */

static int64_t next_deadline(const struct peer *peer)
{
    switch (peer->state) {
    case PEER_CONNECTING:
        return peer->link ? peer->link->deadline : 0;
    case PEER_GREETING:
    case PEER_LISTING:
        return peer->since + GREETING_STEPS * link_step_ms();
    case PEER_READY: {
        int64_t ping = peer->pinged + peer->ping_ms, silence = peer->heard + message_silence_ms();
        return ping < silence ? ping : silence;
    }
    case PEER_RESTING:
        return peer->retry_at;
    case PEER_IDLE:
        break;
    }
    return 0;
}

static void wait_for(struct peer *peer)
{
    struct err err;
    int fd = peer->link ? peer->link->fd : -1;
    uint32_t events = fd >= 0 ? (uint32_t)peer->link->events : 0;
    if (loop_set(peer->watch, fd, events, next_deadline(peer), &err) < 0)
        log_err(&err);
}

/* ---- connecting and failing ---- */

static void disconnect(struct peer *peer)
{
    (void)loop_set(peer->watch, -1, 0, 0, NULL);
    if (peer->state == PEER_GREETING || peer->state == PEER_LISTING || peer->state == PEER_READY)
        peer->mute_since = clock_mono();
    if (peer->link) {
        peer->link->transport->close(peer->link);
        peer->d->nlinks--;
    }
    peer->link = NULL;
    message_reader_free(&peer->reader);
    peer->reader = (struct message_reader){0};
    buf_free(&peer->in);
    buf_wipe(&peer->queued);
    buf_wipe(&peer->sending);
    peer->offered = 0;
    peer->stamp = 0;
    sending_cut(peer);
    for (struct work *work = peer->works; work; work = work->next)
        work->known = work->over = false;
}

static int64_t retry_delay(int failures)
{
    int64_t delay = RETRY_FIRST_MS;
    for (int i = 1; i < failures && delay < RETRY_MAX_MS; i++)
        delay *= 2;
    return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

/* What failed on this machine, or in the catalogue, says nothing of the host. */
static bool is_ours(const struct err *why)
{
    return why->code == ERR_OS || why->code == ERR_IO || why->code == ERR_BUSY ||
           why->code == ERR_BUG;
}

void peer_fail(struct peer *peer, const struct err *why)
{
    log_at(peer->down_since ? LOG_INFO : LOG_WARN, "%s: %s", peer->config->name, why->msg);
    disconnect(peer);
    if (!peer->down_since)
        peer->down_since = clock_now();
    if (!peer->trouble || strcmp(peer->trouble, why->msg) != 0)
        peer->reasons_due = true;
    free(peer->trouble);
    peer->trouble = xstrdup(why->msg);
    peer->place.doubtful = peer->state < PEER_READY && !is_ours(why);
    peer->failures++;
    peer->retry_at = clock_mono() + retry_delay(peer->failures);
    peer_become(peer, PEER_RESTING);
    peer_record(peer);
    lost_look(peer->d);
    peer->d->place_wanted = true; /* its runs may go elsewhere */
    round_soon(peer->d, 0);
    wait_for(peer);
}

static void open_link(struct peer *peer);

/* What the transport cannot do, another one may, unless a person chose this one. Kept until the
 * configuration is read again: to find out anew costs a connection each time. */
static bool fall_back(struct peer *peer, const struct err *why)
{
    if (peer->config->transport_set || !peer->link->instead)
        return false;
    log_info("%s: %s: using transport %s", peer->config->name, why->msg, peer->link->instead->name);
    peer->instead = peer->link->instead;
    disconnect(peer);
    open_link(peer);
    return true;
}

static void connect_on(struct peer *peer)
{
    struct err err = {0};
    int rc = peer->link->transport->step(peer->link, &err);
    if (rc < 0) {
        if (!fall_back(peer, &err))
            peer_fail(peer, &err);
        return;
    }
    if (rc > 0) {
        peer_become(peer, PEER_GREETING);
        peer->heard = peer->pinged = clock_mono();
        peer->ping_ms = message_ping_ms();
        talk_hello(peer);
        peer_flush(peer);
        return;
    }
    wait_for(peer);
}

static void open_link(struct peer *peer)
{
    struct err err = {0};
    const struct transport *transport =
        peer->instead ? peer->instead : transport_of(peer->config->transport);
    peer->link = transport->open(peer->config, WORKER_SERVE, &err);
    if (!peer->link) {
        peer_fail(peer, &err);
        return;
    }
    peer->d->nlinks++;
    peer_become(peer, PEER_CONNECTING);
    connect_on(peer);
}

void peer_want(struct peer *peer)
{
    if (peer->state != PEER_IDLE || !room_for_link(peer->d))
        return;
    peer->idle_pings = 0;
    peer->tried_at = clock_mono();
    open_link(peer);
}

void peer_hurry(struct peer *peer)
{
    if (peer->state == PEER_RESTING && peer->retry_at > clock_mono()) {
        peer->retry_at = clock_mono();
        wait_for(peer);
    }
}

/* ---- reading and writing ---- */

static int handle_all(struct peer *peer, struct err *err)
{
    struct message m;
    int rc;
    while ((rc = message_next(&peer->reader, &peer->in, &m, err)) > 0) {
        if (peer->queued.len > QUEUED_MAX)
            return err_set(err, ERR_UNREACHABLE, "the worker talks and does not listen");
        rc = talk_handle(peer, &m, err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* Reads until it would block, or until the turn is used up: then *more, and another turn follows. */
static int read_all(struct peer *peer, bool *more, struct err *err)
{
    for (size_t total = 0; total < READ_TURN;) {
        ssize_t n = peer->link->transport->read(peer->link, buf_room(&peer->in, READ_CHUNK),
                                                READ_CHUNK, err);
        if (n <= 0) {
            if (!peer->in.len)
                buf_free(&peer->in);
            return (int)n;
        }
        buf_grew(&peer->in, (size_t)n);
        total += (size_t)n;
        uint64_t before = peer->reader.frames;
        int rc = handle_all(peer, err);
        if (rc < 0)
            return rc;
        if (peer->reader.frames != before)
            peer->heard = clock_mono();
        if (!peer->in.len)
            buf_free(&peer->in); /* one such buffer for all hosts, not one a host */
    }
    *more = true;
    return 0;
}

static int write_all(struct peer *peer, struct err *err)
{
    for (;;) {
        if (!peer->sending.len) {
            struct buf empty = peer->sending;
            if (!peer->queued.len)
                return 0;
            peer->sending = peer->queued;
            peer->queued = empty;
        }
        size_t len = peer->sending.len < WRITE_CHUNK ? peer->sending.len : WRITE_CHUNK;
        if (peer->offered)
            len = peer->offered; /* libssh2 wants the very same call again */
        ssize_t n = peer->link->transport->write(peer->link, buf_data(&peer->sending), len, err);
        if (n < 0)
            return (int)n;
        peer->offered = n == 0 ? len : 0;
        if (n == 0)
            return 0;
        explicit_bzero(buf_data(&peer->sending), (size_t)n); /* it may have held a secret */
        buf_consume(&peer->sending, (size_t)n);
    }
}

void peer_flush(struct peer *peer)
{
    struct err err = {0};
    if (peer->link && peer->state != PEER_CONNECTING && write_all(peer, &err) < 0)
        peer_fail(peer, &err);
    else
        wait_for(peer);
}

/* ---- timers ---- */

bool peer_let_go(struct peer *peer)
{
    if (peer->state != PEER_READY || peer->nworks || peer_has_unsent(peer))
        return false;
    log_info("%s: idle, disconnecting", peer->config->name);
    disconnect(peer);
    peer_become(peer, PEER_IDLE);
    return true;
}

/* Closes a connection that has had nothing to do for a while. */
static bool rest_if_idle(struct peer *peer)
{
    peer->idle_pings = peer->nworks ? 0 : peer->idle_pings + 1;
    return peer->idle_pings >= IDLE_PINGS && peer_let_go(peer);
}

static int on_time(struct peer *peer, struct err *err)
{
    int64_t now = clock_mono(), greeting = GREETING_STEPS * link_step_ms();
    if ((peer->state == PEER_GREETING || peer->state == PEER_LISTING) &&
        now - peer->since >= greeting)
        return err_set(err, ERR_UNREACHABLE, "the worker did not answer within %g s",
                       (double)greeting / 1000);
    if (peer->state != PEER_READY)
        return 0;
    if (now - peer->heard >= message_silence_ms())
        return err_set(err, ERR_UNREACHABLE, "nothing was heard for %lld s",
                       (long long)message_silence_ms() / 1000);
    if (now - peer->pinged >= peer->ping_ms && !rest_if_idle(peer)) {
        talk_ping(peer);
        peer_record(peer);
    }
    return 0;
}

static void retry(struct peer *peer)
{
    peer_become(peer, PEER_IDLE);
    if (peer->nworks)
        peer_want(peer);
    peer->d->place_wanted = true;
    round_soon(peer->d, 0);
}

static void on_event(void *arg, uint32_t revents)
{
    struct peer *peer = arg;
    struct err err = {0};
    bool more = false;
    (void)revents;
    if (peer->state == PEER_CONNECTING) {
        connect_on(peer);
        return;
    }
    if (peer->state == PEER_RESTING) {
        retry(peer);
        return;
    }
    if (!peer->link)
        return;
    if (read_all(peer, &more, &err) < 0 || on_time(peer, &err) < 0) {
        peer_fail(peer, &err);
        return;
    }
    if (peer->link)
        peer_flush(peer);
    if (more && peer->link)
        (void)loop_set(peer->watch, peer->link->fd, (uint32_t)peer->link->events, clock_mono(),
                       NULL);
}

/* ---- life ---- */

struct peer *peer_new(struct dispatch *d, struct host_config *config)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    peer->d = d;
    peer->mute_since = clock_mono();
    peer->watch = loop_watch(d->loop, on_event, peer);
    peer->host.name = xstrdup(config->name);
    peer->config = config;
    peer->place = (struct place_host){.name = config->name, .tags = &config->tags};
    peer_set_slots(peer);
    peer_become(peer, PEER_IDLE);
    return peer;
}

void peer_free(struct peer *peer)
{
    disconnect(peer);
    loop_unwatch(peer->watch);
    host_free(&peer->host);
    free(peer->trouble);
    strlist_free(&peer->features);
    free(peer->said.machine);
    free(peer->said.boot);
    free(peer->said.spool);
    free(peer);
}
