/* Arrays as a whole: which runs they are, and when the rest of one is not to start any more. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "clock.h"
#include "internal.h"
#include "settle.h"

int array_of(struct catalogue *cat, int64_t id, int64_t *array, struct err *err)
{
    static const char ARRAY[] = "SELECT coalesce(array, -1) FROM run WHERE id = ?1";
    int rc = statement_int(cat, ARRAY, VALUES(as_int(id)), 0, array, err);
    if (rc < 0)
        return rc;
    if (!*array)
        return err_set(err, ERR_ANSWER, "there is no run %" PRId64, id);
    if (*array < 0)
        return err_set(err, ERR_ANSWER, "run %" PRId64 " is not part of an array", id);
    return 0;
}

int array_stop_put(struct catalogue *cat, int64_t array, int stop_after, struct err *err)
{
    static const char PUT[] = "INSERT INTO array_stop (array, stop_after) VALUES (?1, ?2)";
    int rc = statement_write(cat, PUT, VALUES(as_int(array), as_int(stop_after)), err);
    return rc < 0 ? rc : 0;
}

int array_stop_copy(struct catalogue *cat, int64_t from, int64_t to, struct err *err)
{
    static const char COPY[] = "INSERT INTO array_stop (array, stop_after)"
                               " SELECT ?2, stop_after FROM array_stop WHERE array = ?1";
    int rc = statement_write(cat, COPY, VALUES(as_int(from), as_int(to)), err);
    return rc < 0 ? rc : 0;
}

int array_is_stopped(struct catalogue *cat, int64_t array, bool *stopped, struct err *err)
{
    static const char STOPPED[] = "SELECT stopped_at FROM array_stop WHERE array = ?1";
    int64_t at = 0;
    int rc = statement_int(cat, STOPPED, VALUES(as_int(array)), 0, &at, err);
    *stopped = at != 0;
    return rc;
}

/* One event for all of them: there may be a million. */
static int stop(struct catalogue *cat, int64_t array, int64_t bad, struct err *err)
{
    static const char STOP[] = "UPDATE array_stop SET stopped_at = ?2 WHERE array = ?1";
    static const char CANCEL[] = "UPDATE run SET state = 9, reason = ?2, finished_at = ?3"
                                 " WHERE array = ?1 AND state < 4 AND attempt = 0";
    char reason[128];
    int64_t now = clock_now();
    (void)snprintf(reason, sizeof reason,
                   "not started: %" PRId64 " element%s of the array ended badly (stop_after)", bad,
                   bad == 1 ? "" : "s");
    int rc = statement_write(cat, STOP, VALUES(as_int(array), as_int(now)), err);
    if (rc >= 0)
        rc = statement_write(cat, CANCEL, VALUES(as_int(array), as_text(reason), as_int(now)), err);
    return rc <= 0 ? rc : event_add(cat, now, array, "stop", "stop_after", reason, err);
}

int array_ended_badly(struct catalogue *cat, int64_t run, struct err *err)
{
    static const char ARRAY[] = "SELECT array_stop.array FROM run JOIN array_stop"
                                " ON array_stop.array = run.array"
                                " WHERE run.id = ?1 AND stopped_at IS NULL";
    static const char MOST[] = "SELECT stop_after FROM array_stop WHERE array = ?1";
    static const char BAD[] =
        "SELECT count(*) FROM (SELECT 1 FROM run WHERE array = ?1 AND array IS NOT NULL"
        " AND state IN (7, 8, 10) LIMIT ?2)";
    int64_t array, most = 0, bad = 0;
    int rc = statement_int(cat, ARRAY, VALUES(as_int(run)), 0, &array, err);
    if (rc < 0 || !array)
        return rc;
    rc = statement_int(cat, MOST, VALUES(as_int(array)), 0, &most, err);
    if (rc == 0)
        rc = statement_int(cat, BAD, VALUES(as_int(array), as_int(most)), 0, &bad, err);
    return rc < 0 || bad < most ? rc : stop(cat, array, bad, err);
}

int array_judge(struct catalogue *cat, int64_t array, enum need_is is, enum need_verdict *verdict,
                enum run_state *state, struct err *err)
{
    static const char COUNT[] =
        "SELECT sum(NOT begun), sum(state < 6), sum(state > 6), sum(state IN (7, 8, 10)),"
        " sum(state >= 6 AND NOT begun) FROM (SELECT state, started_at IS NOT NULL OR EXISTS"
        "  (SELECT 1 FROM attempt WHERE attempt.run = run.id AND attempt.started_at IS NOT NULL)"
        "  AS begun FROM run WHERE array = ?1)";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, COUNT, VALUES(as_int(array)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    const struct team team = {sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                              sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3),
                              sqlite3_column_int64(stmt, 4)};
    statement_end(stmt);
    *verdict = team_judge(is, &team);
    *state = team.failed ? RUN_FAILED : team.bad ? RUN_CANCELLED : RUN_SUCCEEDED;
    return 0;
}
