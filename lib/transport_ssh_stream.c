/*
 * Reading and writing once the worker has greeted.
 *
 * The caller's write must not move between a call that would block and its repetition, but the
 * caller's buffer grows meanwhile: so what is written is first copied here, a packet at a time, and
 * counted as written. While bytes of one call are stuck in the session, only that call is made.
 */
#include "transport_ssh.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* Recomputed after every call. */
static void set_events(struct ssh_link *l)
{
    unsigned long queued = 0;
    short events = POLLIN;
    if (l->busy != BUSY_NOT)
        events |= POLLOUT;
    /* Writing reads as well: what came in is in the session, where no poll sees it. A socket that can
     * be written calls us back at once. */
    (void)libssh2_channel_window_read_ex(l->channel, &queued, NULL);
    if (queued || libssh2_channel_eof(l->channel))
        events |= POLLOUT;
    l->link.fd = l->sock;
    l->link.events = events;
    l->link.deadline = 0;
}

static bool would_block(ssize_t rc)
{
    return rc == LIBSSH2_ERROR_EAGAIN || rc == LIBSSH2_ERROR_BAD_USE;
}

/* Sends what was taken. 1: all of it; 0: not yet; negative: broken. */
static int flush(struct ssh_link *l, struct err *err)
{
    if (l->busy == BUSY_READ)
        return 0;
    while (l->out_len) {
        ssh_call(l);
        ssize_t n = libssh2_channel_write(l->channel, l->out + l->out_at, l->out_len);
        if (would_block(n)) {
            /* a full window is not stuck: reading may go on, and must, to see it opened */
            l->busy = ssh_outbound(l) ? BUSY_WRITE : BUSY_NOT;
            return 0;
        }
        l->busy = BUSY_NOT;
        if (n < 0)
            return ssh_broken(l, "while it was written to", err);
        l->out_at += (size_t)n;
        l->out_len -= (size_t)n;
        if (n == 0)
            return 0;
    }
    free(l->out); /* most hosts are silent most of the time */
    l->out = NULL;
    return 1;
}

static ssize_t read_channel(struct ssh_link *l, void *p, size_t len, struct err *err)
{
    if (flush(l, err) < 0)
        return err ? err->code : ERR_UNREACHABLE;
    if (l->busy == BUSY_WRITE)
        return 0;
    ssh_call(l);
    ssize_t n = libssh2_channel_read(l->channel, p, len);
    if (would_block(n)) {
        l->busy = ssh_outbound(l) ? BUSY_READ : BUSY_NOT;
        return 0;
    }
    l->busy = BUSY_NOT;
    if (n > 0)
        return n;
    if (n < 0)
        return ssh_broken(l, "while it was read from", err);
    if (libssh2_channel_eof(l->channel))
        return err_set(err, ERR_UNREACHABLE, "%s: the worker ended", l->where);
    return 0;
}

ssize_t ssh_read(struct link *link, void *p, size_t len, struct err *err)
{
    struct ssh_link *l = (struct ssh_link *)link;
    size_t early = greeting_take(&l->errand.greeting, p, len);
    if (early)
        return (ssize_t)early;
    if (l->rested)
        l->drained = false;
    ssize_t n = read_channel(l, p, len, err);
    l->rested = n == 0;
    set_events(l);
    return n;
}

ssize_t ssh_write(struct link *link, const void *p, size_t len, struct err *err)
{
    struct ssh_link *l = (struct ssh_link *)link;
    int rc = flush(l, err);
    size_t taken = 0;
    if (rc >= 0 && !l->out_len && len) {
        taken = len < SSH_WRITE_MAX ? len : SSH_WRITE_MAX;
        free(l->out);
        l->out = xmemdup(p, taken);
        l->out_at = 0;
        l->out_len = taken;
        rc = flush(l, err);
    }
    set_events(l);
    return rc < 0 ? rc : (ssize_t)taken;
}
