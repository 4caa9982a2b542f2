#include "candidate.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "job.h"
#include "order.h"
#include "xalloc.h"

enum {
    ALL_OPEN =
        1 << RUN_HELD | 1 << RUN_BLOCKED | 1 << RUN_QUEUED | 1 << RUN_STARTING | 1 << RUN_RUNNING
};

static void ids_add(struct ids *ids, int64_t id)
{
    if (ids->n == ids->cap) {
        ids->cap = ids->cap ? 2 * ids->cap : 256;
        ids->v = xreallocarray(ids->v, ids->cap, sizeof *ids->v);
    }
    ids->v[ids->n++] = id;
}

void ids_sort(struct ids *ids, bool down)
{
    size_t kept = 0;
    if (ids->n)
        qsort(ids->v, ids->n, sizeof *ids->v, order_by_number);
    for (size_t i = 0; i < ids->n; i++)
        if (!kept || ids->v[kept - 1] != ids->v[i])
            ids->v[kept++] = ids->v[i];
    ids->n = kept;
    for (size_t i = 0; down && i < kept / 2; i++) {
        int64_t id = ids->v[i];
        ids->v[i] = ids->v[kept - 1 - i];
        ids->v[kept - 1 - i] = id;
    }
}

static int gather(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                  struct ids *ids, struct err *err)
{
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, sql, values, n, &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        ids_add(ids, sqlite3_column_int64(stmt, 0));
        rc = 0;
    }
    return rc;
}

static const char BY_STATE[] = "SELECT id FROM run WHERE state = ?1 AND state <> 6";
static const char BY_OPEN[] = "SELECT id FROM run WHERE state < 6 AND state <> 6";
static const char BY_FINISHED[] = "SELECT id FROM run WHERE finished_at >= ?1";
static const char BY_ARRAY[] = "SELECT id FROM run WHERE array = ?1";
static const char BY_JOB[] = "SELECT id FROM run WHERE job = ?1";
static const char BY_JOBS[] = "SELECT id FROM run WHERE job >= ?1 AND job < ?2 AND job GLOB ?3";

/* Bytes of a GLOB pattern before its first wildcard. */
static size_t literal_length(const char *pattern)
{
    return strcspn(pattern, "*?[");
}

static bool fits_ids(const struct run_query *query)
{
    return query->ids != NULL;
}

static int find_ids(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                    struct err *err)
{
    (void)cat;
    (void)err;
    for (size_t i = 0; i < query->nids; i++)
        ids_add(ids, query->ids[i]);
    return 0;
}

static bool fits_array(const struct run_query *query)
{
    return query->array != 0;
}

static int find_array(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                      struct err *err)
{
    return gather(cat, BY_ARRAY, VALUES(as_int(query->array)), ids, err);
}

static bool fits_open(const struct run_query *query)
{
    return query->states && !(query->states & ~(unsigned)ALL_OPEN);
}

static bool fits_states(const struct run_query *query)
{
    return query->states && !(query->states & 1U << RUN_SUCCEEDED);
}

static int find_states(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                       struct err *err)
{
    int rc = 0;
    for (int state = RUN_STATE_FIRST; rc == 0 && state <= (int)RUN_STATE_LAST; state++)
        if (query->states & 1U << state)
            rc = gather(cat, BY_STATE, VALUES(as_int(state)), ids, err);
    return rc;
}

static bool fits_since(const struct run_query *query)
{
    return query->since > 0;
}

/* The open ones first: a run that ends between the two statements is then found by both, the other
 * way round by neither. */
static int find_since(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                      struct err *err)
{
    int rc = gather(cat, BY_OPEN, NO_VALUES, ids, err);
    return rc < 0 ? rc : gather(cat, BY_FINISHED, VALUES(as_int(query->since)), ids, err);
}

static bool fits_job(const struct run_query *query)
{
    return query->job && !query->job[literal_length(query->job)];
}

static int find_job(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                    struct err *err)
{
    return gather(cat, BY_JOB, VALUES(as_text(query->job)), ids, err);
}

static bool fits_jobs(const struct run_query *query)
{
    return query->job && literal_length(query->job) > 0;
}

/* From the literal prefix up to its successor, in bytes: the collation is BINARY. */
static int find_jobs(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                     struct err *err)
{
    char *low = xstrndup(query->job, literal_length(query->job));
    char *high = xstrdup(low);
    high[strlen(high) - 1]++;
    int rc =
        gather(cat, BY_JOBS, VALUES(as_text(low), as_text(high), as_text(query->job)), ids, err);
    free(low);
    free(high);
    return rc;
}

/* The first that fits is taken: the most selective come first. */
static const struct finder finders[] = {
    {fits_ids, find_ids, {NULL}},         {fits_array, find_array, {BY_ARRAY}},
    {fits_open, find_states, {BY_STATE}}, {fits_since, find_since, {BY_OPEN, BY_FINISHED}},
    {fits_job, find_job, {BY_JOB}},       {fits_states, find_states, {BY_STATE}},
    {fits_jobs, find_jobs, {BY_JOBS}},
};

const struct finder *finder_of(const struct run_query *query)
{
    for (size_t i = 0; i < sizeof finders / sizeof *finders; i++)
        if (finders[i].fits(query))
            return &finders[i];
    return NULL;
}
