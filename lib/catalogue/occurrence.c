#include <sqlite3.h>
#include <stdlib.h>

#include "history.h"
#include "rows.h"

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {[OUTCOME_RAN] = "ran",
                                        [OUTCOME_SKIPPED] = "skipped",
                                        [OUTCOME_MISSED] = "missed",
                                        [OUTCOME_COALESCED] = "coalesced"};
    return outcome >= OUTCOME_RAN && outcome <= OUTCOME_COALESCED ? names[outcome] : "?";
}

int occurrence_put(struct catalogue *cat, const char *job, int64_t due_at, enum outcome outcome,
                   const char *reason, int64_t now, int64_t *id, struct err *err)
{
    static const char PUT[] = "INSERT INTO occurrence (job, due_at, outcome, reason, recorded_at)"
                              " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (job, due_at) DO NOTHING";
    *id = 0;
    int rc = statement_write(
        cat, PUT,
        VALUES(as_text(job), as_int(due_at), as_int(outcome), as_text(reason), as_int(now)), err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "this occurrence of %s is recorded already", job);
    if (rc < 0)
        return rc;
    *id = sqlite3_last_insert_rowid(cat->db);
    return 0;
}

int occurrence_skip(struct catalogue *cat, int64_t id, const char *reason, struct err *err)
{
    static const char SKIP[] = "UPDATE occurrence SET outcome = 2, reason = ?2 WHERE id = ?1";
    int rc = statement_write(cat, SKIP, VALUES(as_int(id), as_text(reason)), err);
    return rc < 0 ? rc : 0;
}

int occurrence_fill(struct catalogue *cat, const char *job, int64_t due_at, int64_t now,
                    int64_t *id, struct err *err)
{
    static const char FILL[] = "UPDATE occurrence SET outcome = 1, reason = 'backfilled'"
                               " WHERE job = ?1 AND due_at = ?2 AND outcome <> 1";
    static const char FIND[] = "SELECT id FROM occurrence WHERE job = ?1 AND due_at = ?2";
    int rc = occurrence_put(cat, job, due_at, OUTCOME_RAN, "backfilled", now, id, err);
    if (rc != ERR_ANSWER)
        return rc;
    rc = statement_write(cat, FILL, VALUES(as_text(job), as_int(due_at)), err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "this occurrence of %s ran already", job);
    return rc < 0 ? rc : statement_int(cat, FIND, VALUES(as_text(job), as_int(due_at)), 0, id, err);
}

static void read_row(sqlite3_stmt *stmt, void *row)
{
    *(struct occurrence *)row = (struct occurrence){
        .id = sqlite3_column_int64(stmt, 0),
        .job = column_text(stmt, 1),
        .due_at = sqlite3_column_int64(stmt, 2),
        .outcome = (enum outcome)sqlite3_column_int(stmt, 3),
        .reason = column_text(stmt, 4),
        .runs = column_text(stmt, 5),
    };
}

static void release(void *row)
{
    struct occurrence *o = row;
    free(o->job);
    free(o->reason);
    free(o->runs);
}

static const struct row_kind kind = {sizeof(struct occurrence), read_row, release};

#define COLUMNS                                                                                    \
    "occurrence.id, job, due_at, outcome, reason,"                                                 \
    " (SELECT group_concat(run.id) FROM run WHERE run.occurrence = occurrence.id)"

int occurrence_select(struct catalogue *cat, const char *job, int64_t since, int64_t until,
                      int (*each)(const struct occurrence *, void *), void *arg, struct err *err)
{
    static const char SELECT[] = "SELECT " COLUMNS " FROM occurrence"
                                 " WHERE job = ?1 AND due_at >= ?2 AND due_at < ?3"
                                 " ORDER BY due_at LIMIT ?4";
    size_t n;
    int rc;
    do {
        struct rows rows;
        rc = rows_read(cat, SELECT,
                       VALUES(as_text(job), as_int(since), as_int(until), as_int(BATCH)), &kind,
                       &rows, err);
        n = rows.n;
        if (n)
            since = ((const struct occurrence *)rows.v)[n - 1].due_at + 1;
        ROWS_HAND_OUT(struct occurrence, &kind, &rows, rc, each, arg);
    } while (rc == 0 && n == BATCH);
    return rc;
}

int occurrence_get(struct catalogue *cat, int64_t id,
                   int (*each)(const struct occurrence *, void *), void *arg, struct err *err)
{
    static const char GET[] = "SELECT " COLUMNS " FROM occurrence WHERE id = ?1";
    struct rows rows;
    int rc = rows_read(cat, GET, VALUES(as_int(id)), &kind, &rows, err);
    ROWS_HAND_OUT(struct occurrence, &kind, &rows, rc, each, arg);
    return rc;
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
    struct rows rows;
    int rc =
        rows_read(cat, FIND,
                  VALUES(as_text(query->job), as_int(query->since),
                         as_int(query->until ? query->until : INT64_MAX), as_opt(query->outcomes)),
                  &kind, &rows, err);
    ROWS_HAND_OUT(struct occurrence, &kind, &rows, rc, each, arg);
    return rc;
}
