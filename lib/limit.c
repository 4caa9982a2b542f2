#include "limit.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static int by_identity(const void *a, const void *b)
{
    const struct limit *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->kind == LIMIT_ARRAY)
        return x->array < y->array ? -1 : x->array > y->array;
    return strcmp(x->name, y->name);
}

static bool need_before(const void *a, const void *b)
{
    return limit_before(((const struct limit_need *)a)->line, ((const struct limit_need *)b)->line);
}

static void need_moved(void *item, size_t at)
{
    ((struct limit_need *)item)->at = at;
}

struct limit *limit_use(void **limits, enum limit_kind kind, const char *name, int64_t array)
{
    const struct limit wanted = {.kind = kind, .name = (char *)name, .array = array};
    struct limit **found = tfind(&wanted, limits, by_identity);
    struct limit *limit = found ? *found : NULL;
    if (!limit) {
        limit = xcalloc(1, sizeof *limit);
        *limit = (struct limit){.kind = kind,
                                .name = name ? xstrdup(name) : NULL,
                                .array = array,
                                .most = LIMIT_UNKNOWN,
                                .waiters = {.less = need_before, .moved = need_moved}};
        (void)tsearch(limit, limits, by_identity);
    }
    limit->refs++;
    return limit;
}

void limit_drop(void **limits, struct limit *limit)
{
    if (--limit->refs)
        return;
    (void)tdelete(limit, limits, by_identity);
    heap_free(&limit->waiters);
    free(limit->name);
    free(limit);
}

int limit_most(const struct limit_need *need)
{
    return need->limit->kind == LIMIT_POOL ? need->limit->most : need->most;
}

/* How many of the heap from `at` on come before the line, counted up to `enough`: then it does not
 * matter any more, and no more than twice so many are looked at. */
static int count_before(const struct heap *waiters, size_t at, const struct place_line *line,
                        int enough)
{
    if (at >= waiters->n || enough <= 0)
        return 0;
    const struct limit_need *need = waiters->v[at];
    if (!limit_before(need->line, line))
        return 0;
    int n = 1 + count_before(waiters, 2 * at + 1, line, enough - 1);
    return n + count_before(waiters, 2 * at + 2, line, enough - n);
}

static int count_free(const struct limit_need *need)
{
    return limit_most(need) - need->limit->used - need->limit->kept;
}

bool limit_has_place(const struct limit_need *need)
{
    return count_free(need) > 0;
}

bool limit_keeps(const struct limit_need *stopped)
{
    return stopped->limit->kind == LIMIT_POOL && limit_most(stopped) > 0;
}

static bool stops(const struct limit_need *need)
{
    const struct limit *limit = need->limit;
    int free_places = count_free(need);
    if (free_places <= 0 || limit->kind != LIMIT_POOL)
        return free_places <= 0;
    return count_before(&limit->waiters, 0, need->line, free_places) >= free_places;
}

struct limit_need *limit_stops(struct limit_need *needs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (limit_most(&needs[i]) <= 0)
            return &needs[i];
    for (size_t i = 0; i < n; i++)
        if (stops(&needs[i]))
            return &needs[i];
    return NULL;
}

void limit_wait(struct limit_need *needs, size_t n, const struct limit_need *stopped)
{
    for (size_t i = 0; i < n; i++) {
        struct limit_need *need = &needs[i];
        if (need != stopped && !(limit_keeps(stopped) && need->limit->kind == LIMIT_POOL))
            continue;
        need->waits = true;
        heap_push(&need->limit->waiters, need);
    }
}

void limit_unwait(struct limit_need *needs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (needs[i].waits)
            (void)heap_remove(&needs[i].limit->waiters, needs[i].at);
        needs[i].waits = false;
    }
}
