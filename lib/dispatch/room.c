/*
 * room: how many descriptors there are, and so how many connections there may be at once.
 *
 * A connection that cannot be made for want of a descriptor looks like a host that is down, and output that
 * cannot be opened takes its host's connection along. So nothing is left to the moment it fails: each
 * use has its share of the limit, and a host for which there is no room waits until another is let go.
 */
#include "dispatch/internal.h"

#include <sys/resource.h>

#include "clock.h"
#include "log.h"
#include "output.h"

enum {
    HOST_DESCRIPTORS = 4, /* of a host that is being connected to */
    OWN_DESCRIPTORS = 32, /* the catalogue, what wakes us, a file of ssh that is read */
    MANY_DESCRIPTORS = 2 * OWN_DESCRIPTORS + OUTPUT_FILES, /* of our own when nothing is short */
    OUTPUT_SHARE = 4, /* output has this part of the limit when there are few */
};

/* The soft limit is raised only when it is needed: local jobs inherit it, and some programs go through all
 * descriptors up to it. */
void room_make(struct dispatch *d)
{
    struct rlimit limit;
    rlim_t need = d->config->nhosts * HOST_DESCRIPTORS + MANY_DESCRIPTORS;
    d->links_max = 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= need)
        return;
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= need)
        return;
    rlim_t own = OWN_DESCRIPTORS + output_keep(d->output, limit.rlim_cur / OUTPUT_SHARE);
    rlim_t room = limit.rlim_cur > own ? limit.rlim_cur - own : 0;
    d->links_max = room < HOST_DESCRIPTORS ? 1 : room / HOST_DESCRIPTORS;
    if (d->links_max >= d->config->nhosts)
        return;
    log_warn("at most %llu descriptors may be open, %llu are wanted for %zu hosts: raise "
             "ulimit -n (connections at once until then: %zu)",
             (unsigned long long)limit.rlim_cur, (unsigned long long)need, d->config->nhosts,
             d->links_max);
}

static bool is_full(const struct dispatch *d)
{
    return d->links_max && d->nlinks >= d->links_max;
}

bool room_for_link(struct dispatch *d)
{
    d->cramped = d->cramped || is_full(d);
    return !is_full(d);
}

/* Hosts that have runs come first; the others are wanted again by the runs that wait for them. */
void room_look(struct dispatch *d)
{
    if (!d->cramped)
        return;
    for (size_t i = 0; i < d->npeers; i++)
        peer_let_go(d->peers[i]);
    if (is_full(d))
        return;
    d->cramped = false;
    for (size_t i = 0; i < d->npeers; i++)
        if (d->peers[i]->nworks)
            peer_want(d->peers[i]);
    d->place_wanted = true;
    round_soon(d, 0);
}
