#include "heap.h"

#include <stdlib.h>

#include "xalloc.h"

static void put(struct heap *heap, size_t at, void *item)
{
    heap->v[at] = item;
    if (heap->moved)
        heap->moved(item, at);
}

static void sift_up(struct heap *heap, size_t at)
{
    void *item = heap->v[at];
    while (at && heap->less(item, heap->v[(at - 1) / 2])) {
        put(heap, at, heap->v[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(heap, at, item);
}

static void sift_down(struct heap *heap, size_t at)
{
    void *item = heap->v[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->n)
            break;
        if (child + 1 < heap->n && heap->less(heap->v[child + 1], heap->v[child]))
            child++;
        if (!heap->less(heap->v[child], item))
            break;
        put(heap, at, heap->v[child]);
        at = child;
    }
    put(heap, at, item);
}

void heap_push(struct heap *heap, void *item)
{
    if (heap->n == heap->cap) {
        heap->cap = heap->cap ? heap->cap * 2 : 16;
        heap->v = xreallocarray(heap->v, heap->cap, sizeof *heap->v);
    }
    heap->v[heap->n++] = item;
    sift_up(heap, heap->n - 1);
}

void *heap_top(const struct heap *heap)
{
    return heap->n ? heap->v[0] : NULL;
}

void *heap_pop(struct heap *heap)
{
    return heap->n ? heap_remove(heap, 0) : NULL;
}

void *heap_remove(struct heap *heap, size_t at)
{
    void *item = heap->v[at];
    void *last = heap->v[--heap->n];
    if (at < heap->n) {
        put(heap, at, last);
        heap_fix(heap, at);
    }
    return item;
}

void heap_fix(struct heap *heap, size_t at)
{
    sift_up(heap, at);
    sift_down(heap, at);
}

void heap_free(struct heap *heap)
{
    free(heap->v);
    heap->v = NULL;
    heap->n = heap->cap = 0;
}
