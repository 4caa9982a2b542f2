#include "rows.h"

#include "xalloc.h"

enum { FIRST = 32 };

int rows_read(struct catalogue *cat, const char *sql, const struct value *values, size_t nvalues,
              const struct row_kind *kind, struct rows *rows, struct err *err)
{
    sqlite3_stmt *stmt;
    *rows = (struct rows){0};
    int rc = statement_start(cat, sql, values, nvalues, &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        if (rows->n == rows->cap) {
            rows->cap = rows->cap ? 2 * rows->cap : FIRST;
            rows->v = xreallocarray(rows->v, rows->cap, kind->size);
        }
        kind->read(stmt, (char *)rows->v + rows->n++ * kind->size);
        rc = 0;
    }
    return rc;
}

void rows_free(struct rows *rows, const struct row_kind *kind)
{
    for (size_t i = 0; kind->release && i < rows->n; i++)
        kind->release((char *)rows->v + i * kind->size);
    free(rows->v);
    *rows = (struct rows){0};
}
