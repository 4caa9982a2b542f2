#include "need.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"
#include "rows.h"
#include "settle.h"
#include "xalloc.h"

enum { REASON = 256 };

/* ---- parents ---- */

/* What is known of the parent of a need. */
struct parent {
    enum need_verdict verdict;
    enum run_state state;
};

/* Its changes are to be seen from now on: its start only where somebody waits for that. */
static int await_run(struct catalogue *cat, int64_t id, enum need_is is, struct err *err)
{
    static const char AWAIT[] = "UPDATE run SET awaited = ?2 WHERE id = ?1 AND state < 6"
                                " AND (awaited IS NULL OR awaited > ?2)";
    int rc =
        statement_write(cat, AWAIT, VALUES(as_int(id), as_int(is == NEED_STARTED ? 1 : 2)), err);
    return rc < 0 ? rc : 0;
}

static int look_at_run(struct catalogue *cat, const struct need *need, struct parent *parent,
                       struct err *err)
{
    static const char LOOK[] = "SELECT state, " RUN_BEGUN " FROM run WHERE id = ?1";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, LOOK, VALUES(as_int(need->parent)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "there is no run %" PRId64, need->parent);
    parent->state = (enum run_state)sqlite3_column_int(stmt, 0);
    parent->verdict = need_judge(need->is, parent->state, sqlite3_column_int(stmt, 1) != 0);
    statement_end(stmt);
    return parent->verdict == NEED_OPEN ? await_run(cat, need->parent, need->is, err) : 0;
}

/* The counts of a group, made at the first need on it, and anew when its starts begin to matter. What
 * waits to be settled is settled before, or it would be counted twice. */
static int make_team(struct catalogue *cat, int64_t id, enum need_is is, struct err *err)
{
    static const char COUNT[] =
        "INSERT OR REPLACE INTO team (id, unstarted, open, bad, failed, never)"
        " SELECT ?1, sum(state < 6 AND NOT " RUN_BEGUN "), sum(state < 6), sum(state > 6),"
        " sum(state IN (7, 8, 10)), sum(state >= 6 AND NOT " RUN_BEGUN ") FROM run WHERE array = ?1"
        " HAVING count(*) > 0";
    static const char AWAIT[] =
        "UPDATE run SET awaited = iif(?2 AND NOT " RUN_BEGUN ", 1, ifnull(awaited, 2))"
        " WHERE array = ?1 AND state < 6";
    int rc = settle_all(cat, err);
    if (rc == 0)
        rc = statement_write(cat, COUNT, VALUES(as_int(id)), err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "there is no group of runs %" PRId64, id);
    if (rc > 0)
        rc = statement_write(cat, AWAIT, VALUES(as_int(id), as_int(is == NEED_STARTED)), err);
    return rc < 0 ? rc : 0;
}

static int look_at_group(struct catalogue *cat, const struct need *need, struct parent *parent,
                         struct err *err)
{
    static const char ANY[] = "SELECT EXISTS (SELECT 1 FROM need WHERE parent = ?1 AND scope = 2"
                              " AND condition = ?2)";
    struct team team;
    int64_t known;
    int rc =
        statement_int(cat, ANY, VALUES(as_int(need->parent), as_int(need->is)), 0, &known, err);
    if (rc == 0 && !known)
        rc = make_team(cat, need->parent, need->is, err);
    if (rc < 0)
        return rc;
    rc = team_read(cat, need->parent, &team, err);
    if (rc <= 0)
        return rc < 0 ? rc : err_set(err, ERR_BUG, "no counts of group %" PRId64, need->parent);
    parent->verdict = team_judge(need->is, &team);
    parent->state = team.failed ? RUN_FAILED : team.bad ? RUN_CANCELLED : RUN_SUCCEEDED;
    return 0;
}

/* ---- the needs of a new run ---- */

static int add_need(struct catalogue *cat, int64_t run, int place, const struct need *need,
                    enum need_verdict verdict, struct err *err)
{
    static const char ADD[] =
        "INSERT INTO need (run, clause, place, parent, scope, condition, job, met, day, since,"
        " until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    struct value open = {.type = VALUE_NULL};
    int rc = statement_write(cat, ADD,
                             VALUES(as_int(run), as_int(need->clause), as_int(place),
                                    as_opt(need->parent), as_int(need->scope), as_int(need->is),
                                    as_text(need->job),
                                    verdict == NEED_OPEN ? open : as_int(verdict == NEED_MET),
                                    as_text(need->day), as_opt(need->since), as_opt(need->until)),
                             err);
    return rc < 0 ? rc : 0;
}

/* What becomes of the clauses of one run while they are put in. */
struct putting {
    int clause;       /* the one at hand; -1: none yet */
    bool met, open;   /* of it */
    int64_t unmet;    /* clauses that do not hold */
    char why[REASON]; /* a clause that never will; "": all may */
    char last[REASON];
};

static void end_clause(struct putting *p)
{
    if (p->clause < 0 || p->met)
        return;
    p->unmet++;
    if (!p->open && !*p->why)
        memcpy(p->why, p->last, sizeof p->why);
}

static int put_one(struct catalogue *cat, int64_t run, int place, const struct need *need,
                   struct putting *p, struct err *err)
{
    struct parent parent = {.verdict = need->settled ? NEED_MET : NEED_OPEN};
    int rc = 0;
    if (!need->settled && need->parent)
        rc = need->scope == NEED_GROUP ? look_at_group(cat, need, &parent, err)
                                       : look_at_run(cat, need, &parent, err);
    if (rc < 0)
        return rc;
    if (need->clause != p->clause) {
        end_clause(p);
        p->clause = need->clause;
        p->met = p->open = false;
    }
    p->met = p->met || parent.verdict == NEED_MET;
    p->open = p->open || parent.verdict == NEED_OPEN;
    if (parent.verdict == NEED_NEVER)
        need_say_never(need->parent, need->job, parent.state, need->is, p->last, sizeof p->last);
    return add_need(cat, run, place, need, parent.verdict, err);
}

/* Blocked, or held and blocked when it is released. One whose needs are all met already goes on as if the
 * last had been met now. */
static int begin_waiting(struct catalogue *cat, int64_t run, const struct putting *p,
                         struct err *err)
{
    static const char WAIT[] =
        "UPDATE run SET unmet = ?2, reason = iif(state = 2, ?3, reason) WHERE id = ?1";
    char *text = settle_waiting(cat, run, 0, 0, err);
    int rc = statement_write(
        cat, WAIT, VALUES(as_int(run), as_int(p->unmet ? p->unmet : 1), as_text(text)), err);
    free(text);
    if (rc >= 0 && !p->unmet)
        rc = settle_release(cat, run, err);
    else if (rc >= 0 && *p->why)
        rc = settle_cancel(cat, run, p->why, err);
    return rc < 0 ? rc : 0;
}

int need_put(struct catalogue *cat, int64_t run, const struct need *needs, size_t n,
             struct err *err)
{
    struct putting p = {.clause = -1};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_one(cat, run, (int)i, &needs[i], &p, err);
    end_clause(&p);
    return rc < 0 || !n ? rc : begin_waiting(cat, run, &p, err);
}

/* ---- the run of a day ---- */

int need_find(struct catalogue *cat, const char *job, int64_t since, int64_t until, int64_t *id,
              int64_t *group, struct err *err)
{
    static const char FIND[] =
        "SELECT id, array FROM run WHERE job = ?1 AND ifnull(due_at, queued_at) >= ?2"
        " AND ifnull(due_at, queued_at) < ?3 ORDER BY id DESC LIMIT 1";
    sqlite3_stmt *stmt;
    *id = *group = 0;
    int rc =
        statement_start(cat, FIND, VALUES(as_text(job), as_int(since), as_int(until)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    *id = sqlite3_column_int64(stmt, 0);
    *group = sqlite3_column_int64(stmt, 1);
    statement_end(stmt);
    return 0;
}

struct waiting {
    struct need_place at;
    enum need_is is;
    enum need_scope scope;
    int64_t index;
    char *job, *day;
};

static void read_waiting(sqlite3_stmt *stmt, void *row)
{
    *(struct waiting *)row = (struct waiting){
        .at = {sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1),
               sqlite3_column_int(stmt, 2)},
        .is = (enum need_is)sqlite3_column_int(stmt, 3),
        .scope = (enum need_scope)sqlite3_column_int(stmt, 4),
        .index = sqlite3_column_int64(stmt, 5),
        .job = column_text(stmt, 6),
        .day = column_text(stmt, 7),
    };
}

static void free_waiting(void *row)
{
    free(((struct waiting *)row)->job);
    free(((struct waiting *)row)->day);
}

static const struct row_kind waiting_kind = {sizeof(struct waiting), read_waiting, free_waiting};

static void read_id(sqlite3_stmt *stmt, void *row)
{
    *(int64_t *)row = sqlite3_column_int64(stmt, 0);
}

static const struct row_kind id_kind = {sizeof(int64_t), read_id, NULL};

/* The element of a group with the index of the one that waits; 0: there is none. */
static int find_element(struct catalogue *cat, int64_t group, int64_t index, int64_t *id,
                        struct err *err)
{
    /* elements are made in one go: where their indices have no gaps, ids tell them */
    static const char NEAR[] = "SELECT id FROM run WHERE id = ?1 + ?2 - (SELECT idx FROM run"
                               "  WHERE id = ?1) AND array = ?1 AND idx = ?2";
    static const char FIND[] = "SELECT id FROM run WHERE array = ?1 AND idx = ?2";
    int rc = statement_int(cat, NEAR, VALUES(as_int(group), as_int(index)), 0, id, err);
    if (rc == 0 && !*id)
        rc = statement_int(cat, FIND, VALUES(as_int(group), as_int(index)), 0, id, err);
    return rc;
}

/* The need gets its parent; what the run said that it waits for was the day, and is now that. */
static int take_parent(struct catalogue *cat, const struct waiting *w, int64_t parent,
                       enum need_scope scope, struct err *err)
{
    static const char TAKE[] = "UPDATE need SET parent = ?4, scope = ?5"
                               " WHERE run = ?1 AND clause = ?2 AND place = ?3";
    static const char SAY[] = "UPDATE run SET reason = ?2 WHERE id = ?1 AND reason = ?3";
    const struct need need = {.is = w->is, .scope = scope, .parent = parent};
    struct parent standing;
    int rc = scope == NEED_GROUP ? look_at_group(cat, &need, &standing, err)
                                 : look_at_run(cat, &need, &standing, err);
    if (rc == 0)
        rc = statement_write(cat, TAKE,
                             VALUES(as_int(w->at.run), as_int(w->at.clause), as_int(w->at.place),
                                    as_int(parent), as_int(scope)),
                             err);
    if (rc < 0)
        return rc;
    char *was = xasprintf("waiting for %s of %s", w->job, w->day);
    char *now = xasprintf("waiting for %" PRId64 " (%s)", parent, w->job);
    rc = statement_write(cat, SAY, VALUES(as_int(w->at.run), as_text(now), as_text(was)), err);
    free(was);
    free(now);
    return rc < 0 ? rc : 0;
}

static int meet_parent(struct catalogue *cat, const struct waiting *w, int64_t id, int64_t group,
                       struct err *err)
{
    char because[REASON];
    int64_t element = id;
    int rc = 0;
    if (w->scope == NEED_GROUP)
        return take_parent(cat, w, group ? group : id, group ? NEED_GROUP : NEED_RUN, err);
    if (group)
        rc = find_element(cat, group, w->index, &element, err);
    if (rc == 0 && group && element)
        return take_parent(cat, w, element, NEED_RUN, err);
    (void)snprintf(because, sizeof because, "%" PRId64 " (%s) has no element %" PRId64, id, w->job,
                   w->index);
    return rc < 0 ? rc : settle_never(cat, &w->at, because, err);
}

/* The runs that a run, or one of its group, waits for, and what these wait for: by id. */
static int read_ancestors(struct catalogue *cat, int64_t id, int64_t group, struct rows *rows,
                          struct err *err)
{
    static const char UP[] =
        "WITH RECURSIVE up (id) AS (SELECT ?1 UNION SELECT id FROM run WHERE array = ?2"
        " UNION SELECT ifnull(member.id, need.parent) FROM up JOIN need ON need.run = up.id"
        "  AND need.met IS NULL AND need.parent IS NOT NULL"
        "  LEFT JOIN run AS member ON need.scope = 2 AND member.array = need.parent)"
        " SELECT id FROM up ORDER BY id";
    return rows_read(cat, UP, VALUES(as_int(id), as_opt(group)), &id_kind, rows, err);
}

/* The run that was made waits, by way of others perhaps, for the one that it was to let go: neither would
 * ever go. */
static int refuse_circle(struct catalogue *cat, const struct waiting *w, int64_t id,
                         struct err *err)
{
    char because[REASON];
    (void)snprintf(because, sizeof because,
                   "%" PRId64 " (%s), for which it was to wait, waits for it", id, w->job);
    return settle_never(cat, &w->at, because, err);
}

static int meet_all(struct catalogue *cat, const struct rows *waiting, int64_t id, int64_t group,
                    struct err *err)
{
    struct rows up;
    const struct waiting *v = waiting->v;
    int rc = waiting->n ? read_ancestors(cat, id, group, &up, err) : 0;
    for (size_t i = 0; rc == 0 && i < waiting->n; i++)
        rc = bsearch(&v[i].at.run, up.v, up.n, sizeof(int64_t), order_by_number)
                 ? refuse_circle(cat, &v[i], id, err)
                 : meet_parent(cat, &v[i], id, group, err);
    if (waiting->n)
        rows_free(&up, &id_kind);
    return rc;
}

int need_found(struct catalogue *cat, const char *job, int64_t id, struct err *err)
{
    static const char ANY[] = "SELECT EXISTS (SELECT 1 FROM need WHERE job = ?1"
                              " AND parent IS NULL AND met IS NULL)";
    static const char FIND[] =
        "SELECT need.run, clause, place, condition, scope, waits.idx, need.job, day"
        " FROM need JOIN run AS waits ON waits.id = need.run, run AS made"
        " WHERE made.id = ?2 AND need.job = ?1 AND parent IS NULL AND met IS NULL"
        " AND ifnull(made.due_at, made.queued_at) >= since"
        " AND ifnull(made.due_at, made.queued_at) < until";
    static const char GROUP[] = "SELECT array FROM run WHERE id = ?1";
    struct rows rows;
    int64_t any, group;
    int rc = statement_int(cat, ANY, VALUES(as_text(job)), 0, &any, err);
    if (rc < 0 || !any)
        return rc;
    rc = statement_int(cat, GROUP, VALUES(as_int(id)), 0, &group, err);
    if (rc < 0)
        return rc;
    rc = rows_read(cat, FIND, VALUES(as_text(job), as_int(id)), &waiting_kind, &rows, err);
    if (rc == 0)
        rc = meet_all(cat, &rows, id, group, err);
    rows_free(&rows, &waiting_kind);
    return rc;
}

int need_expire(struct catalogue *cat, int64_t now, int limit, int *n, struct err *err)
{
    static const char LATE[] = "SELECT run, clause, place, condition, scope, 0, job, day FROM need"
                               " WHERE until <= ?1 AND parent IS NULL AND met IS NULL LIMIT ?2";
    struct rows rows;
    int rc = rows_read(cat, LATE, VALUES(as_int(now), as_int(limit)), &waiting_kind, &rows, err);
    const struct waiting *v = rows.v;
    *n = 0;
    for (; rc == 0 && *n < (int)rows.n; (*n)++) {
        char because[REASON];
        (void)snprintf(because, sizeof because, "there was no run of %s on %s", v[*n].job,
                       v[*n].day);
        rc = settle_never(cat, &v[*n].at, because, err);
    }
    rows_free(&rows, &waiting_kind);
    return rc;
}
