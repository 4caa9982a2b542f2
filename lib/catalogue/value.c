/* What runs tell those that come after them. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "need.h"
#include "xalloc.h"

/* Of all that one run is given: below what a kernel lets a program have, and a message of ours. */
enum { GIVEN_COUNT = 2000, GIVEN_BYTES = 1 << 20 };

int value_put(struct catalogue *cat, int64_t run, const struct strlist *values, struct err *err)
{
    static const char PUT[] = "INSERT INTO value (run, key, value, team)"
                              " VALUES (?1, ?2, ?3, (SELECT array FROM run WHERE id = ?1))"
                              " ON CONFLICT (run, key) DO UPDATE SET value = excluded.value";
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < values->n; i++) {
        const char *line = values->v[i];
        size_t key = strcspn(line, "=");
        struct value name = {.type = VALUE_TEXT, .text = line, .len = key};
        rc = statement_write(cat, PUT, VALUES(as_int(run), name, as_text(line + key + 1)), err);
    }
    return rc < 0 ? rc : 0;
}

/* The variable's name: what a variable may not have in its name becomes '_'. */
static char *name_variable(const char *job, int64_t index, const char *key, const char *value)
{
    char *text = index < 0 ? xasprintf("ROTA_IN_%s_%s=%s", job, key, value)
                           : xasprintf("ROTA_IN_%s_%" PRId64 "_%s=%s", job, index, key, value);
    for (char *p = text; *p != '='; p++)
        if (*p == '.' || *p == '-')
            *p = '_';
    return text;
}

int value_given(struct catalogue *cat, int64_t run, struct strlist *variables, bool *cut,
                struct err *err)
{
    /* of a group, each element's own, found by the values and not by the elements, which may be many; of
     * equal names the later need's is what counts */
    static const char GIVEN[] =
        "SELECT need.job, iif(scope = 1, -1, parent.idx) AS element, key, value, clause, place "
        "FROM need"
        " JOIN run AS parent ON parent.id = need.parent AND scope <> 2"
        "  JOIN value ON value.run = parent.id WHERE need.run = ?1"
        " UNION ALL SELECT need.job, parent.idx, key, value, clause, place FROM need"
        " CROSS JOIN value ON value.team = need.parent AND scope = 2"
        " CROSS JOIN run AS parent ON parent.id = value.run WHERE need.run = ?1"
        " ORDER BY clause, place, element, key";
    size_t bytes = 0, count = 0;
    sqlite3_stmt *stmt;
    *cut = false;
    int rc = statement_start(cat, GIVEN, VALUES(as_int(run)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        char *text = name_variable(
            (const char *)sqlite3_column_text(stmt, 0), sqlite3_column_int64(stmt, 1),
            (const char *)sqlite3_column_text(stmt, 2), (const char *)sqlite3_column_text(stmt, 3));
        bytes += strlen(text) + 1;
        rc = 0;
        if (++count <= GIVEN_COUNT && bytes <= GIVEN_BYTES) {
            strlist_take(variables, text);
            continue;
        }
        free(text);
        *cut = true;
        statement_end(stmt);
        break;
    }
    return rc;
}
