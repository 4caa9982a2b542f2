/*
 * rows: rows that are handed out after their statement has ended, so that no read transaction is open
 * while a caller works with them. For the files of lib/catalogue only.
 */
#ifndef ROTA_CATALOGUE_ROWS_H
#define ROTA_CATALOGUE_ROWS_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

#include "internal.h"

/* One kind of row: its size, how it is read (its texts become owned) and how these are freed
 * (NULL: it owns none). */
struct row_kind {
    size_t size;
    void (*read)(sqlite3_stmt *stmt, void *row);
    void (*release)(void *row);
};

struct rows {
    void *v; /* of the kind's size each */
    size_t n, cap;
};

/* Runs the statement and reads what it finds into *rows, which is set anew; also after a failure
 * rows_free. Returns 0 or ERR_*. */
int rows_read(struct catalogue *cat, const char *sql, const struct value *values, size_t nvalues,
              const struct row_kind *kind, struct rows *rows, struct err *err);
void rows_free(struct rows *rows, const struct row_kind *kind);

/* Hands the rows of a type to each(const TYPE *, arg) until that does not return 0, and frees them; `rc`
 * is what there is so far. C has no generic function, and each() is of its own type. */
#define ROWS_HAND_OUT(type, kind, rows, rc, each, arg)                                             \
    do {                                                                                           \
        const type *of_rows = (rows)->v;                                                           \
        for (size_t at_row = 0; (rc) == 0 && at_row < (rows)->n; at_row++)                         \
            (rc) = (each)(&of_rows[at_row], arg);                                                  \
        rows_free(rows, kind);                                                                     \
    } while (0)

#endif
