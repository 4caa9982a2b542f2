/* fleet: the worker hosts as the configuration and the catalogue have them. */
#include "dispatch/internal.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

struct peer *peer_find(const struct dispatch *d, const char *name)
{
    size_t low = 0, high = d->npeers;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(name, d->peers[mid]->place.name);
        if (order == 0)
            return d->peers[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct peer *const *)a)->place.name, (*(struct peer *const *)b)->place.name);
}

/* Also of a host that never answered, so that since when it is down outlives each dispatcher; and all
 * that is known, since all of it is written again when the host is found down. What this dispatcher
 * learned and has yet to write is newer. */
static int load_host(const struct host *row, void *arg)
{
    struct dispatch *d = arg;
    struct peer *peer = peer_find(d, row->name);
    if (!peer)
        return 0;
    if (peer->state == PEER_IDLE && !peer->host_dirty) {
        host_free(&peer->host);
        peer->host = host_copy(row);
        peer->place.doubtful = row->state == HOST_DOWN;
        peer_set_slots(peer);
    }
    free(peer->host.drained);
    peer->host.drained = row->drained ? xstrdup(row->drained) : NULL;
    peer->drained = row->drained != NULL;
    peer_set_place(peer);
    return 0;
}

int peer_load_hosts(struct dispatch *d, struct err *err)
{
    int rc = host_select(d->cat, load_host, d, err);
    d->place_wanted = true;
    round_soon(d, 0);
    return rc;
}

/* The queue is to know the hosts as they are now. */
static void tell_placement(struct dispatch *d)
{
    struct place_host **hosts = xcalloc(d->npeers, sizeof(struct place_host *));
    for (size_t i = 0; i < d->npeers; i++)
        hosts[i] = &d->peers[i]->place;
    placement_set_hosts(&d->placement, hosts, d->npeers);
    placement_set_config(&d->placement, d->config);
    free(hosts);
}

int peer_init_all(struct dispatch *d, struct err *err)
{
    d->npeers = d->config->nhosts;
    d->peers = xcalloc(d->npeers, sizeof(struct peer *));
    for (size_t i = 0; i < d->npeers; i++)
        d->peers[i] = peer_new(d, &d->config->hosts[i]);
    for (size_t i = 0; i < d->npeers; i++)
        d->peers[i]->place.order = i;
    qsort(d->peers, d->npeers, sizeof(struct peer *), by_name);
    tell_placement(d);
    return peer_load_hosts(d, err);
}

void peer_free_all(struct dispatch *d)
{
    for (size_t i = 0; i < d->npeers; i++)
        peer_free(d->peers[i]);
    free(d->peers);
    d->peers = NULL;
    d->npeers = 0;
}

/* A known host keeps its connection and takes the new slots and tags; how to reach it counts at
 * the next connect. A host that is gone keeps its runs until they end, and gets no new ones. */
void peer_reconfigure(struct dispatch *d)
{
    struct peer **all = xcalloc(d->npeers + d->config->nhosts, sizeof(struct peer *));
    size_t n = 0;
    for (size_t i = 0; i < d->config->nhosts; i++) {
        struct host_config *config = &d->config->hosts[i];
        struct peer *peer = peer_find(d, config->name);
        if (!peer)
            peer = peer_new(d, config);
        peer->removed = false;
        peer->config = config;
        peer->instead = NULL;
        peer->place.name = config->name;
        peer->place.tags = &config->tags;
        peer->place.order = i;
        peer_set_slots(peer);
        all[n++] = peer;
    }
    for (size_t i = 0; i < d->npeers; i++) {
        struct peer *peer = d->peers[i];
        if (config_host(d->config, peer->place.name))
            continue;
        peer->removed = true;
        all[n++] = peer;
    }
    free(d->peers);
    d->peers = all;
    d->npeers = n;
    qsort(d->peers, d->npeers, sizeof(struct peer *), by_name);
    for (size_t i = 0; i < d->npeers; i++)
        peer_set_place(d->peers[i]);
    tell_placement(d);
    queue_attach_orphans(d);
}
