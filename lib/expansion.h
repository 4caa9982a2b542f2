/*
 * expansion: the elements of an array: which index and which item each of them has. They are made one
 * by one: an array may have a million.
 *
 * Indices and items come in the order in which they are written. Of a matrix the last key changes
 * fastest, as in loops that are nested in the order of the keys: {os: [a, b], ver: [1, 2]} is
 * "os=a ver=1", "os=a ver=2", "os=b ver=1", "os=b ver=2".
 */
#ifndef ROTA_EXPANSION_H
#define ROTA_EXPANSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "elements.h"
#include "job.h"

enum { ARRAY_MAX = 1000000, ARRAY_INDEX_MAX = 999999999 };

/* How many elements there are; 0: it is no array; ARRAY_MAX + 1: more than ARRAY_MAX. */
int64_t expansion_count(const struct job_array *array);

struct expansion {
    const struct job_array *array;
    const struct elements *elements; /* whose text is the item; NULL: the array's own */
    const char *element;             /* the next of these */
    int64_t at, count;               /* elements that were made, of so many */
    size_t range;
    int64_t index;    /* of the element: as written, else from 0 */
    const char *item; /* NULL: an index says it all; valid until the next element */
    struct buf text;
};
/* `elements` NULL, or as many as the array has indices. Both are borrowed. */
void expansion_begin(struct expansion *e, const struct job_array *array,
                     const struct elements *elements);
/* Fills index and item of the next element; false when there is none. */
bool expansion_next(struct expansion *e);
void expansion_end(struct expansion *e);

/* The value that an axis of a matrix has in the element of this index. */
const char *expansion_value(const struct job_array *array, size_t axis, int64_t index);

/* The bytes of all items of the array's own together. */
int64_t expansion_bytes(const struct job_array *array);
/* The length of the longest item there is; of indices, what the longest may have. */
size_t expansion_longest(const struct job_array *array, const struct elements *elements);
/* The bytes of the job's command with an item of so many bytes in the place of each mark; a few more for a
 * line for a shell. *word: of its longest argument; may be NULL. */
size_t expansion_command(const struct job *job, size_t item, size_t *word);

#endif
