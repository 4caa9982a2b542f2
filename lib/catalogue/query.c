/*
 * query: selecting runs.
 *
 * A selection goes in two steps, so that it never holds a read transaction for long and never
 * sorts more than ids. First the candidates: one index gives ids (eight bytes a run) that contain
 * the answer, or the table itself is walked by id when no index helps. Then the rows, a batch at a
 * time by id, each checked against the whole query: the state may have changed since.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "candidate.h"
#include "internal.h"
#include "job.h"
#include "xalloc.h"

/* The columns in the order of read_row, and the whole query (?2 states, ?3 job, ?4 host, ?5 since,
 * ?6 until, ?8 array, ?9 hosts); together with the rest below they make complete statements. What a queued run waits
 * for is with its specification unless it has a reason of its own (spec_waiting). */
#define COLUMNS                                                                                    \
    "SELECT run.id, spec, job, state, coalesce(reason, iif(state = 3, (SELECT waiting FROM spec"   \
    " WHERE spec.id = run.spec), NULL)), host, submitter, attempt, priority, exit_code, signal,"   \
    " due_at, queued_at, not_before, started_at, finished_at, cancel_at, utime_us, stime_us,"      \
    " maxrss_kb, out_bytes, out_dropped, err_bytes, err_dropped, rerun_of, array, idx, "           \
    "occurrence, item, pin, shards, workflow, unmet,"                                              \
    " (SELECT nodes FROM elsewhere AS e WHERE e.run = run.id AND e.attempt = run.attempt),"        \
    " (SELECT external_id FROM elsewhere AS e WHERE e.run = run.id AND e.attempt = run.attempt) "
#define WANTED                                                                                     \
    " AND (?2 IS NULL OR ?2 & (1 << state)) AND (?3 IS NULL OR job GLOB ?3)"                       \
    " AND (?4 IS NULL OR host GLOB ?4) AND (?5 IS NULL OR state < 6 OR finished_at >= ?5)"         \
    " AND (?6 IS NULL OR queued_at <= ?6) AND (?8 IS NULL OR array = ?8)"                          \
    " AND (?9 IS NULL OR host IN (SELECT value FROM json_each(?9) AS list)) "

static const char ROWS_GET[] = COLUMNS "FROM run WHERE id = ?1";
static const char ROWS_UP[] = COLUMNS "FROM run WHERE id > ?1" WANTED "ORDER BY id LIMIT ?7";
static const char ROWS_DOWN[] = COLUMNS "FROM run WHERE id < ?1" WANTED "ORDER BY id DESC LIMIT ?7";
/* ?1: a JSON array of ids; the rows come in its order */
static const char ROWS_LISTED[] =
    COLUMNS "FROM json_each(?1) AS list CROSS JOIN run ON run.id = list.value WHERE true" WANTED
            "ORDER BY list.key LIMIT ?7";

/* ---- rows ---- */

struct runs {
    struct run *v;
    size_t n, cap;
};

static void read_row(sqlite3_stmt *s, struct run *run)
{
    *run = (struct run){
        .id = sqlite3_column_int64(s, 0),
        .spec = sqlite3_column_int64(s, 1),
        .job = column_text(s, 2),
        .state = (enum run_state)sqlite3_column_int(s, 3),
        .reason = column_text(s, 4),
        .host = column_text(s, 5),
        .submitter = column_text(s, 6),
        .attempt = sqlite3_column_int(s, 7),
        .priority = sqlite3_column_int(s, 8),
        .has_exit = sqlite3_column_type(s, 9) != SQLITE_NULL,
        .exit_code = sqlite3_column_int(s, 9),
        .signal = sqlite3_column_int(s, 10),
        .due_at = sqlite3_column_int64(s, 11),
        .queued_at = sqlite3_column_int64(s, 12),
        .not_before = sqlite3_column_int64(s, 13),
        .started_at = sqlite3_column_int64(s, 14),
        .finished_at = sqlite3_column_int64(s, 15),
        .cancel_at = sqlite3_column_int64(s, 16),
        .utime_us = sqlite3_column_int64(s, 17),
        .stime_us = sqlite3_column_int64(s, 18),
        .maxrss_kb = sqlite3_column_int64(s, 19),
        .out_bytes = sqlite3_column_int64(s, 20),
        .out_dropped = sqlite3_column_int64(s, 21),
        .err_bytes = sqlite3_column_int64(s, 22),
        .err_dropped = sqlite3_column_int64(s, 23),
        .rerun_of = sqlite3_column_int64(s, 24),
        .array = sqlite3_column_int64(s, 25),
        .index = sqlite3_column_type(s, 26) == SQLITE_NULL ? -1 : sqlite3_column_int64(s, 26),
        .occurrence = sqlite3_column_int64(s, 27),
        .item = column_text(s, 28),
        .pin = column_text(s, 29),
        .shards = sqlite3_column_int(s, 30),
        .workflow = sqlite3_column_int64(s, 31),
        .needs = sqlite3_column_type(s, 32) != SQLITE_NULL,
        .unmet = sqlite3_column_int64(s, 32),
        .nodes = column_text(s, 33),
        .external_id = column_text(s, 34),
    };
}

void run_free(struct run *run)
{
    free(run->job);
    free(run->reason);
    free(run->nodes);
    free(run->external_id);
    free(run->host);
    free(run->submitter);
    free(run->item);
    free(run->pin);
    *run = (struct run){0};
}

static void runs_add(struct runs *runs, struct run run)
{
    if (runs->n == runs->cap) {
        runs->cap = runs->cap ? 2 * runs->cap : 64;
        runs->v = xreallocarray(runs->v, runs->cap, sizeof *runs->v);
    }
    runs->v[runs->n++] = run;
}

static void runs_empty(struct runs *runs)
{
    for (size_t i = 0; i < runs->n; i++)
        run_free(&runs->v[i]);
    runs->n = 0;
}

/* ---- the walk ---- */

struct walk {
    const struct run_query *query;
    bool listed; /* over ids; else over the table */
    bool down;   /* newest first */
    bool over;
    struct ids ids;
    size_t at;      /* the next of ids */
    size_t batch;   /* how many to read next: no more than a limit wants, if all of them match */
    int64_t cursor; /* the last id of the table that was read */
};

static int walk_start(struct catalogue *cat, struct walk *walk, const struct run_query *query,
                      struct err *err)
{
    const struct finder *finder = finder_of(query);
    /* a limit keeps the newest, whatever the order they are shown in */
    *walk = (struct walk){
        .query = query, .listed = finder != NULL, .down = query->newest_first || query->limit > 0};
    walk->batch = query->limit > 0 && query->limit < BATCH ? (size_t)query->limit : BATCH;
    walk->cursor = walk->down ? INT64_MAX : 0;
    int rc = finder ? finder->find(cat, query, &walk->ids, err) : 0;
    ids_sort(&walk->ids, walk->down);
    return rc;
}

/* The next ids of the list as a JSON array; free. */
static char *next_ids(struct walk *walk)
{
    struct buf json = {0};
    size_t end = walk->ids.n - walk->at < walk->batch ? walk->ids.n : walk->at + walk->batch;
    for (; walk->at < end; walk->at++)
        buf_addf(&json, "%c%" PRId64, json.len ? ',' : '[', walk->ids.v[walk->at]);
    walk->over = walk->at == walk->ids.n;
    buf_addstr(&json, json.len ? "]" : "[]");
    return buf_detach(&json);
}

/* Adds the next batch of runs that the query wants; it may be empty. */
static int walk_next(struct catalogue *cat, struct walk *walk, struct runs *runs, struct err *err)
{
    const struct run_query *query = walk->query;
    const char *sql = walk->listed ? ROWS_LISTED : walk->down ? ROWS_DOWN : ROWS_UP;
    char *json = walk->listed ? next_ids(walk) : NULL;
    size_t before = runs->n;
    sqlite3_stmt *stmt;
    int rc =
        statement_start(cat, sql,
                        VALUES(json ? as_text(json) : as_int(walk->cursor), as_opt(query->states),
                               as_text(query->job), as_text(query->host), as_opt(query->since),
                               as_opt(query->until), as_int((int64_t)walk->batch),
                               as_opt(query->array), as_text(query->hosts)),
                        &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        struct run run;
        read_row(stmt, &run);
        runs_add(runs, run);
        walk->cursor = run.id;
        rc = 0;
    }
    if (!walk->listed)
        walk->over = runs->n - before < walk->batch;
    walk->batch = walk->batch < BATCH / 4 ? walk->batch * 4 : BATCH; /* not all of them did */
    free(json);
    return rc;
}

static int show(const struct runs *runs, size_t n, bool backwards,
                int (*each)(const struct run *run, void *arg), void *arg)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = each(&runs->v[backwards ? n - 1 - i : i], arg);
    return rc;
}

int run_select(struct catalogue *cat, const struct run_query *query,
               int (*each)(const struct run *run, void *arg), void *arg, struct err *err)
{
    struct walk walk;
    struct runs runs = {0};
    size_t left = query->limit > 0 ? (size_t)query->limit : SIZE_MAX;
    bool keep = query->limit > 0 && !query->newest_first; /* read downwards, show upwards */
    int rc = walk_start(cat, &walk, query, err);
    while (rc == 0 && !walk.over && (keep ? runs.n < left : left > 0)) {
        rc = walk_next(cat, &walk, &runs, err);
        if (rc < 0 || keep)
            continue;
        size_t n = runs.n < left ? runs.n : left;
        rc = show(&runs, n, false, each, arg);
        left -= left == SIZE_MAX ? 0 : n;
        runs_empty(&runs);
    }
    if (rc == 0 && keep)
        rc = show(&runs, runs.n < left ? runs.n : left, true, each, arg);
    runs_empty(&runs);
    free(runs.v);
    free(walk.ids.v);
    return rc;
}

char *run_select_plan(struct catalogue *cat, const struct run_query *query)
{
    const struct finder *finder = finder_of(query);
    bool down = query->newest_first || query->limit > 0;
    struct buf plan = {0};
    for (size_t i = 0; finder && i < 2; i++)
        if (finder->sql[i])
            statement_plan(cat, finder->sql[i], &plan);
    statement_plan(cat, finder ? ROWS_LISTED : down ? ROWS_DOWN : ROWS_UP, &plan);
    return buf_detach(&plan);
}

/* ---- one run, and all together ---- */

int run_get(struct catalogue *cat, int64_t id, struct run *run, struct err *err)
{
    sqlite3_stmt *stmt;
    *run = (struct run){0};
    int rc = statement_start(cat, ROWS_GET, VALUES(as_int(id)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "there is no run %" PRId64, id);
    read_row(stmt, run);
    statement_end(stmt);
    return 0;
}

int run_last(struct catalogue *cat, int64_t *id, struct err *err)
{
    static const char LAST[] = "SELECT max(id) FROM run";
    return statement_int(cat, LAST, NO_VALUES, 0, id, err);
}

int run_ids_between(struct catalogue *cat, int64_t first, int64_t last,
                    int (*each)(int64_t id, void *arg), void *arg, struct err *err)
{
    static const char BETWEEN[] = "SELECT id FROM run WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, BETWEEN, VALUES(as_int(first), as_int(last)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        rc = each(sqlite3_column_int64(stmt, 0), arg);
        if (rc != 0)
            statement_end(stmt);
    }
    return rc;
}

int run_jobs(struct catalogue *cat, const char *prefix, size_t limit, struct strlist *names,
             struct err *err)
{
    static const char FIRST[] = "SELECT job FROM run WHERE job >= ?1 ORDER BY job LIMIT 1";
    static const char NEXT[] = "SELECT job FROM run WHERE job > ?1 ORDER BY job LIMIT 1";
    char *name = xstrdup(prefix);
    size_t len = strlen(prefix);
    int rc = 1;
    for (size_t n = 0; rc > 0 && n < limit; n++) {
        sqlite3_stmt *stmt;
        rc = statement_start(cat, n ? NEXT : FIRST, VALUES(as_text(name)), &stmt, err);
        if (rc == 0)
            rc = statement_next(cat, stmt, err);
        if (rc <= 0)
            break;
        free(name);
        name = xstrdup((const char *)sqlite3_column_text(stmt, 0));
        statement_end(stmt);
        if (strncmp(name, prefix, len) != 0)
            break;
        strlist_add(names, name);
    }
    free(name);
    return rc < 0 ? rc : 0;
}

/* The succeeded are counted as all less the others: counting rows is much cheaper than reading
 * them, and the index run_state holds the others only. */
int run_counts(struct catalogue *cat, int64_t counts[], struct err *err)
{
    static const char COUNTS[] = "SELECT state, count(*) FROM run WHERE state <> 6 GROUP BY state"
                                 " UNION ALL SELECT 6, (SELECT count(*) FROM run) -"
                                 " (SELECT count(*) FROM run WHERE state <> 6)";
    sqlite3_stmt *stmt;
    memset(counts, 0, ((size_t)RUN_STATE_LAST + 1) * sizeof *counts);
    int rc = statement_start(cat, COUNTS, NO_VALUES, &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        int state = sqlite3_column_int(stmt, 0);
        if (state >= 0 && state <= (int)RUN_STATE_LAST)
            counts[state] = sqlite3_column_int64(stmt, 1);
        rc = 0;
    }
    return rc;
}
