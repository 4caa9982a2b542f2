/* stranger: runs that a worker tells of and that we have not in memory. */
#include "dispatch/internal.h"

#include "log.h"

static int standing_of(const struct peer *peer, struct message_key key, struct err *err)
{
    return attempt_standing(peer->d->cat, (int64_t)key.run, (int)key.attempt, key.token, err);
}

static void acknowledge(struct peer *peer, struct message_key key)
{
    struct buf keys = {0};
    message_pack_key(&keys, key);
    talk_ack(peer, &keys);
    buf_free(&keys);
}

/* When its attempt is over, our ACK was lost, or it was taken for lost, or declared so: another one
 * may run for it, so a live one ends. When there is no such attempt, the catalogue was restored from a
 * backup, or pruned: an end is acknowledged, so that the worker may forget, and a live run is left in
 * peace. An attempt that is open (its specification could not be read) keeps its result there until
 * somebody can record it. */
int stranger_met(struct peer *peer, const struct message *m, struct err *err)
{
    struct message_key key = message_get_key(m);
    bool live = message_get_u64(m, TAG_STATE, 0) != MESSAGE_RUN_ENDED;
    int standing = standing_of(peer, key, err);
    if (standing < 0)
        return standing;
    if (standing == ATTEMPT_OPEN || (live && standing == ATTEMPT_UNKNOWN)) {
        peer->strangers++;
    } else if (live) {
        log_info("%s: run %lld is over, and is ended there too", peer->config->name,
                 (long long)key.run);
        talk_kill(peer, key, 0);
    } else {
        acknowledge(peer, key);
    }
    return 0;
}

/* It was followed on this connection until somebody declared it lost. While the worker lists its runs,
 * the answer to RUN is enough. */
int stranger_ended(struct peer *peer, const struct message *m, struct err *err)
{
    struct message_key key = message_get_key(m);
    if (peer->state != PEER_READY)
        return 0;
    int standing = standing_of(peer, key, err);
    if (standing == ATTEMPT_OVER || standing == ATTEMPT_UNKNOWN)
        acknowledge(peer, key);
    return standing < 0 ? standing : 0;
}
