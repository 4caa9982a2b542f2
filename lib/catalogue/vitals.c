#include "vitals.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "alert.h"
#include "rows.h"

const int tally_bounds[TALLY_BOUNDS] = {1, 10, 60, 300, 1800, 7200, 43200};

static void drop(const char *text)
{
    free((char *)text);
}

/* ---- tally ---- */

static void read_tally(sqlite3_stmt *stmt, void *row)
{
    *(struct tally *)row = (struct tally){.job = column_text(stmt, 0),
                                          .state = (enum run_state)sqlite3_column_int(stmt, 1),
                                          .runs = sqlite3_column_int64(stmt, 2),
                                          .duration_ms = sqlite3_column_int64(stmt, 3),
                                          .bytes = sqlite3_column_int64(stmt, 4),
                                          .last_at = sqlite3_column_int64(stmt, 5)};
    for (int i = 0; i < TALLY_BOUNDS; i++)
        ((struct tally *)row)->within[i] = sqlite3_column_int64(stmt, 6 + i);
}

static void release_tally(void *row)
{
    struct tally *tally = row;
    drop(tally->job);
}

int tally_select(struct catalogue *cat, int (*each)(const struct tally *, void *), void *arg,
                 struct err *err)
{
    static const char SELECT[] =
        "SELECT job, state, runs, duration_ms, bytes, last_at, le_1, le_10, le_60, le_300, le_1800,"
        " le_7200, le_43200 FROM tally ORDER BY job, state";
    static const struct row_kind kind = {sizeof(struct tally), read_tally, release_tally};
    struct rows rows;
    int rc = rows_read(cat, SELECT, NO_VALUES, &kind, &rows, err);
    ROWS_HAND_OUT(struct tally, &kind, &rows, rc, each, arg);
    return rc;
}

/* ---- failing jobs ---- */

static void read_failing(sqlite3_stmt *stmt, void *row)
{
    *(struct failing *)row = (struct failing){
        .job = column_text(stmt, 0),
        .streak = sqlite3_column_int64(stmt, 1),
        .since = sqlite3_column_int64(stmt, 2),
        .run = sqlite3_column_int64(stmt, 3),
        .last_at = sqlite3_column_int64(stmt, 4),
        .state = sqlite3_column_type(stmt, 5) == SQLITE_NULL
                     ? NULL
                     : run_state_name((enum run_state)sqlite3_column_int(stmt, 5)),
        .reason = column_text(stmt, 6),
        .exit_code = sqlite3_column_type(stmt, 7) == SQLITE_NULL ? -1 : sqlite3_column_int(stmt, 7),
        .registered = sqlite3_column_int(stmt, 8) != 0,
        .paused = sqlite3_column_int(stmt, 9) != 0,
    };
}

static void release_failing(void *row)
{
    struct failing *failing = row;
    drop(failing->job);
    drop(failing->reason);
}

int failing_select(struct catalogue *cat, int (*each)(const struct failing *, void *), void *arg,
                   struct err *err)
{
    static const char SELECT[] =
        "SELECT failing.job, failing.streak, failing.since, failing.run,"
        " coalesce(run.finished_at, failing.since), run.state, run.reason, run.exit_code,"
        " job.name IS NOT NULL, job.paused_at IS NOT NULL"
        " FROM failing LEFT JOIN run ON run.id = failing.run LEFT JOIN job ON job.name = "
        "failing.job"
        " WHERE failing.streak > 0 ORDER BY failing.since, failing.job";
    static const struct row_kind kind = {sizeof(struct failing), read_failing, release_failing};
    struct rows rows;
    int rc = rows_read(cat, SELECT, NO_VALUES, &kind, &rows, err);
    ROWS_HAND_OUT(struct failing, &kind, &rows, rc, each, arg);
    return rc;
}

/* ---- alerts and deliveries ---- */

static void read_alert(sqlite3_stmt *stmt, void *row)
{
    *(struct alert_open *)row = (struct alert_open){.rule = column_text(stmt, 0),
                                                    .subject = column_text(stmt, 1),
                                                    .detail = column_text(stmt, 2),
                                                    .run = sqlite3_column_int64(stmt, 3),
                                                    .opened_at = sqlite3_column_int64(stmt, 4),
                                                    .reminded_at = sqlite3_column_int64(stmt, 5),
                                                    .parts = sqlite3_column_int64(stmt, 6)};
}

static void release_alert(void *row)
{
    struct alert_open *alert = row;
    drop(alert->rule);
    drop(alert->subject);
    drop(alert->detail);
}

int alert_open_select(struct catalogue *cat, int (*each)(const struct alert_open *, void *),
                      void *arg, struct err *err)
{
    static const char SELECT[] =
        "SELECT rule, subject, detail, run, opened_at, reminded_at,"
        " (SELECT count(*) FROM alert AS part WHERE part.parent = alert.id"
        "  AND part.closed_at IS NULL)"
        " FROM alert INDEXED BY alert_open WHERE closed_at IS NULL AND (parent IS NULL"
        "  OR NOT EXISTS (SELECT 1 FROM alert AS whole WHERE whole.id = alert.parent"
        "   AND whole.closed_at IS NULL))"
        " ORDER BY opened_at, id";
    static const struct row_kind kind = {sizeof(struct alert_open), read_alert, release_alert};
    struct rows rows;
    int rc = rows_read(cat, SELECT, NO_VALUES, &kind, &rows, err);
    ROWS_HAND_OUT(struct alert_open, &kind, &rows, rc, each, arg);
    return rc;
}

static void read_undelivered(sqlite3_stmt *stmt, void *row)
{
    *(struct undelivered *)row = (struct undelivered){.channel = column_text(stmt, 0),
                                                      .error = column_text(stmt, 1),
                                                      .waiting = sqlite3_column_int64(stmt, 2),
                                                      .given_up = sqlite3_column_int64(stmt, 3),
                                                      .since = sqlite3_column_int64(stmt, 4)};
}

static void release_undelivered(void *row)
{
    struct undelivered *undelivered = row;
    drop(undelivered->channel);
    drop(undelivered->error);
}

/* What was given up counts as long as its alert is open: closed, nobody misses the message. */
int undelivered_select(struct catalogue *cat, int (*each)(const struct undelivered *, void *),
                       void *arg, struct err *err)
{
    static const char SELECT[] =
        "SELECT channel, max(error), sum(waiting), sum(1 - waiting), min(made_at) FROM ("
        "SELECT channel, error, 1 AS waiting, made_at FROM delivery"
        "  WHERE due_at IS NOT NULL AND tries > 0"
        " UNION ALL SELECT channel, error, 0, made_at"
        "  FROM alert INDEXED BY alert_open JOIN delivery ON delivery.alert = alert.id"
        "  WHERE closed_at IS NULL AND due_at IS NULL AND sent_at IS NULL AND error IS NOT NULL"
        ") GROUP BY channel ORDER BY channel";
    static const struct row_kind kind = {sizeof(struct undelivered), read_undelivered,
                                         release_undelivered};
    struct rows rows;
    int rc = rows_read(cat, SELECT, NO_VALUES, &kind, &rows, err);
    ROWS_HAND_OUT(struct undelivered, &kind, &rows, rc, each, arg);
    return rc;
}

/* ---- what was missed ---- */

static void read_missing(sqlite3_stmt *stmt, void *row)
{
    *(struct missing *)row = (struct missing){.job = column_text(stmt, 0),
                                              .due_at = sqlite3_column_int64(stmt, 1),
                                              .times = sqlite3_column_int64(stmt, 2),
                                              .reason = column_text(stmt, 3)};
}

static void release_missing(void *row)
{
    struct missing *missing = row;
    drop(missing->job);
    drop(missing->reason);
}

int missing_select(struct catalogue *cat, int64_t since,
                   int (*each)(const struct missing *, void *), void *arg, struct err *err)
{
    /* SQLite: beside max(), reason is that of the row with the maximum */
    static const char SELECT[] =
        "SELECT job, max(due_at) AS latest, count(*), reason FROM occurrence INDEXED BY "
        "occurrence_lost"
        " WHERE " OCCURRENCE_MISSED " AND due_at >= ?1 GROUP BY job"
        " HAVING NOT EXISTS (SELECT 1 FROM occurrence AS ran WHERE ran.job = occurrence.job"
        "  AND ran.due_at > latest AND ran.outcome = 1)"
        " AND NOT EXISTS (SELECT 1 FROM tally WHERE tally.job = occurrence.job AND state = 6"
        "  AND last_at > latest)"
        " AND EXISTS (SELECT 1 FROM job WHERE job.name = occurrence.job)"
        " ORDER BY latest";
    static const struct row_kind kind = {sizeof(struct missing), read_missing, release_missing};
    struct rows rows;
    int rc = rows_read(cat, SELECT, VALUES(as_int(since)), &kind, &rows, err);
    ROWS_HAND_OUT(struct missing, &kind, &rows, rc, each, arg);
    return rc;
}

/* ---- counts ---- */

int queue_depth(struct catalogue *cat, int64_t now, int64_t recent, struct queue_depth *depth,
                struct err *err)
{
    static const char DEPTH[] = "SELECT state, count(*) FROM run WHERE state < 6 AND state <> 6"
                                " GROUP BY state";
    static const char ENDED[] = "SELECT count(*) FROM run WHERE finished_at >= ?1";
    sqlite3_stmt *stmt;
    *depth = (struct queue_depth){0};
    int rc = statement_start(cat, DEPTH, NO_VALUES, &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        depth->runs[sqlite3_column_int(stmt, 0)] = sqlite3_column_int64(stmt, 1);
        rc = 0;
    }
    if (rc == 0)
        rc = statement_int(cat, ENDED, VALUES(as_int(recent)), 0, &depth->ended, err);
    return rc < 0 ? rc : waiting_find(cat, now, &depth->oldest, &depth->oldest_at, err);
}

/* One walk over the jobs, of which there are as many as there are files. */
int schedule_count(struct catalogue *cat, int64_t now, int64_t recent,
                   struct schedule_counts *counts, struct err *err)
{
    static const char COUNT[] =
        "SELECT count(*), count(timetable), count(paused_at), count(aside),"
        " count(*) FILTER (WHERE next_at <= ?1 AND aside IS NULL),"
        " min(next_at) FILTER (WHERE next_at <= ?1 AND aside IS NULL),"
        " (SELECT count(*) FROM occurrence WHERE " OCCURRENCE_MISSED " AND due_at >= ?2),"
        " (SELECT max(due_at) FROM occurrence INDEXED BY occurrence_lost WHERE " OCCURRENCE_MISSED
        ") FROM job";
    sqlite3_stmt *stmt;
    *counts = (struct schedule_counts){0};
    int rc = statement_start(cat, COUNT, VALUES(as_int(now), as_int(recent)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    *counts = (struct schedule_counts){.jobs = sqlite3_column_int64(stmt, 0),
                                       .scheduled = sqlite3_column_int64(stmt, 1),
                                       .paused = sqlite3_column_int64(stmt, 2),
                                       .aside = sqlite3_column_int64(stmt, 3),
                                       .overdue = sqlite3_column_int64(stmt, 4),
                                       .overdue_at = sqlite3_column_int64(stmt, 5),
                                       .missed = sqlite3_column_int64(stmt, 6),
                                       .missed_at = sqlite3_column_int64(stmt, 7)};
    statement_end(stmt);
    return 0;
}

int monitor_checked_at(struct catalogue *cat, int64_t *at, struct err *err)
{
    static const char CHECKED[] = "SELECT checked_at FROM monitor WHERE one = 1";
    return statement_int(cat, CHECKED, NO_VALUES, 0, at, err);
}

int monitor_heartbeat_error(struct catalogue *cat, char **why, struct err *err)
{
    static const char WHY[] = "SELECT heartbeat_error FROM monitor WHERE one = 1";
    sqlite3_stmt *stmt;
    *why = NULL;
    int rc = statement_start(cat, WHY, NO_VALUES, &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    *why = column_text(stmt, 0);
    statement_end(stmt);
    return 0;
}
