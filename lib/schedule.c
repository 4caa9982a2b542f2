#include "schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/need.h"
#include "clock.h"
#include "duration.h"
#include "log.h"
#include "making.h"
#include "timetable.h"
#include "xalloc.h"
#include "zone.h"

enum { REASON_TEXT = 256, AHEAD_MAX = 1000 };

/* One job at one tick. */
struct ticking {
    struct catalogue *cat;
    struct schedule_tick *tick;
    struct job_row *row;
    struct timetable table;
    int made; /* runs, at this tick */
};

/* ---- runs ---- */

/* Whether a run may be queued now, must wait for another of the job, or is not to be made. */
enum leave { LEAVE_RUN, LEAVE_WAIT, LEAVE_SKIP };

static int ask_overlap(struct catalogue *cat, const struct job_row *row,
                       const struct schedule_tick *tick, enum leave *leave,
                       char reason[REASON_TEXT], struct err *err)
{
    static const struct {
        enum leave leave;
        const char *says;
    } policies[] = {
        [OVERLAP_FORBID] = {LEAVE_SKIP, "run %" PRId64 " is not over yet (overlap: forbid)"},
        [OVERLAP_ALLOW] = {LEAVE_RUN, ""},
        [OVERLAP_QUEUE] = {LEAVE_WAIT, "waiting for run %" PRId64 " to end (overlap: queue)"},
        [OVERLAP_REPLACE] = {LEAVE_WAIT, "waiting for run %" PRId64 " to be gone "
                                         "(overlap: replace)"},
    };
    int64_t open = 0;
    int rc = 0;
    *leave = LEAVE_RUN;
    if (row->overlap == OVERLAP_ALLOW)
        return 0;
    if (row->overlap == OVERLAP_REPLACE)
        rc = run_cancel_open(cat, row->name, tick->actor, err);
    if (rc == 0)
        rc = run_open(cat, row->name, &open, err);
    if (rc == 0 && !open)
        rc = run_needy(cat, row->name, &open, err);
    if (rc < 0 || !open)
        return rc;
    *leave = policies[row->overlap].leave;
    (void)snprintf(reason, REASON_TEXT, policies[row->overlap].says, open);
    return 0;
}

/* Nobody hears of runs before all of them are there. */
static void tell_made(struct schedule_tick *tick, const struct making *making)
{
    for (size_t i = 0; i < making->n; i++) {
        tick->runs++;
        if (tick->made)
            tick->made(making->first + (int64_t)i, tick->arg);
    }
}

/* ERR_DATA: the job cannot be made into runs now, and none is left of those that were begun. */
static int make_run(struct catalogue *cat, const struct job_row *row, int64_t due_at,
                    int64_t occurrence, const char *blocked, struct schedule_tick *tick,
                    struct err *err)
{
    int64_t start = due_at ? due_at + timetable_jitter(row->name, row->jitter_ms) : 0;
    const struct run_new run = {
        .spec = row->spec,
        .job = row->name,
        .state = blocked ? RUN_BLOCKED : RUN_QUEUED,
        .reason = blocked,
        .priority = row->priority,
        .queued_at = tick->now,
        .not_before = start > tick->now ? start : 0,
        .due_at = due_at,
        .start_by = due_at && row->deadline_ms ? due_at + row->deadline_ms : 0,
        .occurrence = occurrence,
        .submitter = tick->actor,
    };
    struct making making = {
        .cat = cat, .config = tick->config, .expands = row->expands, .run = run};
    struct err undo = {0};
    int rc = row->expands ? catalogue_mark(cat, err) : 0;
    if (rc < 0)
        return rc;
    rc = making_runs(&making, err);
    if (rc == ERR_DATA && row->expands && catalogue_undo(cat, &undo) < 0) {
        *err = undo;
        return undo.code;
    }
    if (rc == 0 && row->expands)
        rc = catalogue_unmark(cat, err);
    if (rc == 0)
        tell_made(tick, &making);
    return rc;
}

int schedule_fill(struct catalogue *cat, const struct job_row *row, int64_t due_at,
                  int64_t occurrence, bool blocked, struct schedule_tick *tick, struct err *err)
{
    struct job_row past = *row;
    past.deadline_ms = 0;
    return make_run(cat, &past, due_at, occurrence,
                    blocked ? "waiting for the run before it (backfill)" : NULL, tick, err);
}

/* ---- one due instant ---- */

/* Whether a later instant is due as well, and is no exception. */
static bool is_overtaken(const struct ticking *t, int64_t at)
{
    struct timetable_due later = {.at = at};
    for (int i = 0; i < AHEAD_MAX; i++) {
        if (!timetable_next(&t->table, later.at, &later) || later.at > t->tick->now)
            return false;
        if (!later.excepted)
            return true;
    }
    return false; /* so many days without: it runs rather than none */
}

/* What the policies say, in the order in which they count; 0: it is to run. */
static enum outcome judge(const struct ticking *t, const struct timetable_due *due,
                          char reason[REASON_TEXT])
{
    const struct job_row *row = t->row;
    char text[DURATION_TEXT];
    if (due->excepted) {
        (void)snprintf(reason, REASON_TEXT, "its day is one of 'except'");
        return OUTCOME_SKIPPED;
    }
    if (row->paused_at && due->at >= row->paused_at) {
        (void)snprintf(reason, REASON_TEXT, "paused%s%s", row->paused ? ": " : "",
                       row->paused ? row->paused : "");
        return OUTCOME_MISSED;
    }
    if (due->at <= t->tick->missed_until) {
        (void)snprintf(reason, REASON_TEXT,
                       "due before this copy of the catalogue took over: it may have run");
        return OUTCOME_MISSED;
    }
    if (row->skip) {
        (void)snprintf(reason, REASON_TEXT, "skipped on request");
        return OUTCOME_SKIPPED;
    }
    if (row->deadline_ms && t->tick->now > due->at + row->deadline_ms) {
        (void)snprintf(reason, REASON_TEXT, "nobody looked until %s after it was due",
                       duration_text(t->tick->now - due->at, text));
        return OUTCOME_MISSED;
    }
    if (row->catch_up == CATCH_UP_LAST && is_overtaken(t, due->at)) {
        (void)snprintf(reason, REASON_TEXT, "overdue, as was a later one (catch_up: last)");
        return OUTCOME_COALESCED;
    }
    return (enum outcome)0;
}

/* What is caught up does not forbid itself: with catch_up: all each has its run, in a row. That is so also
 * when an earlier tick, which came to its limit, made the runs that are open: when this was due then. */
static int ask_caught_up(const struct ticking *t, int64_t at, bool *caught_up, struct err *err)
{
    int64_t queued_at = 0;
    *caught_up = t->row->overlap == OVERLAP_FORBID && t->row->catch_up == CATCH_UP_ALL;
    if (!*caught_up || t->made || is_overtaken(t, at))
        return 0;
    int rc = run_open_since(t->cat, t->row->name, &queued_at, err);
    *caught_up = queued_at >= at;
    return rc;
}

/* An instant that is to run, and has its occurrence. */
static int run_instant(struct ticking *t, int64_t at, int64_t occurrence, struct err *err)
{
    char reason[REASON_TEXT] = "";
    enum leave leave;
    int rc = ask_overlap(t->cat, t->row, t->tick, &leave, reason, err);
    if (rc < 0)
        return rc;
    if (leave == LEAVE_SKIP) {
        bool caught_up;
        rc = ask_caught_up(t, at, &caught_up, err);
        if (rc < 0)
            return rc;
        leave = caught_up ? LEAVE_WAIT : LEAVE_SKIP;
    }
    if (leave == LEAVE_SKIP)
        return occurrence_skip(t->cat, occurrence, reason, err);
    struct err why = {0};
    rc = make_run(t->cat, t->row, at, occurrence, leave == LEAVE_WAIT ? reason : NULL, t->tick,
                  &why);
    if (rc == ERR_DATA) /* a job that cannot be made into runs now must not stop the others */
        return occurrence_skip(t->cat, occurrence, why.msg, err);
    t->made++;
    if (rc < 0)
        *err = why;
    return rc;
}

/* The occurrence first: when it is recorded already (a backfill, a restored catalogue, a clock set back),
 * the instant has had its runs, and nothing is done to those that are there. */
static int settle(struct ticking *t, const struct timetable_due *due, struct err *err)
{
    char reason[REASON_TEXT] = "";
    int64_t id;
    enum outcome outcome = judge(t, due, reason);
    int rc = occurrence_put(t->cat, t->row->name, due->at, outcome ? outcome : OUTCOME_RAN,
                            outcome ? reason : NULL, t->tick->now, &id, err);
    if (rc == ERR_ANSWER)
        return 0;
    if (outcome == OUTCOME_SKIPPED && !due->excepted)
        t->row->skip = false;
    return rc < 0 || outcome ? rc : run_instant(t, due->at, id, err);
}

/* ---- one job ---- */

/* Without a limit (schedule_settle) all of it is to be settled, however much. */
static bool has_room(const struct schedule_tick *tick)
{
    return tick->instants < tick->limit && (tick->runs < SCHEDULE_RUNS || tick->limit == INT32_MAX);
}

/* next_at moves on with each instant that has its occurrence, in the same transaction: whatever happens
 * between two ticks, none is done twice and none is left out. */
static int settle_all(struct ticking *t, struct err *err)
{
    struct job_row *row = t->row;
    struct timetable_due due;
    int rc = 0;
    bool again = timetable_next(&t->table, row->next_at - 1, &due);
    while (rc == 0 && again && due.at <= t->tick->now && has_room(t->tick)) {
        t->tick->instants++;
        rc = settle(t, &due, err);
        row->last_at = due.at;
        again = timetable_next(&t->table, due.at, &due);
    }
    row->next_at = again ? due.at : 0;
    t->tick->more |= again && due.at <= t->tick->now;
    return rc < 0 ? rc : job_set(t->cat, row, err);
}

/* A timetable that was good when it was added: the time zone is gone, or a newer rota wrote it. What is due
 * meanwhile waits: next_at stays. */
static int set_aside(struct catalogue *cat, struct job_row *row, const struct err *why,
                     struct err *err)
{
    log_warn("job %s takes no part: %s; the next dispatcher tries again", row->name, why->msg);
    free(row->aside);
    row->aside = xstrdup(why->msg);
    return job_set(cat, row, err);
}

static int tick_job(struct catalogue *cat, struct job_row *row, struct schedule_tick *tick,
                    struct err *err)
{
    struct ticking t = {.cat = cat, .tick = tick, .row = row};
    struct err why = {0};
    if (!row->timetable || !row->next_at)
        return 0;
    if (timetable_read(&t.table, row->timetable, row->name, &why) < 0)
        return set_aside(cat, row, &why, err);
    free(row->aside);
    row->aside = NULL;
    int rc = settle_all(&t, err);
    timetable_free(&t.table);
    return rc;
}

int schedule_settle(struct catalogue *cat, const struct config *config, struct job_row *row,
                    int64_t now, struct err *err)
{
    struct schedule_tick tick = {
        .config = config, .now = now, .actor = "schedule", .limit = INT32_MAX};
    int rc = tick_job(cat, row, &tick, err);
    zone_restore();
    return rc;
}

int schedule_retire(struct catalogue *cat, const struct config *config, struct job_row *row,
                    int64_t now, struct err *err)
{
    int rc = schedule_settle(cat, config, row, now, err);
    return rc < 0 ? rc : job_remove(cat, row->name, err);
}

/* ---- all of them ---- */

struct due_jobs {
    struct job_row *v;
    size_t n, cap;
};

static int take_row(const struct job_row *row, void *arg)
{
    struct due_jobs *jobs = arg;
    if (jobs->n == jobs->cap)
        jobs->v =
            xreallocarray(jobs->v, jobs->cap = jobs->cap ? 2 * jobs->cap : 64, sizeof *jobs->v);
    jobs->v[jobs->n++] = job_row_copy(row);
    return 0;
}

/* By zone, which costs to change; within a zone in the order of the due instants. Only sorts texts that
 * begin with "zone NAME". */
static int by_zone(const void *a, const void *b)
{
    const struct job_row *x = a, *y = b;
    size_t n = strcspn(x->timetable, "\n"), m = strcspn(y->timetable, "\n");
    int order = strncmp(x->timetable, y->timetable, n > m ? n : m);
    if (order && !(n == m && strncmp(x->timetable, y->timetable, n) == 0))
        return order;
    return x->next_at < y->next_at ? -1 : x->next_at > y->next_at;
}

static int tick_jobs(struct catalogue *cat, struct schedule_tick *tick, struct err *err)
{
    struct due_jobs jobs = {0};
    int rc = job_due(cat, tick->now, tick->limit, take_row, &jobs, err);
    if (jobs.n)
        qsort(jobs.v, jobs.n, sizeof *jobs.v, by_zone);
    for (size_t i = 0; i < jobs.n; i++) {
        if (rc == 0 && has_room(tick))
            rc = tick_job(cat, &jobs.v[i], tick, err);
        else
            tick->more = true;
        job_row_free(&jobs.v[i]);
    }
    free(jobs.v);
    zone_restore();
    return rc;
}

int schedule_tick(struct catalogue *cat, struct schedule_tick *tick, struct err *err)
{
    int64_t at;
    int late = 0;
    tick->instants = tick->runs = tick->expired = tick->unblocked = 0;
    tick->more = false;
    int rc = schedule_next_due(cat, tick->now, &at, err);
    if (rc < 0 || at > tick->now)
        return rc;
    /* deadlines first: what they end may unblock, or let in, what is due now */
    rc = run_expire(cat, tick->now, tick->limit, &tick->expired, err);
    if (rc == 0)
        rc = run_unblock_all(cat, tick->limit, &tick->unblocked, err);
    if (rc == 0)
        rc = tick_jobs(cat, tick, err);
    if (rc == 0 &&
        !tick->more) /* last: a run that was due on a day that has ended may be late, and made now */
        rc = need_expire(cat, tick->now, tick->limit, &late, err);
    tick->unblocked += late;
    if (rc == 0 && !tick->more)
        rc = schedule_next_due(cat, tick->now, &at, err);
    tick->more |= at <= tick->now;
    return rc;
}

int schedule_take_back(struct catalogue *cat, struct holder *holder, struct err *err)
{
    bool any;
    int rc = job_any_aside(cat, &any, err);
    if (rc < 0 || !any)
        return rc;
    rc = catalogue_begin(cat, err);
    if (rc == 0 && holder)
        rc = holder_renew(cat, holder, err);
    if (rc == 0)
        rc = job_try_again(cat, err);
    if (rc == 0)
        rc = catalogue_commit(cat, err);
    catalogue_rollback(cat);
    if (rc < 0 && holder)
        holder->expires = 0; /* a renewal went with it: the next transaction renews */
    return rc;
}

int schedule_first(const struct job_row *row, int64_t now, int64_t *next_at, struct err *err)
{
    struct timetable table;
    struct timetable_due due;
    *next_at = 0;
    if (!row->timetable)
        return 0;
    int rc = timetable_read(&table, row->timetable, row->name, err);
    if (rc < 0)
        return rc;
    if (timetable_next(&table, now > row->last_at ? now : row->last_at, &due))
        *next_at = due.at;
    timetable_free(&table);
    zone_restore();
    return 0;
}
