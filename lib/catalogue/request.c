/* What people ask for a run. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "job.h"
#include "settle.h"
#include "xalloc.h"

enum {
    HELD = 1 << RUN_HELD,
    BLOCKED = 1 << RUN_BLOCKED,
    QUEUED = 1 << RUN_QUEUED,
    STARTED = 1 << RUN_STARTING | 1 << RUN_RUNNING,
};

static const struct rule {
    const char *kind;  /* of the event */
    unsigned at_once;  /* states that change here and now … */
    enum run_state to; /* … to this one */
    unsigned recorded; /* states in which the dispatcher sees to it */
    const char *only;  /* why not in the others */
} rules[] = {
    [REQUEST_CANCEL] = {"cancel", HELD | BLOCKED | QUEUED, RUN_CANCELLED, STARTED, ""},
    [REQUEST_SIGNAL] = {"signal", 0, 0, STARTED, "only a running run can be sent a signal"},
    [REQUEST_HOLD] = {"hold", BLOCKED | QUEUED, RUN_HELD, 0, "only a queued run can be held"},
    [REQUEST_RELEASE] = {"release", HELD, RUN_QUEUED, 0, "only a held run can be released"},
    [REQUEST_LOST] = {"lost", 0, 0, STARTED,
                      "only a running run can be declared lost (rota cancel ends a queued one)"},
};

/* Guarded by the state that was read, though the transaction already keeps others out. */
static int change_state(struct catalogue *cat, int64_t id, enum run_state from, enum run_state to,
                        const char *actor, int64_t now, struct err *err)
{
    static const char CHANGE[] = "UPDATE run SET state = ?3, reason = ?4, finished_at = ?5"
                                 " WHERE id = ?1 AND state = ?2";
    char reason[256];
    bool over = run_state_is_terminal(to);
    char *waiting = to == RUN_BLOCKED ? settle_waiting(cat, id, 0, 0, err) : NULL;
    if (to == RUN_BLOCKED && !waiting)
        waiting = xstrdup("waiting for the runs of its job before it");
    if (!run_state_may_become(from, to))
        return err_set(err, ERR_BUG, "run %" PRId64 " cannot go from %s to %s", id,
                       run_state_name(from), run_state_name(to));
    (void)snprintf(reason, sizeof reason, "%s by %s", run_state_name(to),
                   actor ? actor : "somebody");
    int rc = statement_write(cat, CHANGE,
                             VALUES(as_int(id), as_int(from), as_int(to),
                                    as_text(to == RUN_QUEUED    ? NULL
                                            : to == RUN_BLOCKED ? waiting
                                                                : reason),
                                    as_opt(over ? now : 0)),
                             err);
    free(waiting);
    return rc;
}

static int refuse(int64_t id, enum run_state state, const struct rule *rule, struct err *err)
{
    if (run_state_is_terminal(state))
        return err_set(err, ERR_ANSWER, "run %" PRId64 " is over (%s)", id, run_state_name(state));
    return err_set(err, ERR_ANSWER, "run %" PRId64 " is %s: %s", id, run_state_name(state),
                   rule->only);
}

static int read_unmet(struct catalogue *cat, int64_t id, int64_t *unmet, struct err *err)
{
    static const char UNMET[] = "SELECT unmet FROM run WHERE id = ?1";
    return statement_int(cat, UNMET, VALUES(as_int(id)), 0, unmet, err);
}

/* Of those that are blocked, those that wait for others. One that its overlap policy blocks starts when
 * those before it are gone, which is what holding it would be for. */
static int check_hold(struct catalogue *cat, int64_t id, enum run_state state,
                      const struct rule *rule, struct err *err)
{
    int64_t unmet = 0;
    int rc = state == RUN_BLOCKED ? read_unmet(cat, id, &unmet, err) : 0;
    return rc == 0 && state == RUN_BLOCKED && unmet <= 0 ? refuse(id, state, rule, err) : rc;
}

/* A run that was held while it waited for others waits on. So does one whose turn it is not: another of its
 * job is under way, or waits for its turn, but those of its own occurrence. */
static int released_to(struct catalogue *cat, int64_t id, enum run_state *to, struct err *err)
{
    static const char OTHER[] =
        "SELECT EXISTS (SELECT 1 FROM run WHERE job = this.job AND state < 6 AND state <> 2"
        "   AND state > 2 AND occurrence IS NOT this.occurrence)"
        " OR EXISTS (SELECT 1 FROM run WHERE job = this.job AND state = 2"
        "   AND occurrence IS NOT NULL AND ifnull(unmet, 0) = 0 AND id < this.id"
        "   AND occurrence <> this.occurrence) FROM run AS this WHERE id = ?1";
    int64_t unmet = 0, other = 0;
    int rc = read_unmet(cat, id, &unmet, err);
    if (rc == 0 && unmet <= 0)
        rc = run_takes_turns(cat, id, &other, err);
    if (rc == 0 && other)
        rc = statement_int(cat, OTHER, VALUES(as_int(id)), 0, &other, err);
    if (unmet > 0 || other)
        *to = RUN_BLOCKED;
    return rc;
}

/* With one that waits for its turn again, it may be the turn of one of them. */
static int unblock_again(struct catalogue *cat, int64_t id, struct err *err)
{
    static const char TURN[] = "SELECT job FROM run WHERE id = ?1 AND state = 2"
                               " AND ifnull(unmet, 0) = 0";
    sqlite3_stmt *stmt;
    int64_t unblocked;
    int rc = statement_start(cat, TURN, VALUES(as_int(id)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    char *job = column_text(stmt, 0);
    statement_end(stmt);
    rc = run_unblock(cat, job, &unblocked, err);
    free(job);
    return rc;
}

/* The first request counts; the state changes when the end is proved. */
static int ask_cancel(struct catalogue *cat, int64_t id, int64_t now, struct err *err)
{
    static const char ASK[] = "UPDATE run SET cancel_at = ?2 WHERE id = ?1 AND cancel_at IS NULL";
    return statement_write(cat, ASK, VALUES(as_int(id), as_int(now)), err);
}

/* Whether it may be asked now, and of which state that is. */
static int check_request(struct catalogue *cat, int64_t id, enum request request, int64_t *state,
                         struct err *err)
{
    static const char STATE[] = "SELECT state FROM run WHERE id = ?1";
    const struct rule *rule = &rules[request];
    int rc = statement_int(cat, STATE, VALUES(as_int(id)), 0, state, err);
    if (rc < 0)
        return rc;
    if (!*state)
        return err_set(err, ERR_ANSWER, "there is no run %" PRId64, id);
    if (!((rule->at_once | rule->recorded) & 1U << *state))
        return refuse(id, (enum run_state) * state, rule, err);
    return request == REQUEST_HOLD ? check_hold(cat, id, (enum run_state) * state, rule, err) : 0;
}

int run_may_request(struct catalogue *cat, int64_t id, enum request request, struct err *err)
{
    int64_t state;
    return check_request(cat, id, request, &state, err);
}

int run_request(struct catalogue *cat, int64_t id, enum request request, int signal,
                const char *actor, bool *done, struct err *err)
{
    const struct rule *rule = &rules[request];
    enum run_state to = rule->to;
    int64_t now = clock_now(), state;
    char detail[16];
    *done = false;
    int rc = check_request(cat, id, request, &state, err);
    if (rc == 0 && request == REQUEST_RELEASE)
        rc = released_to(cat, id, &to, err);
    if (rc < 0)
        return rc;
    if (rule->at_once & 1U << state) {
        rc = change_state(cat, id, (enum run_state)state, to, actor, now, err);
        *done = rc > 0;
        if (rc > 0 && to == RUN_BLOCKED)
            rc = unblock_again(cat, id, err);
    } else if (request == REQUEST_CANCEL) {
        rc = ask_cancel(cat, id, now, err);
    } else if (request == REQUEST_LOST) {
        /* a person's word is enough: no dispatcher need live to hear it */
        rc = run_declare_lost(cat, id, actor, now, err);
        *done = rc == 0;
    }
    if (rc < 0)
        return rc;
    (void)snprintf(detail, sizeof detail, "%d", signal);
    return event_add(cat, now, id, rule->kind, actor, request == REQUEST_SIGNAL ? detail : NULL,
                     err);
}
