#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "placement.h"
#include "xalloc.h"

static enum place_bar bar_of_where(const struct job *job, const struct place_host *host,
                                   const char **tag)
{
    if (job->hosts.n && !strlist_has(&job->hosts, host->name))
        return PLACE_NOT_NAMED;
    for (size_t i = 0; i < job->tags.n; i++)
        if (!strlist_has(host->tags, job->tags.v[i])) {
            *tag = job->tags.v[i];
            return PLACE_TAG_MISSING;
        }
    for (size_t i = 0; i < job->not_tags.n; i++)
        if (strlist_has(host->tags, job->not_tags.v[i])) {
            *tag = job->not_tags.v[i];
            return PLACE_TAG_FORBIDDEN;
        }
    return PLACE_FITS;
}

static bool is_too_small(const struct place_host *host, int slots)
{
    return host->slots && slots > host->slots && !host->guessed;
}

enum place_bar place_bar(const struct job *job, const char *pin, const struct place_host *host,
                         const char **tag)
{
    enum place_bar bar = PLACE_FITS;
    if (pin && strcmp(pin, host->name) != 0)
        return PLACE_NOT_PIN;
    if (!pin)
        bar = bar_of_where(job, host, tag);
    return bar == PLACE_FITS && is_too_small(host, job->slots) ? PLACE_TOO_SMALL : bar;
}

bool place_allows(const struct job *job, const struct place_host *host)
{
    const char *tag;
    return place_bar(job, NULL, host, &tag) == PLACE_FITS;
}

/* A host that nobody has seen may have room for anything: a connection tells. */
bool place_has_room(const struct place_host *host, int slots)
{
    return host->slots - host->used >= slots || (host->guessed && !host->used);
}

/* ---- choosing ---- */

struct place_candidate {
    struct place_host *host;
    int used;  /* as of when it was put in order */
    int same;  /* runs of the job there */
    size_t at; /* in the heap */
    bool gone; /* from the heap: it has no room any more */
};

static struct place_candidate *first_of(const struct place_candidate *a,
                                        const struct place_candidate *b)
{
    return (struct place_candidate *)(a < b ? a : b); /* they stand in the order of the hosts */
}

/* a.used / a.slots compared with b.used / b.slots, without division */
static long long compare_load(const struct place_candidate *a, const struct place_candidate *b)
{
    return (long long)a->used * b->host->slots - (long long)b->used * a->host->slots;
}

static bool less_loaded(const void *a, const void *b)
{
    long long order = compare_load(a, b);
    return order ? order < 0 : first_of(a, b) == a;
}

static bool less_spread(const void *a, const void *b)
{
    const struct place_candidate *x = a, *y = b;
    return x->same != y->same ? x->same < y->same : less_loaded(a, b);
}

static bool more_loaded(const void *a, const void *b)
{
    long long order = compare_load(a, b);
    return order ? order > 0 : first_of(a, b) == a;
}

static bool stands_before(const void *a, const void *b)
{
    return first_of(a, b) == a;
}

static bool (*const order_of[])(const void *, const void *) = {
    [PREFER_LEAST_LOADED] = less_loaded, [PREFER_SPREAD] = less_spread,
    [PREFER_PACK] = more_loaded,         [PREFER_ORDER] = stands_before,
    [PREFER_RANDOM] = stands_before,
};

static void moved(void *item, size_t at)
{
    ((struct place_candidate *)item)->at = at;
}

static bool is_eligible(const struct place_pick *pick, const struct place_host *host)
{
    ++*pick->visits;
    const struct place_wish *wish = &pick->wish;
    bool soon = wish->soon && host->state == PLACE_COLD && !host->doubtful;
    return (host->state == wish->state || soon) && place_has_room(host, pick->wish.slots) &&
           (!host->kept || host->kept == pick->wish.owner);
}

static int count_same(const struct place_host *host, const char *job)
{
    int n = 0;
    for (const struct place_run *run = host->runs; run; run = run->next)
        n += strcmp(run->job, job) == 0;
    return n;
}

static void weigh(const struct place_pick *pick, struct place_candidate *candidate)
{
    candidate->used = candidate->host->used;
    if (pick->wish.prefer == PREFER_SPREAD)
        candidate->same = count_same(candidate->host, pick->wish.job);
}

void place_pick_begin(struct place_pick *pick, const struct place_wish *wish,
                      struct place_host *const *hosts, size_t n, size_t *visits)
{
    *pick = (struct place_pick){.wish = *wish, .hosts = hosts, .n = n, .visits = visits};
    if (wish->prefer == PREFER_RANDOM)
        return;
    pick->heap = (struct heap){.less = order_of[wish->prefer], .moved = moved};
    pick->candidates = xcalloc(n, sizeof *pick->candidates);
    for (size_t i = 0; i < n; i++) {
        struct place_candidate *candidate = &pick->candidates[i];
        candidate->host = hosts[i];
        candidate->gone = !is_eligible(pick, hosts[i]);
        if (candidate->gone)
            continue;
        weigh(pick, candidate);
        heap_push(&pick->heap, candidate);
    }
}

void place_pick_end(struct place_pick *pick)
{
    heap_free(&pick->heap);
    free(pick->candidates);
    *pick = (struct place_pick){0};
}

/* The best one as things are now: what was taken since it was put in order counts. */
static struct place_candidate *top(struct place_pick *pick)
{
    struct place_candidate *best;
    while ((best = heap_top(&pick->heap))) {
        if (!is_eligible(pick, best->host)) {
            best->gone = true;
            (void)heap_pop(&pick->heap);
        } else if (best->used != best->host->used) {
            weigh(pick, best);
            heap_fix(&pick->heap, best->at);
        } else {
            return best;
        }
    }
    return NULL;
}

void place_pick_touch(struct place_pick *pick, const struct place_host *host)
{
    if (pick->wish.prefer != PREFER_PACK || !pick->candidates)
        return;
    size_t low = 0, high = pick->n; /* by name, as always but for PREFER_ORDER */
    while (low < high) {
        size_t mid = (low + high) / 2;
        struct place_candidate *candidate = &pick->candidates[mid];
        int order = strcmp(host->name, candidate->host->name);
        if (order == 0 && !candidate->gone) {
            weigh(pick, candidate);
            heap_fix(&pick->heap, candidate->at);
        }
        if (order == 0)
            return;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
}

/* Spreads the ids, which follow one another, over all numbers (splitmix64); the same for a run on
 * every machine, so that what is tested is what happens. */
static uint64_t scatter(int64_t id)
{
    uint64_t z = (uint64_t)id + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct place_host *pick_random(const struct place_pick *pick, int64_t id,
                                      const struct strlist *tried,
                                      bool (*refuses)(const struct place_host *, const void *),
                                      const void *arg)
{
    struct place_host *second = NULL;
    size_t start = pick->n ? scatter(id) % pick->n : 0;
    for (size_t i = 0; i < pick->n; i++) {
        struct place_host *host = pick->hosts[(start + i) % pick->n];
        if (!is_eligible(pick, host) || (refuses && refuses(host, arg)))
            continue;
        if (!tried || !strlist_has(tried, host->name))
            return host;
        if (!second)
            second = host;
    }
    return second;
}

struct place_host *place_pick_best(struct place_pick *pick, int64_t id, const struct strlist *tried,
                                   bool (*refuses)(const struct place_host *, const void *),
                                   const void *arg)
{
    struct place_candidate *best, *second = NULL, **passed = NULL;
    size_t npassed = 0;
    if (pick->wish.prefer == PREFER_RANDOM)
        return pick_random(pick, id, tried, refuses, arg);
    while ((best = top(pick))) {
        bool refused = refuses && refuses(best->host, arg);
        if (!refused && (!tried || !strlist_has(tried, best->host->name)))
            break;
        if (!refused && !second)
            second = best;
        passed = xreallocarray(passed, npassed + 1, sizeof(struct place_candidate *));
        passed[npassed++] = heap_pop(&pick->heap);
    }
    while (npassed)
        heap_push(&pick->heap, passed[--npassed]);
    free(passed);
    best = best ? best : second;
    return best ? best->host : NULL;
}
