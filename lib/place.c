#include "place.h"

bool place_allows(const struct job *job, const struct place_host *host)
{
    if (job->hosts.n && !strlist_has(&job->hosts, host->name))
        return false;
    for (size_t i = 0; i < job->tags.n; i++)
        if (!strlist_has(host->tags, job->tags.v[i]))
            return false;
    return !host->slots || job->slots <= host->slots;
}

/* a.used / a.slots < b.used / b.slots, without division */
static bool less_loaded(const struct place_host *a, const struct place_host *b)
{
    return (long long)a->used * b->slots < (long long)b->used * a->slots;
}

struct place_host *place_best(struct place_host *const *hosts, size_t n, enum place_state state,
                              int slots, const struct strlist *tried)
{
    struct place_host *best = NULL;
    bool best_tried = false;
    for (size_t i = 0; i < n; i++) {
        struct place_host *host = hosts[i];
        if (host->state != state || host->slots - host->used < slots)
            continue;
        bool was_tried = tried && strlist_has(tried, host->name);
        if (!best || (best_tried && !was_tried) ||
            (best_tried == was_tried && less_loaded(host, best))) {
            best = host;
            best_tried = was_tried;
        }
    }
    return best;
}
