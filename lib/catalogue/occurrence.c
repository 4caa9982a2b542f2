#include <sqlite3.h>
#include <stdlib.h>

#include "internal.h"
#include "xalloc.h"

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

static struct occurrence read_row(sqlite3_stmt *stmt)
{
    return (struct occurrence){
        .id = sqlite3_column_int64(stmt, 0),
        .job = column_text(stmt, 1),
        .due_at = sqlite3_column_int64(stmt, 2),
        .outcome = (enum outcome)sqlite3_column_int(stmt, 3),
        .reason = column_text(stmt, 4),
        .runs = column_text(stmt, 5),
    };
}

static void release(struct occurrence *o)
{
    free(o->job);
    free(o->reason);
    free(o->runs);
}

int occurrence_select(struct catalogue *cat, const char *job, int64_t since, int64_t until,
                      int (*each)(const struct occurrence *, void *), void *arg, struct err *err)
{
    static const char SELECT[] =
        "SELECT id, job, due_at, outcome, reason,"
        " (SELECT group_concat(run.id) FROM run WHERE run.occurrence = occurrence.id)"
        " FROM occurrence WHERE job = ?1 AND due_at >= ?2 AND due_at < ?3"
        " ORDER BY due_at LIMIT ?4";
    struct occurrence *list = xcalloc(BATCH, sizeof *list);
    int rc, n;
    do {
        sqlite3_stmt *stmt;
        n = 0;
        rc = statement_start(cat, SELECT,
                             VALUES(as_text(job), as_int(since), as_int(until), as_int(BATCH)),
                             &stmt, err);
        while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
            list[n++] = read_row(stmt);
            rc = 0;
        }
        for (int i = 0; i < n; i++) {
            since = list[i].due_at + 1;
            if (rc == 0)
                rc = each(&list[i], arg);
            release(&list[i]);
        }
    } while (rc == 0 && n == BATCH);
    free(list);
    return rc;
}
