/* elements: the lines of a file or of standard input, each of which is an element of an array. */
#ifndef ROTA_ELEMENTS_H
#define ROTA_ELEMENTS_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

enum {
    ELEMENTS_MAX = 1000000,
    ELEMENTS_BYTES = 64 << 20, /* of all */
    ELEMENT_BYTES = 64 << 10,  /* of one: it becomes an argument and a variable */
};

struct elements {
    struct buf text; /* each ends with a NUL */
    size_t n;
};

/* Reads a file, "-" for standard input, into *elements (elements_free). A line ends with LF or CR LF, the
 * last one also with the file; an empty line is an element as any other. ERR_DATA with the line when one is
 * too long, holds a NUL or is no UTF-8, or when they are too many; ERR_IO. */
int elements_read(struct elements *elements, const char *file, struct err *err);
void elements_free(struct elements *elements);

/* The first one, and the one behind another of the same elements; the caller counts. */
const char *elements_first(const struct elements *elements);
const char *elements_next(const char *element);

#endif
