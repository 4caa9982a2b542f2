#include "prune.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "rows.h"
#include "xalloc.h"

enum { PAGE = 200 /* bundles that are looked at between two breaths */ };

/* The end before which a run of a state is to have been, by the terms ?2 to ?5: see bounds(). */
#define BAD "m.state IN (7, 8, 10)"
#define BEFORE                                                                                     \
    "coalesce(?4 - iif(?5, NULL, iif(" BAD ", s.keep_failed_ms, s.keep_ms)), iif(" BAD ", ?3, "    \
    "?2))"

/* Whether a run m of a specification s may go, as far as it is about itself. */
#define MAY_GO                                                                                     \
    "m.state >= 6 AND m.finished_at < " BEFORE                                                     \
    " AND NOT EXISTS (SELECT 1 FROM need CROSS JOIN run AS w ON w.id = need.run"                   \
    "  WHERE need.parent = m.id AND need.scope IN (1, 3) AND w.state < 6)"                         \
    " AND NOT EXISTS (SELECT 1 FROM need CROSS JOIN run AS w ON w.id = need.run"                   \
    "  WHERE need.parent = m.array AND need.scope = 2 AND w.state < 6)"                            \
    " AND NOT (EXISTS (SELECT 1 FROM job WHERE name = m.job)"                                      \
    "  AND m.id = (SELECT max(id) FROM run AS newest WHERE newest.job = m.job))"

/* ?1 is the statement's own. A time of forever is before everything. */
#define TERMS(first, terms)                                                                        \
    VALUES(as_int(first), as_int((terms)->now - (terms)->keep_ms),                                 \
           as_int((terms)->now - (terms)->keep_failed_ms), as_int((terms)->now),                   \
           as_int((terms)->all))

static int64_t shorter(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void prune_runs_free(struct prune_runs *runs)
{
    free(runs->v);
    *runs = (struct prune_runs){0};
}

static void add(struct prune_runs *runs, int64_t id, int64_t bundle)
{
    if (runs->n == runs->cap) {
        runs->cap = runs->cap ? 2 * runs->cap : PAGE;
        runs->v = xreallocarray(runs->v, runs->cap, sizeof *runs->v);
    }
    runs->v[runs->n++] = (struct prune_run){id, bundle};
}

/* ---- bundles ---- */

/* The first of a workflow, a group, or a run by itself. */
struct leader {
    int64_t id, at, workflow, array;
};

static void read_leader(sqlite3_stmt *stmt, void *row)
{
    *(struct leader *)row =
        (struct leader){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                        sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3)};
}

static int may_go(struct catalogue *cat, const struct prune_terms *terms,
                  const struct leader *leader, int64_t *may, struct err *err)
{
    static const char WORKFLOW[] =
        "SELECT NOT EXISTS (SELECT 1 FROM run AS m JOIN spec AS s ON s.id = m.spec"
        " WHERE m.workflow = ?1 AND NOT (" MAY_GO "))";
    static const char GROUP[] =
        "SELECT NOT EXISTS (SELECT 1 FROM run AS m JOIN spec AS s ON s.id = m.spec"
        " WHERE m.array = ?1 AND NOT (" MAY_GO "))";
    static const char ALONE[] = "SELECT EXISTS (SELECT 1 FROM run AS m JOIN spec AS s"
                                " ON s.id = m.spec WHERE m.id = ?1 AND " MAY_GO ")";
    const char *sql = leader->workflow ? WORKFLOW : leader->array ? GROUP : ALONE;
    return statement_int(cat, sql, TERMS(leader->id, terms), 0, may, err);
}

static void read_id(sqlite3_stmt *stmt, void *row)
{
    *(int64_t *)row = sqlite3_column_int64(stmt, 0);
}

/* Should it end amid a bundle, what is left must not pass for better than the whole was, and must be
 * found again: what succeeded goes first, the one by which it is found last. */
static int add_bundle(struct catalogue *cat, const struct leader *leader, struct prune_runs *runs,
                      struct err *err)
{
    static const struct row_kind ids = {sizeof(int64_t), read_id, NULL};
    static const char WORKFLOW[] =
        "SELECT id FROM run WHERE workflow = ?1 ORDER BY id = ?1, state <> 6, id";
    static const char GROUP[] =
        "SELECT id FROM run WHERE array = ?1 ORDER BY id = ?1, state <> 6, id";
    struct rows rows;
    if (!leader->workflow && !leader->array) {
        add(runs, leader->id, leader->id);
        return 0;
    }
    int rc = rows_read(cat, leader->workflow ? WORKFLOW : GROUP, VALUES(as_int(leader->id)), &ids,
                       &rows, err);
    for (size_t i = 0; rc == 0 && i < rows.n; i++)
        add(runs, ((const int64_t *)rows.v)[i], leader->id);
    rows_free(&rows, &ids);
    return rc;
}

static const struct row_kind leader_kind = {sizeof(struct leader), read_leader, NULL};

static int add_bundles(struct catalogue *cat, const struct prune_terms *terms,
                       const struct rows *leaders, struct prune_runs *runs, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < leaders->n; i++) {
        const struct leader *leader = (const struct leader *)leaders->v + i;
        int64_t may = 0;
        rc = may_go(cat, terms, leader, &may, err);
        if (rc == 0 && may)
            rc = add_bundle(cat, leader, runs, err);
    }
    return rc;
}

/* ---- walks ---- */

/* By their end: all that may go by the shorter time of the configuration. */
static int walk_ended(struct catalogue *cat, const struct prune_terms *terms,
                      struct prune_walk *walk, struct prune_runs *runs, struct err *err)
{
    static const char NEXT[] =
        "SELECT id, finished_at, workflow, array FROM run WHERE finished_at IS NOT NULL"
        " AND (finished_at, id) > (?1, ?2) AND finished_at < ?3"
        " AND id = coalesce(workflow, array, id) ORDER BY finished_at, id LIMIT ?4";
    struct rows rows;
    int64_t before = terms->now - shorter(terms->keep_ms, terms->keep_failed_ms);
    int rc = rows_read(cat, NEXT,
                       VALUES(as_int(walk->at), as_int(walk->run), as_int(before), as_int(PAGE)),
                       &leader_kind, &rows, err);
    if (rc == 0 && rows.n) {
        const struct leader *last = (const struct leader *)rows.v + rows.n - 1;
        walk->at = last->at;
        walk->run = last->id;
        rc = add_bundles(cat, terms, &rows, runs, err);
        rc = rc < 0 ? rc : 1;
    }
    rows_free(&rows, &leader_kind);
    return rc;
}

/* The next specification whose runs are kept for less than the configuration says: 1. */
static int next_spec(struct catalogue *cat, const struct prune_terms *terms,
                     struct prune_walk *walk, struct err *err)
{
    static const char NEXT[] =
        "SELECT id, min(ifnull(keep_ms, keep_failed_ms), ifnull(keep_failed_ms, keep_ms))"
        " FROM spec WHERE (keep_ms IS NOT NULL OR keep_failed_ms IS NOT NULL) AND id > ?1"
        " AND min(ifnull(keep_ms, keep_failed_ms), ifnull(keep_failed_ms, keep_ms)) < ?2"
        " ORDER BY id LIMIT 1";
    sqlite3_stmt *stmt;
    int64_t keep = shorter(terms->keep_ms, terms->keep_failed_ms);
    walk->spec = 0;
    int rc = statement_start(cat, NEXT, VALUES(as_int(walk->specs), as_int(keep)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    walk->spec = walk->specs = sqlite3_column_int64(stmt, 0);
    walk->until = terms->now - sqlite3_column_int64(stmt, 1);
    walk->run = 0;
    statement_end(stmt);
    return 1;
}

/* By id, which is about the order in which they were queued: one that was queued too late to have been
 * over for long enough ends the walk. */
static int walk_spec(struct catalogue *cat, const struct prune_terms *terms,
                     struct prune_walk *walk, struct prune_runs *runs, struct err *err)
{
    static const char NEXT[] = "SELECT id, queued_at, workflow, array FROM run"
                               " WHERE spec = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    struct rows rows;
    int rc = rows_read(cat, NEXT, VALUES(as_int(walk->spec), as_int(walk->run), as_int(PAGE)),
                       &leader_kind, &rows, err);
    struct leader *v = rows.v;
    size_t kept = 0, i = 0;
    for (; i < rows.n && v[i].at < walk->until; i++) {
        walk->run = v[i].id;
        if (v[i].id == (v[i].workflow ? v[i].workflow : v[i].array ? v[i].array : v[i].id))
            v[kept++] = v[i];
    }
    if (i < PAGE)
        walk->spec = 0;
    rows.n = kept;
    if (rc == 0)
        rc = add_bundles(cat, terms, &rows, runs, err);
    rows_free(&rows, &leader_kind);
    return rc < 0 ? rc : 1;
}

int prune_find(struct catalogue *cat, const struct prune_terms *terms, struct prune_walk *walk,
               struct prune_runs *runs, struct err *err)
{
    int rc = 1;
    if (!walk->specs && !walk->spec) { /* not among the specifications yet */
        rc = walk_ended(cat, terms, walk, runs, err);
        if (rc || terms->all)
            return rc;
    } else if (walk->spec) {
        return walk_spec(cat, terms, walk, runs, err);
    }
    return next_spec(cat, terms, walk, err);
}

/* ---- one run ---- */

int prune_look(struct catalogue *cat, const struct prune_terms *terms, int64_t id,
               struct prune_gone *gone, struct err *err)
{
    static const char LOOK[] =
        "SELECT m.job, m.attempt, max(ifnull(m.out_bytes, 0) - ifnull(m.out_dropped, 0), 0)"
        " + max(ifnull(m.err_bytes, 0) - ifnull(m.err_dropped, 0), 0)"
        " FROM run AS m JOIN spec AS s ON s.id = m.spec WHERE m.id = ?1 AND " MAY_GO;
    sqlite3_stmt *stmt;
    *gone = (struct prune_gone){.id = id};
    int rc = statement_start(cat, LOOK, TERMS(id, terms), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    gone->job = column_text(stmt, 0);
    gone->attempts = sqlite3_column_int(stmt, 1);
    gone->bytes = sqlite3_column_int64(stmt, 2);
    statement_end(stmt);
    return 1;
}

/* What belongs to a run and is gone with it; ?1 is the run. Attempts, needs and values follow by
 * themselves. What is counted of a group goes with the first of it: whoever comes to need what is left
 * counts that. A job that failed is not failing any more when nobody knows it. */
static const char *const with_it[] = {
    "INSERT OR REPLACE INTO discarded (run, attempts)"
    " SELECT id, attempt FROM run WHERE id = ?1 AND attempt > 0",
    "DELETE FROM event WHERE run = ?1",
    "DELETE FROM team WHERE id = (SELECT array FROM run WHERE id = ?1)",
    "DELETE FROM array_stop WHERE array = (SELECT array FROM run WHERE id = ?1)",
    "DELETE FROM failing WHERE job = (SELECT job FROM run WHERE id = ?1) AND run = ?1"
    " AND NOT EXISTS (SELECT 1 FROM job WHERE job.name = failing.job)",
};

/* ?1 is what the run was of. The newest specification stays, or its id would be given again: a dispatcher
 * knows what it has read by its id. */
static const char SPEC[] = "DELETE FROM spec WHERE id = ?1 AND id < (SELECT max(id) FROM spec)"
                           " AND NOT EXISTS (SELECT 1 FROM run WHERE run.spec = ?1)"
                           " AND NOT EXISTS (SELECT 1 FROM job WHERE job.spec = ?1)";
static const char OCCURRENCE[] =
    "DELETE FROM occurrence WHERE id = ?1"
    " AND NOT EXISTS (SELECT 1 FROM run WHERE run.occurrence = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM job WHERE job.name = occurrence.job AND next_at <= due_at)";

int prune_remove(struct catalogue *cat, const struct prune_gone *gone, struct err *err)
{
    static const char FIND_SPEC[] = "SELECT spec FROM run WHERE id = ?1";
    static const char FIND_OCCURRENCE[] = "SELECT occurrence FROM run WHERE id = ?1";
    static const char RUN[] = "DELETE FROM run WHERE id = ?1";
    int64_t spec = 0, occurrence = 0;
    int rc = statement_int(cat, FIND_SPEC, VALUES(as_int(gone->id)), 0, &spec, err);
    if (rc == 0)
        rc = statement_int(cat, FIND_OCCURRENCE, VALUES(as_int(gone->id)), 0, &occurrence, err);
    for (size_t i = 0; rc >= 0 && i < sizeof with_it / sizeof *with_it; i++)
        rc = statement_write(cat, with_it[i], VALUES(as_int(gone->id)), err);
    if (rc >= 0)
        rc = statement_write(cat, RUN, VALUES(as_int(gone->id)), err);
    if (rc >= 0)
        rc = statement_write(cat, SPEC, VALUES(as_int(spec)), err);
    if (rc >= 0 && occurrence)
        rc = statement_write(cat, OCCURRENCE, VALUES(as_int(occurrence)), err);
    return rc < 0 ? rc : 0;
}
