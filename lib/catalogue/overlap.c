/*
 * What schedules do to runs that are there: the overlap policy blocks, cancels and unblocks them, a
 * deadline expires them. All of it is told in events, which the dispatcher follows.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "internal.h"
#include "job.h"

/* A few of each are read before any is written. */
enum { SOME = 200 };

struct found {
    int64_t id, occurrence, start_by;
    char *job;
};

static int find(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                struct found found[SOME], int *count, struct err *err)
{
    sqlite3_stmt *stmt;
    *count = 0;
    int rc = statement_start(cat, sql, values, n, &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        found[(*count)++] = (struct found){.id = sqlite3_column_int64(stmt, 0),
                                           .occurrence = sqlite3_column_int64(stmt, 1),
                                           .start_by = sqlite3_column_int64(stmt, 2),
                                           .job = column_text(stmt, 3)};
        rc = 0;
    }
    return rc;
}

static void forget(struct found *found, int count)
{
    for (int i = 0; i < count; i++)
        free(found[i].job);
}

int run_open(struct catalogue *cat, const char *job, int64_t *id, struct err *err)
{
    static const char OPEN[] =
        "SELECT min(id) FROM run WHERE job = ?1 AND state < 6 AND state <> 2";
    return statement_int(cat, OPEN, VALUES(as_text(job)), 0, id, err);
}

int run_open_since(struct catalogue *cat, const char *job, int64_t *queued_at, struct err *err)
{
    static const char SINCE[] = "SELECT queued_at FROM run WHERE job = ?1 AND state < 6"
                                " AND state <> 2 AND occurrence IS NOT NULL ORDER BY id LIMIT 1";
    return statement_int(cat, SINCE, VALUES(as_text(job)), 0, queued_at, err);
}

int run_needy(struct catalogue *cat, const char *job, int64_t *id, struct err *err)
{
    static const char NEEDY[] =
        "SELECT min(id) FROM run WHERE job = ?1 AND state = 2 AND unmet > 0";
    return statement_int(cat, NEEDY, VALUES(as_text(job)), 0, id, err);
}

int run_cancel_open(struct catalogue *cat, const char *job, const char *actor, struct err *err)
{
    int64_t id;
    int rc;
    static const char OPEN[] =
        "SELECT id FROM (SELECT id FROM run WHERE job = ?1 AND state < 6 AND state <> 2"
        "  AND cancel_at IS NULL"
        " UNION ALL SELECT id FROM run WHERE job = ?1 AND state = 2 AND occurrence IS NOT NULL"
        "  AND ifnull(unmet, 0) = 0"
        "  AND NOT EXISTS (SELECT 1 FROM occurrence WHERE occurrence.id = run.occurrence"
        "  AND occurrence.reason IS NOT NULL)"
        " UNION ALL SELECT id FROM run WHERE job = ?1 AND state = 2 AND unmet > 0"
        "  AND NOT EXISTS (SELECT 1 FROM occurrence WHERE occurrence.id = run.occurrence"
        "  AND occurrence.reason IS NOT NULL)) LIMIT 1";
    while ((rc = statement_int(cat, OPEN, VALUES(as_text(job)), 0, &id, err)) == 0 && id) {
        bool done;
        rc = run_request(cat, id, REQUEST_CANCEL, 0, actor, &done, err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* The runs of one occurrence go together, but for those that still wait for other jobs. */
static int release(struct catalogue *cat, int64_t first, struct err *err)
{
    static const char TELL[] =
        "INSERT INTO event (at, run, kind, actor) SELECT ?2, id, 'release', 'overlap policy'"
        " FROM run WHERE occurrence = (SELECT occurrence FROM run WHERE id = ?1) AND state = 2"
        "  AND ifnull(unmet, 0) = 0";
    static const char QUEUE[] =
        "UPDATE run SET state = 3, reason = NULL"
        " WHERE occurrence = (SELECT occurrence FROM run WHERE id = ?1) AND state = 2"
        "  AND ifnull(unmet, 0) = 0";
    int rc = statement_write(cat, TELL, VALUES(as_int(first), as_int(clock_now())), err);
    return rc < 0 ? rc : statement_write(cat, QUEUE, VALUES(as_int(first)), err);
}

int run_unblock(struct catalogue *cat, const char *job, int64_t *id, struct err *err)
{
    static const char FIRST[] = "SELECT min(id) FROM run WHERE job = ?1"
                                " AND state = 2 AND occurrence IS NOT NULL"
                                " AND ifnull(unmet, 0) = 0";
    int64_t other;
    *id = 0;
    int rc = run_open(cat, job, &other, err);
    if (rc < 0 || other)
        return rc;
    rc = statement_int(cat, FIRST, VALUES(as_text(job)), 0, id, err);
    if (rc < 0 || !*id)
        return rc;
    rc = release(cat, *id, err);
    return rc < 0 ? rc : 0;
}

int run_unblock_with(struct catalogue *cat, const char *job, int64_t occurrence, int64_t *id,
                     struct err *err)
{
    /* ids of one occurrence follow each other: where the first and the last that are open are of it, all
     * are */
    static const char ONLY[] =
        "SELECT (SELECT occurrence FROM run WHERE id = (SELECT min(id) FROM run"
        "  WHERE job = ?1 AND state < 6 AND state <> 2)) = ?2"
        " AND (SELECT occurrence FROM run WHERE id = (SELECT max(id) FROM run"
        "  WHERE job = ?1 AND state < 6 AND state <> 2)) = ?2";
    static const char FIRST[] = "SELECT min(id) FROM run WHERE occurrence = ?1 AND state = 2"
                                " AND ifnull(unmet, 0) = 0";
    int64_t only;
    *id = 0;
    int rc = statement_int(cat, ONLY, VALUES(as_text(job), as_int(occurrence)), 0, &only, err);
    if (rc < 0 || !only)
        return rc < 0 ? rc : run_unblock(cat, job, id, err);
    rc = statement_int(cat, FIRST, VALUES(as_int(occurrence)), 0, id, err);
    if (rc < 0 || !*id)
        return rc;
    rc = release(cat, *id, err);
    return rc < 0 ? rc : 0;
}

int run_takes_turns(struct catalogue *cat, int64_t id, int64_t *turns, struct err *err)
{
    static const char TURNS[] =
        "SELECT EXISTS (SELECT 1 FROM job WHERE name = run.job AND overlap <> 1)"
        " OR EXISTS (SELECT 1 FROM occurrence WHERE id = run.occurrence AND reason IS NOT NULL)"
        " FROM run WHERE id = ?1 AND occurrence IS NOT NULL";
    return statement_int(cat, TURNS, VALUES(as_int(id)), 0, turns, err);
}

/* The jobs with blocked runs, one search each however many runs that are, of which nothing else is open. */
#define UNBLOCKABLE                                                                                \
    "WITH RECURSIVE blocked (job) AS ("                                                            \
    "SELECT min(job) FROM run WHERE state = 2 AND occurrence IS NOT NULL AND ifnull(unmet, 0) = 0" \
    " UNION ALL SELECT (SELECT min(job) FROM run WHERE state = 2 AND occurrence IS NOT NULL"       \
    "  AND ifnull(unmet, 0) = 0 AND job > blocked.job) FROM blocked WHERE blocked.job IS NOT "     \
    "NULL)"                                                                                        \
    " SELECT job FROM blocked WHERE job IS NOT NULL AND NOT EXISTS (SELECT 1 FROM run"             \
    "  WHERE run.job = blocked.job AND state < 6 AND state <> 2)"

int run_unblock_all(struct catalogue *cat, int limit, int *n, struct err *err)
{
    static const char BLOCKED[] = "SELECT 0, NULL, NULL, job FROM (" UNBLOCKABLE ") LIMIT ?1";
    struct found found[SOME];
    int count;
    *n = 0;
    int rc = find(cat, BLOCKED, VALUES(as_int(limit < SOME ? limit : SOME)), found, &count, err);
    for (int i = 0; rc == 0 && i < count; i++) {
        int64_t id;
        rc = run_unblock(cat, found[i].job, &id, err);
        *n += id != 0;
    }
    forget(found, count);
    return rc;
}

static int expire(struct catalogue *cat, const struct found *f, int64_t now, struct err *err)
{
    static const char CANCEL[] = "UPDATE run SET state = 9, reason = ?2, finished_at = ?3"
                                 " WHERE id = ?1 AND state < 4";
    static const char MISSED[] = "UPDATE occurrence SET outcome = 3, reason = ?2 WHERE id = ?1";
    char reason[128], text[CLOCK_TEXT];
    int64_t unblocked;
    (void)snprintf(reason, sizeof reason, "missed: not started by its deadline of %s",
                   clock_local(f->start_by, text));
    int rc = statement_write(cat, CANCEL, VALUES(as_int(f->id), as_text(reason), as_int(now)), err);
    if (rc > 0 && f->occurrence)
        rc = statement_write(cat, MISSED, VALUES(as_int(f->occurrence), as_text(reason)), err);
    if (rc >= 0)
        rc = event_add(cat, now, f->id, "cancel", "deadline", NULL, err);
    return rc < 0 ? rc : run_unblock(cat, f->job, &unblocked, err);
}

int run_expire(struct catalogue *cat, int64_t now, int limit, int *n, struct err *err)
{
    static const char LATE[] =
        "SELECT id, occurrence, start_by, job FROM run"
        " WHERE start_by < ?1 AND start_by IS NOT NULL AND state < 4 LIMIT ?2";
    struct found found[SOME];
    int count;
    int rc = find(cat, LATE, VALUES(as_int(now), as_int(limit < SOME ? limit : SOME)), found,
                  &count, err);
    for (int i = 0; rc == 0 && i < count; i++)
        rc = expire(cat, &found[i], now, err);
    *n = count;
    forget(found, count);
    return rc;
}

/* ---- when to look ---- */

static const char NEXT_DUE[] =
    "SELECT min(at) FROM ("
    "SELECT min(next_at) AS at FROM job WHERE next_at IS NOT NULL AND aside IS NULL"
    " UNION ALL SELECT min(start_by) FROM run WHERE start_by IS NOT NULL AND state < 4"
    " UNION ALL SELECT min(until) FROM need WHERE parent IS NULL AND met IS NULL"
    " UNION ALL SELECT ?1 WHERE EXISTS (" UNBLOCKABLE "))";

int schedule_next_due(struct catalogue *cat, int64_t now, int64_t *at, struct err *err)
{
    return statement_int(cat, NEXT_DUE, VALUES(as_int(now)), INT64_MAX, at, err);
}

char *schedule_next_due_plan(struct catalogue *cat)
{
    struct buf plan = {0};
    statement_plan(cat, NEXT_DUE, &plan);
    buf_str(&plan);
    return buf_detach(&plan);
}
