#include <stdint.h>
#include <stdlib.h>

#include "heap.h"
#include "tap.h"

struct item {
    uint32_t key;
    size_t at;
};

static bool less(const void *a, const void *b)
{
    return ((const struct item *)a)->key < ((const struct item *)b)->key;
}

static void moved(void *item, size_t at)
{
    ((struct item *)item)->at = at;
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static bool places_are_true(const struct heap *heap)
{
    for (size_t i = 0; i < heap->n; i++)
        if (((struct item *)heap->v[i])->at != i)
            return false;
    return true;
}

int main(void)
{
    enum { N = 1000 };
    static struct item items[N];
    struct heap heap = {.less = less, .moved = moved};
    uint32_t seed = 1;
    tap_ok(!heap_top(&heap) && !heap_pop(&heap), "an empty heap has no top");
    for (int i = 0; i < N; i++) {
        items[i].key = next(&seed) % 500;
        heap_push(&heap, &items[i]);
    }
    tap_ok(places_are_true(&heap), "every item knows its place after pushes");
    for (int i = 0; i < N; i += 3) {
        items[i].key = next(&seed) % 500;
        heap_fix(&heap, items[i].at);
    }
    int removed = 0;
    for (int i = 0; i < N; i += 7, removed++)
        if (heap_remove(&heap, items[i].at) != &items[i])
            tap_ok(false, "removal by place gave another item");
    tap_ok(places_are_true(&heap), "every item knows its place after changes and removals");
    uint32_t last = 0;
    int popped = 0;
    bool ordered = true;
    for (struct item *item; (item = heap_pop(&heap)); popped++) {
        ordered = ordered && item->key >= last;
        last = item->key;
    }
    tap_ok(ordered, "items come out in order");
    tap_int(popped + removed, N, "none is lost");
    heap_free(&heap);
    return tap_done();
}
