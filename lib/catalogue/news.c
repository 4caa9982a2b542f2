/* What happened to runs, and how those that are not over stand: see alert.h. */
#include <stdlib.h>

#include "alert.h"
#include "rows.h"

static void read_news(sqlite3_stmt *s, void *row)
{
    *(struct news *)row = (struct news){
        .id = sqlite3_column_int64(s, 0),
        .at = sqlite3_column_int64(s, 1),
        .run = sqlite3_column_int64(s, 2),
        .spec = sqlite3_column_int64(s, 3),
        .streak = sqlite3_column_int(s, 4),
        .state = (enum run_state)sqlite3_column_int(s, 5),
        .job = column_text(s, 6),
        .host = column_text(s, 7),
        .reason = column_text(s, 8),
    };
}

static void release_news(void *row)
{
    struct news *news = row;
    free(news->job);
    free(news->host);
    free(news->reason);
}

int news_select(struct catalogue *cat, int limit, int (*each)(const struct news *, void *),
                void *arg, struct err *err)
{
    static const char SELECT[] =
        "SELECT news.id, news.at, news.run, coalesce(run.spec, job.spec), news.streak, run.state,"
        " coalesce(run.job, occurrence.job), run.host, coalesce(run.reason, occurrence.reason)"
        " FROM news LEFT JOIN run ON run.id = news.run"
        " LEFT JOIN occurrence ON occurrence.id = news.occurrence"
        " LEFT JOIN job ON job.name = occurrence.job"
        " WHERE run.id IS NOT NULL OR occurrence.id IS NOT NULL ORDER BY news.id LIMIT ?1";
    static const struct row_kind kind = {sizeof(struct news), read_news, release_news};
    struct rows rows;
    int rc = rows_read(cat, SELECT, VALUES(as_int(limit)), &kind, &rows, err);
    ROWS_HAND_OUT(struct news, &kind, &rows, rc, each, arg);
    return rc;
}

int news_forget(struct catalogue *cat, int64_t id, struct err *err)
{
    static const char FORGET[] = "DELETE FROM news WHERE id <= ?1";
    int rc = statement_write(cat, FORGET, VALUES(as_int(id)), err);
    return rc < 0 ? rc : 0;
}

/* ---- what runs ---- */

static void read_running(sqlite3_stmt *s, void *row)
{
    *(struct running *)row = (struct running){
        .id = sqlite3_column_int64(s, 0),
        .spec = sqlite3_column_int64(s, 1),
        .started_at = sqlite3_column_int64(s, 2),
        .job = column_text(s, 3),
        .host = column_text(s, 4),
    };
}

static void release_running(void *row)
{
    struct running *running = row;
    free(running->job);
    free(running->host);
}

int running_select(struct catalogue *cat, int64_t before,
                   int (*each)(const struct running *, void *), void *arg, struct err *err)
{
    static const char SELECT[] =
        "SELECT id, spec, started_at, job, host FROM run"
        " WHERE state = 5 AND state <> 6 AND started_at < ?1 ORDER BY job, started_at";
    static const struct row_kind kind = {sizeof(struct running), read_running, release_running};
    struct rows rows;
    int rc = rows_read(cat, SELECT, VALUES(as_int(before)), &kind, &rows, err);
    ROWS_HAND_OUT(struct running, &kind, &rows, rc, each, arg);
    return rc;
}

int running_usual(struct catalogue *cat, const char *job, int64_t *ms, int *n, struct err *err)
{
    static const char USUAL[] =
        "SELECT max(ms), count(*) FROM (SELECT finished_at - started_at AS ms FROM"
        " (SELECT state, started_at, finished_at FROM run WHERE job = ?1 ORDER BY id DESC"
        "  LIMIT 100) WHERE state = 6 AND started_at IS NOT NULL LIMIT 10)";
    sqlite3_stmt *stmt;
    *ms = 0;
    *n = 0;
    int rc = statement_start(cat, USUAL, VALUES(as_text(job)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    *ms = sqlite3_column_int64(stmt, 0);
    *n = sqlite3_column_int(stmt, 1);
    statement_end(stmt);
    return 0;
}

/* ---- what waits ---- */

/* What a person or the overlap policy held back could start from its release on. The events say when:
 * a column would be one more to write for each run. */
#define STARTABLE                                                                                  \
    "max(queued_at, ifnull(not_before, 0), ifnull((SELECT max(at) FROM event"                      \
    " WHERE event.run = run.id AND kind = 'release'), 0))"

/* Ids rise with queued_at, so the first that was queued later than the best so far ends the search. */
int waiting_find(struct catalogue *cat, int64_t before, int64_t *id, int64_t *since,
                 struct err *err)
{
    static const char QUEUED[] = "SELECT id, queued_at, " STARTABLE " FROM run"
                                 " WHERE state = 3 AND state <> 6 ORDER BY id";
    sqlite3_stmt *s;
    int64_t best = before;
    *id = 0;
    int rc = statement_start(cat, QUEUED, NO_VALUES, &s, err);
    while (rc == 0 && (rc = statement_next(cat, s, err)) > 0) {
        int64_t at = sqlite3_column_int64(s, 2);
        rc = 0;
        if (sqlite3_column_int64(s, 1) > best) {
            statement_end(s);
            break;
        }
        if (at < best || (at == best && !*id)) {
            *id = sqlite3_column_int64(s, 0);
            best = at;
        }
    }
    *since = *id ? best : 0;
    return rc;
}

int waiting_get(struct catalogue *cat, int64_t before, struct waiting *waiting, struct err *err)
{
    static const char WHICH[] = "SELECT job, coalesce(reason,"
                                " (SELECT waiting FROM spec WHERE spec.id = run.spec))"
                                " FROM run WHERE id = ?1";
    sqlite3_stmt *s = NULL;
    *waiting = (struct waiting){0};
    int rc = waiting_find(cat, before, &waiting->id, &waiting->since, err);
    if (rc == 0)
        rc = statement_start(cat, WHICH, VALUES(as_int(waiting->id)), &s, err);
    if (rc == 0)
        rc = statement_next(cat, s, err);
    if (rc == 0) {
        waiting->id = 0; /* none, or gone since */
        return err_set(err, ERR_ANSWER, "no run waits for that long");
    }
    if (rc < 0)
        return rc;
    waiting->job = column_text(s, 0);
    waiting->reason = column_text(s, 1);
    statement_end(s);
    return 0;
}
