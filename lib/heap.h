/*
 * heap: a binary heap of pointers, the least first. Start with the two functions set and the rest
 * zero; end with heap_free. The items belong to the caller.
 */
#ifndef ROTA_HEAP_H
#define ROTA_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct heap {
    bool (*less)(const void *a, const void *b);
    void (*moved)(void *item, size_t at); /* told each new place of an item; NULL: not wanted */
    void **v;
    size_t n, cap;
};

void heap_push(struct heap *heap, void *item);
/* The least item, not removed; NULL when empty. */
void *heap_top(const struct heap *heap);
void *heap_pop(struct heap *heap); /* NULL when empty */
void *heap_remove(struct heap *heap, size_t at);
/* Puts the item at `at` in order again after its key changed. */
void heap_fix(struct heap *heap, size_t at);
void heap_free(struct heap *heap);

#endif
