/*
 * Whether the catalogue is whole. What is told of each invariant is said where it is: its SQL gives the rows for
 * which it does not hold, as place and what. They hold for every catalogue, also one that a dispatcher
 * works in, whose writes are whole transactions.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "rows.h"
#include "upkeep.h"
#include "xalloc.h"

struct finding {
    char *place, *what;
};

static void read_finding(sqlite3_stmt *stmt, void *row)
{
    *(struct finding *)row = (struct finding){column_text(stmt, 0), column_text(stmt, 1)};
}

static void release(void *row)
{
    free(((struct finding *)row)->place);
    free(((struct finding *)row)->what);
}

/* What a statement finds is told when it has ended: while they are told nobody reads. */
static int find(struct catalogue *cat, const char *sql, const char *mend, fault_each *each,
                void *arg, int64_t *faults, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct finding), read_finding, release};
    struct rows rows;
    int rc = rows_read(cat, sql, NO_VALUES, &kind, &rows, err);
    const struct finding *v = rows.v;
    if (rc == ERR_IO && rows.n) /* integrity_check says where it is damaged, and then fails of it */
        rc = 0;
    for (size_t i = 0; rc == 0 && i < rows.n; i++) {
        const struct fault fault = {v[i].place, v[i].what, mend};
        ++*faults;
        rc = each(&fault, arg);
    }
    rows_free(&rows, &kind);
    return rc;
}

/* ---- SQLite's own ---- */

#define RESTORE "restore it from a backup (rota-catalogue(1))"

int integrity_check(struct catalogue *cat, fault_each *each, void *arg, int64_t *faults,
                    struct err *err)
{
    static const char WHOLE[] = "SELECT 'catalogue', integrity_check FROM pragma_integrity_check"
                                " WHERE integrity_check <> 'ok'";
    static const char REFERENCES[] =
        "SELECT printf('%s, row %s', \"table\", ifnull(rowid, '?')),"
        " printf('refers to a %s that is not there', parent) FROM pragma_foreign_key_check";
    int rc = find(cat, WHOLE, RESTORE, each, arg, faults, err);
    return rc || *faults ? rc : find(cat, REFERENCES, RESTORE, each, arg, faults, err);
}

/* ---- anatomy ---- */

/* A catalogue of this version, of which nothing is written to a disk. */
static int make_model(sqlite3 **db, struct err *err)
{
    struct catalogue model = {.path = ":memory:", .mode = CATALOGUE_CREATE};
    int rc = catalogue_connect(&model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, &model.db, err);
    if (rc == 0)
        rc = schema_migrate(&model, err);
    statements_free(&model);
    (void)sqlite3_wal_hook(model.db, NULL, NULL); /* it points at `model` */
    *db = model.db;
    return rc;
}

/* Everything that has a name, as "index run_job" with what it is made of; SQLite's own left out. The text is
 * compared without blanks, since it is kept as somebody wrote it. */
static const char ANATOMY[] =
    "SELECT type || ' ' || name, coalesce((SELECT group_concat(name || ' ' || type, ', ')"
    "  FROM pragma_table_xinfo(m.name)), '') || replace(replace(iif(type IN ('table', 'view'), '',"
    "  sql), ' ', ''), char(10), '')"
    " FROM sqlite_schema AS m WHERE name NOT GLOB 'sqlite_*' ORDER BY 1";

static int read_anatomy(sqlite3 *db, struct rows *rows, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct finding), read_finding, release};
    struct catalogue of = {.db = db, .path = "catalogue"};
    int rc = rows_read(&of, ANATOMY, NO_VALUES, &kind, rows, err);
    statements_free(&of);
    return rc;
}

/* Both are in the order of their names. */
static int compare(const struct rows *have, const struct rows *want, fault_each *each, void *arg,
                   int64_t *faults)
{
    const struct finding *a = have->v, *b = want->v;
    int rc = 0;
    for (size_t i = 0, j = 0; rc == 0 && (i < have->n || j < want->n);) {
        int order = i == have->n ? 1 : j == want->n ? -1 : strcmp(a[i].place, b[j].place);
        struct fault fault = {order < 0 ? a[i].place : b[j].place, NULL, RESTORE};
        if (order < 0) {
            fault.what = "is none of rota's";
            fault.mend = "drop it: nobody else may change what is in a catalogue";
        } else if (order > 0) {
            fault.what = "is missing";
        } else if (strcmp(a[i].what, b[j].what) != 0) {
            fault.what = "is not what this version made it";
        }
        if (fault.what) {
            ++*faults;
            rc = each(&fault, arg);
        }
        i += order <= 0;
        j += order >= 0;
    }
    return rc;
}

int integrity_anatomy(struct catalogue *cat, fault_each *each, void *arg, int64_t *faults,
                      struct err *err)
{
    static const struct row_kind kind = {sizeof(struct finding), read_finding, release};
    struct rows have = {0}, want = {0};
    sqlite3 *model = NULL;
    int rc = make_model(&model, err);
    if (rc == 0)
        rc = read_anatomy(cat->db, &have, err);
    if (rc == 0)
        rc = read_anatomy(model, &want, err);
    if (rc == 0)
        rc = compare(&have, &want, each, arg, faults);
    rows_free(&have, &kind);
    rows_free(&want, &kind);
    (void)sqlite3_close(model);
    return rc;
}

/* ---- invariants ---- */

#define REPORT "please report this, with the run's rota status --events"
#define STUCK  "rota cancel it, and please report this"

static const struct {
    const char *sql, *mend;
} invariants[] = {
    {"SELECT 'catalogue', 'there is no row in ' || name FROM (SELECT 'meta' AS name,"
     " (SELECT count(*) FROM meta) AS n UNION ALL SELECT 'holder', (SELECT count(*) FROM holder)"
     " UNION ALL SELECT 'monitor', (SELECT count(*) FROM monitor)"
     " UNION ALL SELECT 'pruning', (SELECT count(*) FROM pruning)) WHERE n <> 1",
     RESTORE},

    /* runs and attempts */
    {"SELECT 'run ' || id, 'is over (' || state || '), but nothing says when it ended'"
     " FROM run WHERE state >= 6 AND finished_at IS NULL",
     REPORT},
    {"SELECT 'run ' || id, 'is not over, but has an end'"
     " FROM run WHERE state < 6 AND finished_at IS NOT NULL",
     REPORT},
    {"SELECT 'run ' || id, 'succeeded, but nothing is known of its exit code'"
     " FROM run WHERE state = 6 AND exit_code IS NULL",
     REPORT},
    {"SELECT 'run ' || id, 'is on a host, but its attempt ' || attempt || ' is not open there'"
     " FROM run WHERE state IN (4, 5) AND NOT EXISTS (SELECT 1 FROM attempt"
     "  WHERE attempt.run = run.id AND attempt.attempt = run.attempt AND attempt.state IS NULL"
     "  AND attempt.host = run.host)",
     STUCK},
    {"SELECT 'run ' || run, 'its attempt ' || attempt.attempt || ' is open, but the run is not on a"
     " host with it'"
     " FROM attempt JOIN run ON run.id = attempt.run WHERE attempt.state IS NULL"
     "  AND NOT (run.state IN (4, 5) AND run.attempt = attempt.attempt)",
     REPORT},
    {"SELECT 'run ' || run, 'its attempt ' || attempt || ' has an end or an outcome, not both'"
     " FROM attempt WHERE (state IS NULL) <> (ended_at IS NULL)",
     REPORT},
    {"SELECT 'run ' || run, 'has an attempt ' || max(attempt.attempt) || ', but says that it had '"
     " || run.attempt FROM attempt JOIN run ON run.id = attempt.run GROUP BY run"
     " HAVING max(attempt.attempt) <> run.attempt",
     REPORT},

    /* what waits for others */
    {"SELECT 'run ' || run, 'has changed, and what waits for it was not told' FROM settling",
     "a rota command that writes settles it: rota catalogue prune"},
    {"SELECT 'run ' || id, 'waits for ' || unmet || ' others, but ' || open || ' are open'"
     " FROM (SELECT id, unmet, (SELECT count(DISTINCT clause) FROM need WHERE run = run.id"
     "  AND NOT EXISTS (SELECT 1 FROM need AS other WHERE other.run = need.run"
     "   AND other.clause = need.clause AND other.met = 1)) AS open"
     "  FROM run WHERE state IN (1, 2) AND unmet IS NOT NULL) WHERE unmet <> open",
     STUCK},
    {"SELECT 'run ' || need.run, 'waits for ' || need.parent || ' (' || need.job"
     " || '), which is not there' FROM need JOIN run ON run.id = need.run"
     " WHERE run.state < 6 AND need.met IS NULL AND need.parent IS NOT NULL"
     "  AND NOT EXISTS (SELECT 1 FROM run AS p WHERE p.id = need.parent)"
     "  AND NOT EXISTS (SELECT 1 FROM run AS p WHERE p.array = need.parent)",
     STUCK},
    {"SELECT 'run ' || id, 'is blocked, and nothing will let it go' FROM run"
     " WHERE state = 2 AND ifnull(unmet, 0) = 0 AND occurrence IS NULL",
     STUCK},
    {"SELECT 'group ' || id, printf('%d of its runs are open, %d did not succeed and %d failed;"
     " counted were %d, %d and %d', o, b, f, open, bad, failed) FROM (SELECT team.*,"
     "  (SELECT count(*) FROM run WHERE array = team.id AND state < 6) AS o,"
     "  (SELECT count(*) FROM run WHERE array = team.id AND state > 6) AS b,"
     "  (SELECT count(*) FROM run WHERE array = team.id AND state IN (7, 8, 10)) AS f FROM team)"
     " WHERE o <> open OR b <> bad OR f <> failed",
     REPORT},
    {"SELECT 'run ' || id, 'is part of group ' || array || ', whose first run is not there'"
     " FROM run WHERE array IS NOT NULL AND NOT EXISTS (SELECT 1 FROM run AS f"
     "  WHERE f.id = run.array)",
     REPORT},
    {"SELECT 'group ' || array, count(*) || ' of its runs are number ' || idx FROM run"
     " WHERE array IS NOT NULL GROUP BY array, idx HAVING count(*) > 1",
     REPORT},

    /* schedules */
    {"SELECT 'occurrence ' || id, 'of ' || job || ' ran, but it has no runs' FROM occurrence"
     " WHERE outcome = 1 AND NOT EXISTS (SELECT 1 FROM run WHERE run.occurrence = occurrence.id)",
     REPORT},
    {"SELECT 'run ' || id, 'is of an occurrence ' || occurrence || ' that is not there, or is"
     " another job''s' FROM run WHERE occurrence IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM occurrence AS o WHERE o.id = run.occurrence AND o.job = run.job)",
     REPORT},
    {"SELECT 'job ' || name, 'is due at an instant that is recorded already' FROM job"
     " WHERE next_at <= last_at",
     "rota schedule add its file again"},
};

int integrity_invariants(struct catalogue *cat, fault_each *each, void *arg, int64_t *faults,
                         struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof invariants / sizeof *invariants; i++)
        rc = find(cat, invariants[i].sql, invariants[i].mend, each, arg, faults, err);
    return rc;
}

/* ---- output ---- */

static void read_kept(sqlite3_stmt *stmt, void *row)
{
    *(struct kept_output *)row =
        (struct kept_output){sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1),
                             sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3)};
}

int kept_output_list(struct catalogue *cat, int64_t after, int limit,
                     int (*each)(const struct kept_output *, void *), void *arg, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct kept_output), read_kept, NULL};
    static const char LIST[] =
        "SELECT id, attempt, ifnull(out_bytes - out_dropped, 0), ifnull(err_bytes - err_dropped, 0)"
        " FROM run WHERE id > ?1 AND state >= 6 AND attempt > 0 ORDER BY id LIMIT ?2";
    struct rows rows;
    int rc = rows_read(cat, LIST, VALUES(as_int(after), as_int(limit)), &kind, &rows, err);
    ROWS_HAND_OUT(struct kept_output, &kind, &rows, rc, each, arg);
    return rc;
}

int kept_output_owned(struct catalogue *cat, int64_t run, int64_t attempt, bool *owned,
                      struct err *err)
{
    static const char OWNED[] = "SELECT EXISTS (SELECT 1 FROM run WHERE id = ?1 AND attempt >= ?2)"
                                " OR EXISTS (SELECT 1 FROM discarded WHERE run = ?1)";
    int64_t is = 0;
    int rc = statement_int(cat, OWNED, VALUES(as_int(run), as_int(attempt)), 0, &is, err);
    *owned = is != 0;
    return rc;
}
