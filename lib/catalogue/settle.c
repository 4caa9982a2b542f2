#include "settle.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "rows.h"
#include "xalloc.h"

enum { REASON = 256 };

/* ---- verdicts ---- */

enum need_verdict need_judge(enum need_is is, enum run_state state, bool started)
{
    bool over = run_state_is_terminal(state);
    bool bad = state == RUN_FAILED || state == RUN_TIMEOUT || state == RUN_LOST;
    if (is == NEED_STARTED)
        return started ? NEED_MET : over ? NEED_NEVER : NEED_OPEN;
    if (!over)
        return NEED_OPEN;
    bool met = is == NEED_FINISHED || (is == NEED_FAILED ? bad : state == RUN_SUCCEEDED);
    return met ? NEED_MET : NEED_NEVER;
}

/* One failure decides that not all succeeded, and one that never started that not all did. */
enum need_verdict team_judge(enum need_is is, const struct team *team)
{
    switch (is) {
    case NEED_SUCCEEDED:
        return team->bad ? NEED_NEVER : team->open ? NEED_OPEN : NEED_MET;
    case NEED_FAILED:
        return team->open ? NEED_OPEN : team->failed ? NEED_MET : NEED_NEVER;
    case NEED_FINISHED:
        return team->open ? NEED_OPEN : NEED_MET;
    default:
        return team->never ? NEED_NEVER : team->unstarted ? NEED_OPEN : NEED_MET;
    }
}

void need_say_never(int64_t parent, const char *job, enum run_state state, enum need_is is,
                    char *text, size_t size)
{
    static const char *const became[RUN_STATE_LAST + 1] = {
        [RUN_SUCCEEDED] = "succeeded",     [RUN_FAILED] = "failed",
        [RUN_TIMEOUT] = "timed out",       [RUN_LOST] = "was lost",
        [RUN_CANCELLED] = "was cancelled",
    };
    static const char *const wanted[] = {[NEED_SUCCEEDED] = "succeed",
                                         [NEED_FAILED] = "fail",
                                         [NEED_FINISHED] = "finish",
                                         [NEED_STARTED] = "start"};
    (void)snprintf(text, size, "%" PRId64 " (%s) %s, which was to %s", parent, job,
                   became[state] ? became[state] : "is not over", wanted[is]);
}

/* ---- those that wait ---- */

struct waiter {
    enum run_state state;
    int64_t unmet, occurrence;
    char *reason, *job;
};

static void waiter_free(struct waiter *w)
{
    free(w->reason);
    free(w->job);
}

/* Whether the run waits for its needs still; then w is filled. */
static int read_waiter(struct catalogue *cat, int64_t run, struct waiter *w, struct err *err)
{
    static const char READ[] = "SELECT state, unmet, occurrence, reason, job FROM run"
                               " WHERE id = ?1 AND state IN (1, 2) AND unmet > 0";
    sqlite3_stmt *stmt;
    *w = (struct waiter){0};
    int rc = statement_start(cat, READ, VALUES(as_int(run)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    *w = (struct waiter){.state = (enum run_state)sqlite3_column_int(stmt, 0),
                         .unmet = sqlite3_column_int64(stmt, 1),
                         .occurrence = sqlite3_column_int64(stmt, 2),
                         .reason = column_text(stmt, 3),
                         .job = column_text(stmt, 4)};
    statement_end(stmt);
    return 1;
}

char *settle_waiting(struct catalogue *cat, int64_t run, int clause, int place, struct err *err)
{
    static const char NEXT[] =
        "SELECT parent, job, day FROM need AS n WHERE run = ?1 AND (clause, place) >= (?2, ?3)"
        " AND met IS NULL AND NOT EXISTS (SELECT 1 FROM need WHERE run = n.run"
        "  AND clause = n.clause AND met = 1) ORDER BY clause, place LIMIT 1";
    sqlite3_stmt *stmt;
    char *text = NULL;
    int rc =
        statement_start(cat, NEXT, VALUES(as_int(run), as_int(clause), as_int(place)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return NULL;
    const char *job = (const char *)sqlite3_column_text(stmt, 1);
    if (sqlite3_column_type(stmt, 0) == SQLITE_NULL)
        text = xasprintf("waiting for %s of %s", job, (const char *)sqlite3_column_text(stmt, 2));
    else
        text =
            xasprintf("waiting for %" PRId64 " (%s)", (int64_t)sqlite3_column_int64(stmt, 0), job);
    statement_end(stmt);
    return text;
}

/* The reason of a run names the first of its open needs. That one only ever moves on, so looking for the
 * next from there costs each need once. */
static int say_next(struct catalogue *cat, const struct need_place *need, const struct waiter *w,
                    const char *was, struct err *err)
{
    static const char SAY[] = "UPDATE run SET reason = ?2 WHERE id = ?1";
    if (w->state != RUN_BLOCKED || !w->reason || !was || strcmp(w->reason, was) != 0)
        return 0;
    char *now = settle_waiting(cat, need->run, need->clause, need->place, err);
    int rc = now ? statement_write(cat, SAY, VALUES(as_int(need->run), as_text(now)), err) : 0;
    free(now);
    return rc < 0 ? rc : 0;
}

/* All needs are met. One whose job's runs take turns is then blocked as the overlap policy does it, which
 * lets it go at once when it is its turn. queued_at stays, as it may say what day the run is of: its age in
 * the queue counts from the event. */
static int release(struct catalogue *cat, int64_t run, const struct waiter *w, struct err *err)
{
    static const char QUEUE[] = "UPDATE run SET unmet = 0, state = iif(state = 2, 3, state),"
                                " reason = iif(state = 2, NULL, reason) WHERE id = ?1";
    static const char TURN[] = "UPDATE run SET unmet = 0, reason = iif(state = 2, 'waiting for the "
                               "runs of its job before it', reason)"
                               " WHERE id = ?1";
    int64_t turns, unblocked = 0;
    int rc = run_takes_turns(cat, run, &turns, err);
    if (rc == 0)
        rc = statement_write(cat, turns ? TURN : QUEUE, VALUES(as_int(run)), err);
    if (rc < 0)
        return rc;
    if (turns) {
        rc = run_unblock_with(cat, w->job, w->occurrence, &unblocked, err);
        cat->settled += unblocked != 0;
        return rc;
    }
    if (w->state != RUN_BLOCKED)
        return 0;
    cat->settled++;
    return event_add(cat, clock_now(), run, "release", "after", NULL, err);
}

int settle_release(struct catalogue *cat, int64_t run, struct err *err)
{
    struct waiter w;
    int rc = read_waiter(cat, run, &w, err);
    if (rc > 0)
        rc = release(cat, run, &w, err);
    waiter_free(&w);
    return rc;
}

int settle_cancel(struct catalogue *cat, int64_t run, const char *because, struct err *err)
{
    static const char CANCEL[] = "UPDATE run SET state = 9, reason = ?2, finished_at = ?3"
                                 " WHERE id = ?1 AND state IN (1, 2)";
    int64_t now = clock_now();
    int rc = statement_write(cat, CANCEL, VALUES(as_int(run), as_text(because), as_int(now)), err);
    if (rc <= 0)
        return rc;
    cat->settled++;
    return event_add(cat, now, run, "cancel", "after", NULL, err);
}

/* ---- needs ---- */

static int mark(struct catalogue *cat, const struct need_place *need, bool met, struct err *err)
{
    static const char MARK[] =
        "UPDATE need SET met = ?4 WHERE run = ?1 AND clause = ?2 AND place = ?3";
    int rc = statement_write(
        cat, MARK,
        VALUES(as_int(need->run), as_int(need->clause), as_int(need->place), as_int(met)), err);
    return rc < 0 ? rc : 0;
}

/* Whether another need of the clause is met; or may still be. */
static int has_other(struct catalogue *cat, const struct need_place *need, bool open,
                     int64_t *other, struct err *err)
{
    static const char MET[] = "SELECT EXISTS (SELECT 1 FROM need WHERE run = ?1 AND clause = ?2"
                              " AND place <> ?3 AND met = 1)";
    static const char HOPE[] = "SELECT EXISTS (SELECT 1 FROM need WHERE run = ?1 AND clause = ?2"
                               " AND place <> ?3 AND met IS NOT 0)";
    return statement_int(cat, open ? HOPE : MET,
                         VALUES(as_int(need->run), as_int(need->clause), as_int(need->place)), 0,
                         other, err);
}

static int clause_holds(struct catalogue *cat, const struct need_place *need,
                        const struct waiter *w, const char *was, struct err *err)
{
    static const char LESS[] = "UPDATE run SET unmet = unmet - 1 WHERE id = ?1";
    if (w->unmet == 1)
        return release(cat, need->run, w, err);
    int rc = statement_write(cat, LESS, VALUES(as_int(need->run)), err);
    return rc < 0 ? rc : say_next(cat, need, w, was, err);
}

int settle_met(struct catalogue *cat, const struct need_place *need, struct err *err)
{
    struct waiter w;
    int64_t other = 0;
    int rc = read_waiter(cat, need->run, &w, err);
    bool waits = rc > 0;
    char *was = waits ? settle_waiting(cat, need->run, need->clause, need->place, err) : NULL;
    if (rc >= 0)
        rc = mark(cat, need, true, err);
    if (rc == 0 && waits)
        rc = has_other(cat, need, false, &other, err);
    if (rc == 0 && waits && !other)
        rc = clause_holds(cat, need, &w, was, err);
    free(was);
    waiter_free(&w);
    return rc;
}

int settle_never(struct catalogue *cat, const struct need_place *need, const char *because,
                 struct err *err)
{
    struct waiter w;
    int64_t hope = 0;
    int rc = read_waiter(cat, need->run, &w, err);
    bool waits = rc > 0;
    char *was = waits ? settle_waiting(cat, need->run, need->clause, need->place, err) : NULL;
    if (rc >= 0)
        rc = mark(cat, need, false, err);
    if (rc == 0 && waits)
        rc = has_other(cat, need, true, &hope, err);
    if (rc == 0 && waits)
        rc = hope ? say_next(cat, need, &w, was, err) : settle_cancel(cat, need->run, because, err);
    free(was);
    waiter_free(&w);
    return rc;
}

/* ---- a run that changed ---- */

struct changed {
    int64_t id, array, awaited;
    enum run_state state;
    bool started;
    char *job;
};

static int read_changed(struct catalogue *cat, int64_t id, struct changed *c, struct err *err)
{
    static const char READ[] =
        "SELECT id, array, awaited, state, job, " RUN_BEGUN " FROM run WHERE id = ?1";
    sqlite3_stmt *stmt;
    *c = (struct changed){.id = id};
    int rc = statement_start(cat, READ, VALUES(as_int(id)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0) /* it was removed since: nobody needs it */
        return rc;
    *c = (struct changed){.id = sqlite3_column_int64(stmt, 0),
                          .array = sqlite3_column_int64(stmt, 1),
                          .awaited = sqlite3_column_int64(stmt, 2),
                          .state = (enum run_state)sqlite3_column_int(stmt, 3),
                          .job = column_text(stmt, 4),
                          .started = sqlite3_column_int(stmt, 5) != 0};
    statement_end(stmt);
    return 0;
}

struct open_need {
    struct need_place at;
    enum need_is is;
};

static void read_open_need(sqlite3_stmt *stmt, void *row)
{
    *(struct open_need *)row = (struct open_need){
        {sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1), sqlite3_column_int(stmt, 2)},
        (enum need_is)sqlite3_column_int(stmt, 3)};
}

static int settle_one(struct catalogue *cat, const struct open_need *need,
                      enum need_verdict verdict, const struct changed *c, struct err *err)
{
    char because[REASON];
    if (verdict == NEED_OPEN)
        return 0;
    if (verdict == NEED_MET)
        return settle_met(cat, &need->at, err);
    need_say_never(c->id, c->job, c->state, need->is, because, sizeof because);
    return settle_never(cat, &need->at, because, err);
}

/* The needs on the run itself. */
static int settle_needs(struct catalogue *cat, const struct changed *c, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct open_need), read_open_need, NULL};
    static const char OPEN[] = "SELECT run, clause, place, condition FROM need WHERE parent = ?1"
                               " AND scope IN (1, 3) AND met IS NULL";
    struct rows rows;
    int rc = rows_read(cat, OPEN, VALUES(as_int(c->id)), &kind, &rows, err);
    const struct open_need *v = rows.v;
    for (size_t i = 0; rc == 0 && i < rows.n; i++)
        rc = settle_one(cat, &v[i], need_judge(v[i].is, c->state, c->started), c, err);
    rows_free(&rows, &kind);
    return rc;
}

int team_read(struct catalogue *cat, int64_t group, struct team *team, struct err *err)
{
    static const char READ[] = "SELECT unstarted, open, bad, failed, never FROM team WHERE id = ?1";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, READ, VALUES(as_int(group)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    *team = (struct team){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                          sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3),
                          sqlite3_column_int64(stmt, 4)};
    statement_end(stmt);
    return 1;
}

/* Counts the change. Whether the group is needed as a whole; then *team is what was, and *now is. */
static int count_change(struct catalogue *cat, const struct changed *c, struct team *was,
                        struct team *now, struct err *err)
{
    static const char WRITE[] = "UPDATE team SET unstarted = ?2, open = ?3, bad = ?4, failed = ?5,"
                                " never = ?6 WHERE id = ?1";
    bool over = run_state_is_terminal(c->state);
    int rc = team_read(cat, c->array, was, err);
    if (rc <= 0)
        return rc;
    *now = *was;
    now->unstarted -= c->awaited == 1 && (c->started || over);
    now->open -= over;
    now->bad += over && c->state != RUN_SUCCEEDED;
    now->failed += need_judge(NEED_FAILED, c->state, true) == NEED_MET;
    now->never += over && !c->started;
    rc = statement_write(cat, WRITE,
                         VALUES(as_int(c->array), as_int(now->unstarted), as_int(now->open),
                                as_int(now->bad), as_int(now->failed), as_int(now->never)),
                         err);
    return rc;
}

/* Needs on the group: only those whose verdict has changed are read, so each is read once. */
static int settle_group(struct catalogue *cat, const struct changed *c, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct open_need), read_open_need, NULL};
    static const char OPEN[] = "SELECT run, clause, place, condition FROM need WHERE parent = ?1"
                               " AND scope = 2 AND condition = ?2 AND met IS NULL";
    struct team was, now;
    int rc = count_change(cat, c, &was, &now, err);
    if (rc <= 0)
        return rc;
    rc = 0;
    for (int is = NEED_SUCCEEDED; rc == 0 && is <= NEED_STARTED; is++) {
        enum need_verdict verdict = team_judge((enum need_is)is, &now);
        struct rows rows;
        if (verdict == team_judge((enum need_is)is, &was))
            continue;
        rc = rows_read(cat, OPEN, VALUES(as_int(c->array), as_int(is)), &kind, &rows, err);
        for (size_t i = 0; rc == 0 && i < rows.n; i++)
            rc = settle_one(cat, (const struct open_need *)rows.v + i, verdict, c, err);
        rows_free(&rows, &kind);
    }
    return rc;
}

/* run.awaited says what was seen to, so that nothing is counted twice. */
static int settle_change(struct catalogue *cat, const struct changed *c, struct err *err)
{
    static const char SEEN[] = "UPDATE run SET awaited = ?2 WHERE id = ?1";
    static const char DONE[] = "DELETE FROM settling WHERE run = ?1";
    int64_t seen = run_state_is_terminal(c->state) ? 3 : c->started ? 2 : c->awaited;
    int rc = statement_write(cat, DONE, VALUES(as_int(c->id)), err);
    if (rc < 0 || seen == c->awaited)
        return rc < 0 ? rc : 0;
    rc = statement_write(cat, SEEN, VALUES(as_int(c->id), as_int(seen)), err);
    if (rc >= 0)
        rc = settle_needs(cat, c, err);
    if (rc == 0 && c->array)
        rc = settle_group(cat, c, err);
    return rc;
}

int settle_all(struct catalogue *cat, struct err *err)
{
    static const char NEXT[] = "SELECT min(run) FROM settling";
    int64_t id;
    int rc;
    while ((rc = statement_int(cat, NEXT, NO_VALUES, 0, &id, err)) == 0 && id) {
        struct changed c;
        rc = read_changed(cat, id, &c, err);
        if (rc == 0)
            rc = settle_change(cat, &c, err);
        free(c.job);
        if (rc < 0)
            return rc;
    }
    return rc;
}
