/* Runs as the dispatcher needs them. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "rows.h"

int run_any_unfinished(struct catalogue *cat, bool *any, struct err *err)
{
    static const char ANY[] =
        "SELECT EXISTS (SELECT 1 FROM run WHERE state IN (2, 3, 4, 5) AND state <> 6)";
    int64_t found = 0;
    int rc = statement_int(cat, ANY, NO_VALUES, 0, &found, err);
    *any = found != 0;
    return rc;
}

static void read_row(sqlite3_stmt *stmt, void *row)
{
    *(struct run_brief *)row = (struct run_brief){
        .id = sqlite3_column_int64(stmt, 0),
        .spec = sqlite3_column_int64(stmt, 1),
        .state = (enum run_state)sqlite3_column_int(stmt, 2),
        .priority = sqlite3_column_int(stmt, 3),
        .attempt = sqlite3_column_int(stmt, 4),
        .not_before = sqlite3_column_int64(stmt, 5),
        .queued_at = sqlite3_column_int64(stmt, 6),
        .due_at = sqlite3_column_int64(stmt, 7),
        .cancel_at = sqlite3_column_int64(stmt, 8),
        .job = column_text(stmt, 9),
        .host = column_text(stmt, 10),
        .started_at = sqlite3_column_int64(stmt, 11),
        .token = (uint64_t)sqlite3_column_int64(stmt, 12),
        .array = sqlite3_column_int64(stmt, 13),
        .index = sqlite3_column_type(stmt, 14) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, 14),
        .item = column_text(stmt, 15),
        .pin = column_text(stmt, 16),
        .shards = sqlite3_column_int(stmt, 17),
        .needs = sqlite3_column_int(stmt, 18) != 0,
    };
}

static void release(void *row)
{
    struct run_brief *run = row;
    free((char *)run->job);
    free((char *)run->host);
    free((char *)run->item);
    free((char *)run->pin);
}

/* Reads all rows of a statement, lets go of the catalogue, and calls each. *last: the last row's id
 * (0: no row). */
static int visit(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                 int (*each)(const struct run_brief *, void *), void *arg, int64_t *last,
                 struct err *err)
{
    static const struct row_kind kind = {sizeof(struct run_brief), read_row, release};
    struct rows rows;
    int rc = rows_read(cat, sql, values, n, &kind, &rows, err);
    *last = rows.n ? ((const struct run_brief *)rows.v)[rows.n - 1].id : 0;
    ROWS_HAND_OUT(struct run_brief, &kind, &rows, rc, each, arg);
    return rc;
}

int run_queued(struct catalogue *cat, int64_t after, int (*each)(const struct run_brief *, void *),
               void *arg, struct err *err)
{
    static const char QUEUED[] =
        "SELECT id, spec, state, priority, attempt, not_before, queued_at, due_at, cancel_at, job,"
        " host, started_at, 0, array, idx, item, pin, shards,"
        " unmet IS NOT NULL FROM run WHERE state = 3 AND state <> 6 AND id > ?1 ORDER BY id LIMIT "
        "?2";
    int rc;
    do
        rc = visit(cat, QUEUED, VALUES(as_int(after), as_int(BATCH)), each, arg, &after, err);
    while (rc == 0 && after);
    return rc;
}

/* Not in batches: there are no more than the hosts have slots. */
int run_unfinished(struct catalogue *cat, int (*each)(const struct run_brief *, void *), void *arg,
                   struct err *err)
{
    static const char UNFINISHED[] =
        "SELECT id, spec, run.state, priority, run.attempt, not_before, queued_at, due_at,"
        " cancel_at, job, run.host, run.started_at, attempt.token, array, idx, item, pin,"
        " shards, unmet IS NOT NULL FROM run"
        " LEFT JOIN attempt ON attempt.run = run.id AND attempt.attempt = run.attempt"
        " WHERE run.state IN (4, 5) AND run.state <> 6";
    int64_t last;
    return visit(cat, UNFINISHED, NO_VALUES, each, arg, &last, err);
}

int run_brief(struct catalogue *cat, int64_t id, int (*each)(const struct run_brief *, void *),
              void *arg, struct err *err)
{
    static const char BRIEF[] =
        "SELECT id, spec, run.state, priority, run.attempt, not_before, queued_at, due_at,"
        " cancel_at, job, run.host, run.started_at, attempt.token, array, idx, item, pin,"
        " shards, unmet IS NOT NULL FROM run"
        " LEFT JOIN attempt ON attempt.run = run.id AND attempt.attempt = run.attempt"
        " WHERE id = ?1";
    int64_t last;
    int rc = visit(cat, BRIEF, VALUES(as_int(id)), each, arg, &last, err);
    if (rc == 0 && !last)
        return err_set(err, ERR_ANSWER, "there is no run %" PRId64, id);
    return rc;
}

int attempt_standing(struct catalogue *cat, int64_t run, int attempt, uint64_t token,
                     struct err *err)
{
    static const char STANDING[] = "SELECT CASE WHEN state IS NULL THEN 1 ELSE 2 END FROM attempt"
                                   " WHERE run = ?1 AND attempt = ?2 AND token = ?3";
    int64_t standing;
    int rc =
        statement_int(cat, STANDING, VALUES(as_int(run), as_int(attempt), as_int((int64_t)token)),
                      ATTEMPT_UNKNOWN, &standing, err);
    return rc < 0 ? rc : (int)standing;
}
