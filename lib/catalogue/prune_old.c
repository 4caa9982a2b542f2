/* What goes by its own age when the catalogue is pruned, and what is to follow the runs that went. */
#include <sqlite3.h>
#include <stdlib.h>

#include "prune.h"
#include "rows.h"
#include "xalloc.h"

/* Each takes the oldest by an index of what may go: ?1 is the time before which, ?2 how many. */
static const char *const old[] = {
    "DELETE FROM occurrence WHERE id IN (SELECT id FROM occurrence"
    " WHERE outcome <> 1 AND recorded_at < ?1"
    "  AND NOT EXISTS (SELECT 1 FROM run WHERE run.occurrence = occurrence.id)"
    "  AND NOT EXISTS (SELECT 1 FROM job WHERE job.name = occurrence.job AND next_at <= due_at)"
    " ORDER BY recorded_at LIMIT ?2)",
    "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE run IS NULL AND at < ?1"
    " ORDER BY at LIMIT ?2)",
    "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE closed_at < ?1"
    " ORDER BY closed_at LIMIT ?2)",
};

int prune_old(struct catalogue *cat, const struct prune_terms *terms, int limit, int64_t *n,
              struct err *err)
{
    int64_t keep = terms->keep_ms > terms->keep_failed_ms ? terms->keep_ms : terms->keep_failed_ms;
    int rc = 0;
    *n = 0;
    for (size_t i = 0; rc >= 0 && i < sizeof old / sizeof *old; i++) {
        rc = statement_write(cat, old[i], VALUES(as_int(terms->now - keep), as_int(limit)), err);
        *n += rc > 0 ? rc : 0;
    }
    return rc < 0 ? rc : 0;
}

/* ---- files that are to follow ---- */

static void read_discarded(sqlite3_stmt *stmt, void *row)
{
    *(struct output_run *)row =
        (struct output_run){sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1)};
}

int discarded_list(struct catalogue *cat, int limit, struct output_run **runs, size_t *n,
                   struct err *err)
{
    static const struct row_kind kind = {sizeof(struct output_run), read_discarded, NULL};
    static const char LIST[] = "SELECT run, attempts FROM discarded ORDER BY run LIMIT ?1";
    struct rows rows;
    int rc = rows_read(cat, LIST, VALUES(as_int(limit)), &kind, &rows, err);
    if (rc < 0)
        rows_free(&rows, &kind);
    *runs = rows.v;
    *n = rows.n;
    return rc;
}

/* Nobody makes a file in a directory whose runs are all gone and whose ids were all given: what is made
 * there at the same time would have no name. */
static int is_left(struct catalogue *cat, int64_t first, int64_t last, int64_t *left,
                   struct err *err)
{
    static const char LEFT[] =
        "SELECT NOT EXISTS (SELECT 1 FROM run WHERE id BETWEEN ?1 AND ?2)"
        " AND NOT EXISTS (SELECT 1 FROM discarded WHERE run BETWEEN ?1 AND ?2)"
        " AND ?2 < (SELECT seq FROM sqlite_sequence WHERE name = 'run')";
    return statement_int(cat, LEFT, VALUES(as_int(first), as_int(last)), 0, left, err);
}

int discarded_gone(struct catalogue *cat, const struct output_run *runs, size_t n, struct err *err)
{
    static const char GONE[] = "DELETE FROM discarded WHERE run = ?1";
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < n; i++)
        rc = statement_write(cat, GONE, VALUES(as_int(runs[i].run)), err);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        int64_t first = output_first(runs[i].run), last = first + OUTPUT_RUNS_PER_DIR - 1, left;
        if (i + 1 < n && runs[i + 1].run <= last)
            continue;
        rc = is_left(cat, first, last, &left, err);
        if (rc == 0 && left)
            output_remove_dir(cat->path, first);
    }
    return rc < 0 ? rc : 0;
}

/* ---- when ---- */

int prune_oldest(struct catalogue *cat, int64_t *at, struct err *err)
{
    static const char OLDEST[] = "SELECT min(finished_at) FROM run WHERE finished_at IS NOT NULL";
    return statement_int(cat, OLDEST, NO_VALUES, 0, at, err);
}

int pruned_at(struct catalogue *cat, int64_t *at, struct err *err)
{
    static const char AT[] = "SELECT pruned_at FROM pruning WHERE one = 1";
    return statement_int(cat, AT, NO_VALUES, 0, at, err);
}

int pruned_put(struct catalogue *cat, int64_t at, struct err *err)
{
    static const char PUT[] = "UPDATE pruning SET pruned_at = ?1 WHERE one = 1";
    int rc = statement_write(cat, PUT, VALUES(as_int(at)), err);
    return rc < 0 ? rc : 0;
}
