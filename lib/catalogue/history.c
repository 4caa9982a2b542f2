#include "history.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "internal.h"
#include "xalloc.h"

/* Room for one more of a list that doubles from 16. */
static void *grow(void *list, size_t n, size_t size)
{
    bool full = n == 0 || (n >= 16 && (n & (n - 1)) == 0);
    return full ? xreallocarray(list, n ? 2 * n : 16, size) : list;
}

static void drop(const char *text)
{
    free((char *)text);
}

/* ---- attempts ---- */

static struct attempt read_attempt(sqlite3_stmt *stmt)
{
    return (struct attempt){
        .attempt = sqlite3_column_int(stmt, 0),
        .host = column_text(stmt, 1),
        .reason = column_text(stmt, 2),
        .claimed_at = sqlite3_column_int64(stmt, 3),
        .started_at = sqlite3_column_int64(stmt, 4),
        .ended_at = sqlite3_column_int64(stmt, 5),
        .state = (enum run_state)sqlite3_column_int(stmt, 6),
        .has_exit = sqlite3_column_type(stmt, 7) != SQLITE_NULL,
        .exit_code = sqlite3_column_int(stmt, 7),
        .signal = sqlite3_column_int(stmt, 8),
    };
}

int attempt_select(struct catalogue *cat, int64_t run, int (*each)(const struct attempt *, void *),
                   void *arg, struct err *err)
{
    static const char SELECT[] = "SELECT attempt, host, reason, claimed_at, started_at, ended_at,"
                                 " state, exit_code, signal FROM attempt WHERE run = ?1"
                                 " ORDER BY attempt";
    struct attempt *list = NULL;
    size_t n = 0;
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, SELECT, VALUES(as_int(run)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        list = grow(list, n, sizeof *list);
        list[n++] = read_attempt(stmt);
        rc = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = each(&list[i], arg);
        drop(list[i].host);
        drop(list[i].reason);
    }
    free(list);
    return rc;
}

/* ---- events ---- */

int event_of_run(struct catalogue *cat, int64_t run, int (*each)(const struct event *, void *),
                 void *arg, struct err *err)
{
    static const char SELECT[] = "SELECT id, at, run, kind, actor, detail FROM event"
                                 " WHERE run = ?1 ORDER BY id";
    struct event *list = NULL;
    size_t n = 0;
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, SELECT, VALUES(as_int(run)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        list = grow(list, n, sizeof *list);
        list[n++] = (struct event){.id = sqlite3_column_int64(stmt, 0),
                                   .at = sqlite3_column_int64(stmt, 1),
                                   .run = sqlite3_column_int64(stmt, 2),
                                   .kind = column_text(stmt, 3),
                                   .actor = column_text(stmt, 4),
                                   .detail = column_text(stmt, 5)};
        rc = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = each(&list[i], arg);
        drop(list[i].kind);
        drop(list[i].actor);
        drop(list[i].detail);
    }
    free(list);
    return rc;
}

/* ---- occurrences ---- */

/* Reads what the statement finds, ends it, then hands the rows out. */
static int hand_out(struct catalogue *cat, const char *sql, const struct value *values,
                    size_t nvalues, int (*each)(const struct occurrence *, void *), void *arg,
                    struct err *err)
{
    struct occurrence *list = NULL;
    size_t n = 0;
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, sql, values, nvalues, &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        list = grow(list, n, sizeof *list);
        list[n++] = (struct occurrence){.id = sqlite3_column_int64(stmt, 0),
                                        .job = column_text(stmt, 1),
                                        .due_at = sqlite3_column_int64(stmt, 2),
                                        .outcome = (enum outcome)sqlite3_column_int(stmt, 3),
                                        .reason = column_text(stmt, 4),
                                        .runs = column_text(stmt, 5)};
        rc = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = each(&list[i], arg);
        drop(list[i].job);
        drop(list[i].reason);
        drop(list[i].runs);
    }
    free(list);
    return rc;
}

#define COLUMNS                                                                                    \
    "occurrence.id, job, due_at, outcome, reason,"                                                 \
    " (SELECT group_concat(run.id) FROM run WHERE run.occurrence = occurrence.id)"

int occurrence_get(struct catalogue *cat, int64_t id,
                   int (*each)(const struct occurrence *, void *), void *arg, struct err *err)
{
    static const char GET[] = "SELECT " COLUMNS " FROM occurrence WHERE id = ?1";
    return hand_out(cat, GET, VALUES(as_int(id)), each, arg, err);
}

int occurrence_find(struct catalogue *cat, const struct occurrence_query *query,
                    int (*each)(const struct occurrence *, void *), void *arg, struct err *err)
{
    /* The names by one search each in the index of (job, due_at), then its range of each. */
    static const char FIND[] =
        "WITH RECURSIVE names (name) AS (SELECT min(job) FROM occurrence"
        " UNION ALL SELECT (SELECT min(job) FROM occurrence WHERE job > names.name) FROM names"
        "  WHERE names.name IS NOT NULL)"
        " SELECT " COLUMNS " FROM names CROSS JOIN occurrence ON job = name"
        "  AND due_at >= ?2 AND due_at < ?3"
        " WHERE (?1 IS NULL OR name GLOB ?1) AND (?4 IS NULL OR ?4 & (1 << outcome))"
        " ORDER BY due_at, job";
    return hand_out(cat, FIND,
                    VALUES(as_text(query->job), as_int(query->since),
                           as_int(query->until ? query->until : INT64_MAX),
                           as_opt(query->outcomes)),
                    each, arg, err);
}
