/* Needs as they stand, and what belongs together by them. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "need.h"
#include "rows.h"

static void read_row(sqlite3_stmt *stmt, void *row)
{
    int verdict = sqlite3_column_type(stmt, 7) == SQLITE_NULL ? NEED_OPEN
                  : sqlite3_column_int(stmt, 7)               ? NEED_MET
                                                              : NEED_NEVER;
    *(struct need_row *)row = (struct need_row){
        .run = sqlite3_column_int64(stmt, 0),
        .parent = sqlite3_column_int64(stmt, 1),
        .clause = sqlite3_column_int(stmt, 2),
        .is = (enum need_is)sqlite3_column_int(stmt, 3),
        .scope = (enum need_scope)sqlite3_column_int(stmt, 4),
        .job = column_text(stmt, 5),
        .day = column_text(stmt, 6),
        .verdict = (enum need_verdict)verdict,
        .since = sqlite3_column_int64(stmt, 8),
        .until = sqlite3_column_int64(stmt, 9),
    };
}

static void release(void *row)
{
    free((char *)((struct need_row *)row)->job);
    free((char *)((struct need_row *)row)->day);
}

static const struct row_kind kind = {sizeof(struct need_row), read_row, release};

#define COLUMNS                                                                                    \
    "SELECT run, parent, clause, condition, scope, job, day, met, since, until FROM need"

int need_of(struct catalogue *cat, int64_t run, int (*each)(const struct need_row *, void *),
            void *arg, struct err *err)
{
    static const char OF[] = COLUMNS " WHERE run = ?1 ORDER BY clause, place";
    struct rows rows;
    int rc = rows_read(cat, OF, VALUES(as_int(run)), &kind, &rows, err);
    ROWS_HAND_OUT(struct need_row, &kind, &rows, rc, each, arg);
    return rc;
}

int need_on(struct catalogue *cat, int64_t run, int64_t group,
            int (*each)(const struct need_row *, void *), void *arg, struct err *err)
{
    static const char ON[] = COLUMNS " WHERE parent = ?1 AND scope IN (1, 3)"
                                     " UNION ALL " COLUMNS " WHERE parent = ?2 AND scope = 2"
                                     " ORDER BY run";
    struct rows rows;
    int rc = rows_read(cat, ON, VALUES(as_int(run), as_opt(group)), &kind, &rows, err);
    ROWS_HAND_OUT(struct need_row, &kind, &rows, rc, each, arg);
    return rc;
}

int workflow_put(struct catalogue *cat, int64_t first, int64_t last, struct err *err)
{
    static const char PUT[] = "UPDATE run SET workflow = ?1 WHERE id BETWEEN ?1 AND ?2";
    int rc = statement_write(cat, PUT, VALUES(as_int(first), as_int(last)), err);
    return rc < 0 ? rc : 0;
}

static void read_id(sqlite3_stmt *stmt, void *row)
{
    *(int64_t *)row = sqlite3_column_int64(stmt, 0);
}

int workflow_runs(struct catalogue *cat, int64_t run, int (*each)(int64_t id, void *), void *arg,
                  struct err *err)
{
    static const struct row_kind ids = {sizeof(int64_t), read_id, NULL};
    static const char FIND[] = "SELECT id FROM run WHERE workflow = (SELECT workflow FROM run"
                               "  WHERE id = ?1)"
                               " UNION SELECT id FROM run WHERE array = (SELECT array FROM run"
                               "  WHERE id = ?1)"
                               " UNION SELECT id FROM run WHERE id = ?1 ORDER BY id";
    struct rows rows;
    int rc = rows_read(cat, FIND, VALUES(as_int(run)), &ids, &rows, err);
    if (rc == 0 && !rows.n)
        rc = err_set(err, ERR_ANSWER, "there is no run %" PRId64, run);
    const int64_t *v = rows.v;
    for (size_t i = 0; rc == 0 && i < rows.n; i++)
        rc = each(v[i], arg);
    rows_free(&rows, &ids);
    return rc;
}

int need_group(struct catalogue *cat, int64_t run, int64_t *group, struct err *err)
{
    static const char GROUP[] = "SELECT ifnull(array, 0) FROM run WHERE id = ?1";
    int rc = statement_int(cat, GROUP, VALUES(as_int(run)), -1, group, err);
    if (rc == 0 && *group < 0)
        rc = err_set(err, ERR_ANSWER, "there is no run %" PRId64, run);
    return rc;
}

static void read_element(sqlite3_stmt *stmt, void *row)
{
    *(struct need_element *)row =
        (struct need_element){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1)};
}

static int visit_elements(struct catalogue *cat, const char *sql, const struct value *values,
                          size_t n, int (*each)(const struct need_element *, void *), void *arg,
                          struct err *err)
{
    static const struct row_kind elements = {sizeof(struct need_element), read_element, NULL};
    struct rows rows;
    int rc = rows_read(cat, sql, values, n, &elements, &rows, err);
    ROWS_HAND_OUT(struct need_element, &elements, &rows, rc, each, arg);
    return rc;
}

int value_elements(struct catalogue *cat, int64_t group,
                   int (*each)(const struct need_element *, void *), void *arg, struct err *err)
{
    static const char FIND[] = "SELECT id, idx FROM run WHERE array = ?1 AND EXISTS (SELECT 1"
                               " FROM value WHERE value.run = run.id) ORDER BY id";
    return visit_elements(cat, FIND, VALUES(as_int(group)), each, arg, err);
}

int need_elements(struct catalogue *cat, int64_t first, int64_t group,
                  int (*each)(const struct need_element *, void *), void *arg, struct err *err)
{
    static const char FIND[] = "SELECT id, idx FROM run WHERE array = ?2 AND ?2 > 0"
                               " UNION ALL SELECT id, -1 FROM run WHERE id = ?1 AND ?2 = 0"
                               " ORDER BY 2";
    return visit_elements(cat, FIND, VALUES(as_int(first), as_int(group)), each, arg, err);
}
