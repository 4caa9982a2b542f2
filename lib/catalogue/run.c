#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "internal.h"
#include "job.h"
#include "need.h"
#include "output.h"

/* Each step of a run's life is one guarded UPDATE: the guard is the state (and attempt) that the
 * step starts from, and the number of rows changed says whether we were the one to make it. */

/* Its own id is known only when it is there. */
static int set_first(struct catalogue *cat, const struct run_new *run, int64_t id, struct err *err)
{
    static const char FIRST[] = "UPDATE run SET array = iif(?2, id, array),"
                                " workflow = iif(?3, id, workflow) WHERE id = ?1";
    int rc = statement_write(
        cat, FIRST,
        VALUES(as_int(id), as_int(run->array == RUN_FIRST), as_int(run->workflow == RUN_FIRST)),
        err);
    return rc < 0 ? rc : 0;
}

int run_insert(struct catalogue *cat, const struct run_new *run, int64_t *id, struct err *err)
{
    static const char INSERT[] =
        "INSERT INTO run (spec, job, state, priority, queued_at, not_before, due_at, rerun_of,"
        " submitter, start_by, occurrence, reason, array, idx, item, shards, pin, workflow)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    *id = 0;
    if (run->state < RUN_HELD || run->state > RUN_QUEUED)
        return err_set(err, ERR_BUG, "a run cannot be submitted as %s", run_state_name(run->state));
    int rc = statement_write(
        cat, INSERT,
        VALUES(as_int(run->spec), as_text(run->job), as_int(run->state), as_int(run->priority),
               as_int(run->queued_at), as_opt(run->not_before), as_opt(run->due_at),
               as_opt(run->rerun_of), as_text(run->submitter), as_opt(run->start_by),
               as_opt(run->occurrence), as_text(run->reason),
               as_opt(run->array > 0 ? run->array : 0), run->array ? as_int(run->index) : as_opt(0),
               as_text(run->item), as_opt(run->shards), as_text(run->pin),
               as_opt(run->workflow > 0 ? run->workflow : 0)),
        err);
    if (rc < 0)
        return rc;
    *id = sqlite3_last_insert_rowid(cat->db);
    return run->array == RUN_FIRST || run->workflow == RUN_FIRST ? set_first(cat, run, *id, err)
                                                                 : 0;
}

int run_claim(struct catalogue *cat, int64_t id, const char *host, uint64_t token, int64_t now,
              int *attempt, struct err *err)
{
    static const char CLAIM[] =
        "UPDATE run SET state = 4, attempt = attempt + 1, host = ?2, reason = NULL,"
        " start_by = NULL" /* met: a later attempt is no matter of the deadline */
        " WHERE id = ?1 AND state = 3 AND (start_by IS NULL OR start_by >= ?3)"
        " RETURNING attempt";
    static const char ATTEMPT[] =
        "INSERT INTO attempt (run, attempt, host, token, claimed_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    sqlite3_stmt *stmt;
    *attempt = 0;
    if (sqlite3_get_autocommit(cat->db))
        return err_set(err, ERR_BUG, "a claim outside a transaction");
    int rc =
        statement_start(cat, CLAIM, VALUES(as_int(id), as_text(host), as_int(now)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "run %" PRId64 " is not queued any more", id);
    *attempt = sqlite3_column_int(stmt, 0);
    statement_end(stmt);
    output_clear(cat->path, id,
                 *attempt); /* the write lock is ours: nobody else can have begun it */
    rc = statement_write(
        cat, ATTEMPT,
        VALUES(as_int(id), as_int(*attempt), as_text(host), as_int((int64_t)token), as_int(now)),
        err);
    return rc < 0 ? rc : 0;
}

/* The attempt's own started_at is written at its end: one row less to write for every run. */
int run_started(struct catalogue *cat, int64_t id, int attempt, int64_t at, struct err *err)
{
    static const char STARTED[] = "UPDATE run SET state = 5, started_at = ?3, reason = NULL"
                                  " WHERE id = ?1 AND attempt = ?2 AND state = 4";
    int rc = statement_write(cat, STARTED, VALUES(as_int(id), as_int(attempt), as_opt(at)), err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "run %" PRId64 " is not starting", id);
    return rc < 0 ? rc : 0;
}

/* ---- the end ---- */

static int write_end(struct catalogue *cat, const struct run_end *end, struct err *err)
{
    static const char END[] =
        "UPDATE run SET state = ?3, reason = ?4, exit_code = ?5, signal = ?6,"
        " started_at = coalesce(?7, started_at), finished_at = ?8, utime_us = ?9, stime_us = ?10,"
        " maxrss_kb = ?11, out_bytes = ?12, out_dropped = ?13, err_bytes = ?14, err_dropped = ?15"
        " WHERE id = ?1 AND attempt = ?2 AND state IN (4, 5)";
    struct value code = end->has_exit ? as_int(end->exit_code) : as_opt(0);
    return statement_write(
        cat, END,
        VALUES(as_int(end->id), as_int(end->attempt), as_int(end->state), as_text(end->reason),
               code, as_opt(end->signal), as_opt(end->started_at), as_int(end->finished_at),
               as_int(end->utime_us), as_int(end->stime_us), as_int(end->maxrss_kb),
               as_int(end->out_bytes), as_int(end->out_dropped), as_int(end->err_bytes),
               as_int(end->err_dropped)),
        err);
}

/* Back in the queue: what the attempt left stays in its own row. Never when somebody asked to
 * cancel the run: the request may have come between the dispatcher's decision and this
 * transaction. */
static int write_retry(struct catalogue *cat, const struct run_end *end, struct err *err)
{
    static const char RETRY[] = "UPDATE run SET state = 3, reason = ?3, not_before = ?4,"
                                " host = NULL, started_at = NULL"
                                " WHERE id = ?1 AND attempt = ?2 AND state IN (4, 5)"
                                " AND cancel_at IS NULL";
    return statement_write(cat, RETRY,
                           VALUES(as_int(end->id), as_int(end->attempt), as_text(end->reason),
                                  as_opt(end->not_before)),
                           err);
}

/* Before the run's own row, while started_at is still there to be taken over. */
static int write_attempt(struct catalogue *cat, const struct run_end *end, struct err *err)
{
    static const char ATTEMPT[] =
        "UPDATE attempt SET state = ?3, reason = ?4, exit_code = ?5, signal = ?6, ended_at = ?8,"
        " started_at = coalesce(?7, (SELECT started_at FROM run WHERE id = ?1))"
        " WHERE run = ?1 AND attempt = ?2 AND state IS NULL";
    struct value code = end->has_exit ? as_int(end->exit_code) : as_opt(0);
    return statement_write(cat, ATTEMPT,
                           VALUES(as_int(end->id), as_int(end->attempt), as_int(end->attempt_state),
                                  as_text(end->reason), code, as_opt(end->signal),
                                  as_opt(end->started_at), as_int(end->finished_at)),
                           err);
}

/* A request to cancel that came too late for the worker still ends the run here. */
static int write_cancelled(struct catalogue *cat, const struct run_end *end, struct err *err)
{
    struct run_end cancelled = *end;
    cancelled.state = RUN_CANCELLED;
    cancelled.reason = "cancelled before its next attempt";
    return write_end(cat, &cancelled, err);
}

int run_finish(struct catalogue *cat, const struct run_end *end, struct err *err)
{
    if (!run_state_may_become(RUN_RUNNING, end->state) ||
        !run_state_is_terminal(end->attempt_state))
        return err_set(err, ERR_BUG, "run %" PRId64 " cannot end as %s with its attempt %s",
                       end->id, run_state_name(end->state), run_state_name(end->attempt_state));
    int rc = write_attempt(cat, end, err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER,
                       "the end of attempt %d of run %" PRId64 " is recorded already", end->attempt,
                       end->id);
    if (rc < 0)
        return rc;
    rc = end->state == RUN_QUEUED ? write_retry(cat, end, err) : write_end(cat, end, err);
    if (rc > 0 && end->state != RUN_QUEUED && end->values) {
        int put = value_put(cat, end->id, end->values, err);
        rc = put < 0 ? put : rc;
    }
    if (rc == 0 && end->state == RUN_QUEUED)
        rc = write_cancelled(cat, end, err);
    if (rc == 0) /* run and attempt change together; the caller rolls both back */
        return err_set(err, ERR_BUG, "attempt %d of run %" PRId64 " was open, but the run was not",
                       end->attempt, end->id);
    if (rc > 0 && (end->state == RUN_FAILED || end->state == RUN_TIMEOUT || end->state == RUN_LOST))
        rc = array_ended_badly(cat, end->id, err);
    return rc < 0 ? rc : 0;
}

int run_declare_lost(struct catalogue *cat, int64_t id, const char *actor, int64_t at,
                     struct err *err)
{
    static const char ATTEMPT[] = "SELECT attempt FROM run WHERE id = ?1 AND state IN (4, 5)";
    int64_t attempt;
    char reason[256];
    int rc = statement_int(cat, ATTEMPT, VALUES(as_int(id)), 0, &attempt, err);
    if (rc < 0)
        return rc;
    if (!attempt)
        return err_set(err, ERR_ANSWER, "run %" PRId64 " is not running", id);
    (void)snprintf(reason, sizeof reason, "declared lost by %s", actor ? actor : "somebody");
    struct run_end end = {.id = id,
                          .attempt = (int)attempt,
                          .state = RUN_LOST,
                          .attempt_state = RUN_LOST,
                          .reason = reason,
                          .finished_at = at};
    return run_finish(cat, &end, err);
}

/* ---- on the way ---- */

int run_reason(struct catalogue *cat, int64_t id, const char *reason, struct err *err)
{
    static const char REASON[] =
        "UPDATE run SET reason = ?2 WHERE id = ?1 AND state < 6 AND reason IS NOT ?2";
    int rc = statement_write(cat, REASON, VALUES(as_int(id), as_text(reason)), err);
    return rc < 0 ? rc : 0;
}

int run_hosts_tried(struct catalogue *cat, int64_t id, struct strlist *hosts, struct err *err)
{
    static const char TRIED[] = "SELECT host FROM attempt WHERE run = ?1 ORDER BY attempt";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, TRIED, VALUES(as_int(id)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        const char *host = (const char *)sqlite3_column_text(stmt, 0);
        if (!strlist_has(hosts, host))
            strlist_add(hosts, host);
        rc = 0;
    }
    return rc;
}
