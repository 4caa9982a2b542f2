/* What a tick costs, and the small print of its policies. */
#include "catalogue_run.h"

#include "job.h"
#include "schedule.h"
#include "timetable.h"

static const int64_t noon = INT64_C(1767268800000); /* 2026-01-01T12:00:00Z */
#define HOUR INT64_C(3600000)

static void add(const char *name, const char *timetable, int64_t after, struct job_row more)
{
    struct job_row row = more;
    row.name = (char *)name;
    row.timetable = (char *)timetable;
    must(spec_put(cat, "{}", 2, &row.spec, &err), &err);
    must(schedule_first(&row, after, &row.next_at, &err), &err);
    must(job_put(cat, &row, &err), &err);
}

static struct schedule_tick tick_at(int64_t now, int limit)
{
    struct schedule_tick t = {.now = now, .limit = limit};
    begin();
    must(schedule_tick(cat, &t, &err), &err);
    commit();
    return t;
}

static void test_plan(void)
{
    char *plan = schedule_next_due_plan(cat);
    tap_ok(strstr(plan, "job_next") && !strstr(plan, "SCAN job"), "jobs are found by their index");
    tap_ok(strstr(plan, "run_start_by") != NULL, "deadlines are found by theirs");
    tap_ok(strstr(plan, "run_blocked") && strstr(plan, "run_active") && !strstr(plan, "SCAN run"),
           "blocked runs are found by theirs");
    free(plan);
}

/* A backlog is worked off in slices, and each instant is looked at once. */
static void test_slices(void)
{
    int ticks = 0, instants = 0;
    begin();
    add("often", "zone UTC\nevery 1m\n", noon - 10 * HOUR,
        (struct job_row){.catch_up = CATCH_UP_ALL, .overlap = OVERLAP_ALLOW});
    commit();
    struct schedule_tick t;
    do {
        t = tick_at(noon, 100);
        instants += t.instants;
        ticks++;
    } while (t.more);
    tap_int(instants, 600, "ten hours of minutes are 600 instants");
    tap_int(ticks, 6, "in slices of 100");
    tap_str(
        ask("SELECT count(*) || '|' || count(DISTINCT due_at) FROM occurrence WHERE job = 'often'"),
        "600|600", "each has one occurrence");
    begin();
    must(job_remove(cat, "often", &err), &err);
    commit();
}

static void test_jitter(void)
{
    char text[64];
    begin();
    add("late", "zone UTC\nevery 1h\n", noon - 1,
        (struct job_row){.jitter_ms = 600000, .overlap = OVERLAP_ALLOW});
    commit();
    (void)tick_at(noon, 10);
    (void)snprintf(text, sizeof text, "%lld|%lld", (long long)noon,
                   (long long)timetable_jitter("late", 600000));
    tap_str(ask("SELECT due_at || '|' || (not_before - due_at) FROM run WHERE job = 'late'"), text,
            "jitter moves the start, not the instant");
    tap_ok(timetable_jitter("late", 600000) != timetable_jitter("later", 600000),
           "and is another one for another name");
    begin();
    must(job_remove(cat, "late", &err), &err);
    commit();
}

/* A catalogue that was restored, or a clock that was set back: what has its occurrence is not run again. */
static void test_twice(void)
{
    begin();
    add("once", "zone UTC\nevery 1h\n", noon - 1, (struct job_row){.overlap = OVERLAP_ALLOW});
    commit();
    tap_int(tick_at(noon, 10).runs, 1, "an instant runs");
    struct job_row row;
    begin();
    must(job_get(cat, "once", &row, &err), &err);
    row.next_at = noon;
    must(job_set(cat, &row, &err), &err);
    commit();
    job_row_free(&row);
    tap_int(tick_at(noon, 10).runs, 0, "not again when the job says that it is due");
    tap_int(tick_at(noon - 5 * HOUR, 10).runs, 0, "nor when the clock goes back");
    tap_int(tick_at(noon + HOUR, 10).runs, 1, "and the next one runs");
}

static void test_deadline(void)
{
    int attempt;
    begin();
    add("by", "zone UTC\nevery 1h\n", noon - 1,
        (struct job_row){.deadline_ms = 600000, .overlap = OVERLAP_ALLOW});
    commit();
    (void)tick_at(noon, 10);
    int64_t id = strtoll(ask("SELECT id FROM run WHERE job = 'by'"), NULL, 10);
    begin();
    tap_int(run_claim(cat, id, "w", 1, noon + 600001, &attempt, &err), ERR_ANSWER,
            "a run past its deadline cannot be claimed any more");
    commit();
    tap_int(tick_at(noon + 600001, 10).expired, 1, "and is missed at the next tick");
    tap_int(state_of(id), RUN_CANCELLED, "which ends it");
    tap_str(ask("SELECT outcome FROM v_occurrences WHERE job = 'by'"), "missed", "and says so");
    (void)tick_at(noon + HOUR, 10);
    id = strtoll(ask("SELECT max(id) FROM run WHERE job = 'by'"), NULL, 10);
    begin();
    tap_int(run_claim(cat, id, "w", 1, noon + HOUR + 1, &attempt, &err), 0, "one in time starts");
    commit();
    tap_int(tick_at(noon + HOUR + 1200000, 10).expired, 0, "and is left alone then");
}

/* However many runs wait for one, a look costs the same: counted in steps of SQLite's machine. */
static int steps;

static int count_step(void *arg)
{
    (void)arg;
    steps++;
    return 0;
}

static int steps_of_a_look(void)
{
    int64_t at;
    steps = 0;
    sqlite3_progress_handler(cat->db, 1, count_step, NULL);
    must(schedule_next_due(cat, noon, &at, &err), &err);
    sqlite3_progress_handler(cat->db, 0, NULL, NULL);
    return steps;
}

static void block(int n)
{
    int64_t id, spec;
    begin();
    must(spec_put(cat, "{}", 2, &spec, &err), &err);
    for (int i = 0; i < n; i++)
        must(run_insert(cat,
                        &(struct run_new){.spec = spec,
                                          .job = "crowd",
                                          .state = RUN_BLOCKED,
                                          .queued_at = noon,
                                          .occurrence = 1000000 + i},
                        &id, &err),
             &err);
    commit();
}

static void test_crowd(void)
{
    int64_t id;
    block(10);
    begin(); /* the open one comes last, which is the bad order */
    must(run_insert(
             cat,
             &(struct run_new){.spec = 1, .job = "crowd", .state = RUN_QUEUED, .queued_at = noon},
             &id, &err),
         &err);
    commit();
    int few = steps_of_a_look();
    block(10000);
    tap_ok(steps_of_a_look() <= few + 10, "a look costs the same with 10,000 blocked runs");
    bool done;
    begin();
    must(run_request(cat, id, REQUEST_CANCEL, 0, "ann", &done, &err), &err);
    commit();
    tap_int(tick_at(noon, 10).unblocked, 1, "one of them goes on when the open one ends");
}

/* What is overdue together does not forbid itself. */
static void test_all_in_a_row(void)
{
    begin();
    add("row", "zone UTC\nevery 1h\n", noon - 4 * HOUR, (struct job_row){.catch_up = CATCH_UP_ALL});
    commit();
    tap_int(tick_at(noon, 100).runs, 4, "catch_up: all with overlap: forbid runs each");
    tap_str(ask("SELECT group_concat(state) FROM (SELECT state FROM run WHERE job = 'row' ORDER BY "
                "id)"),
            "3,2,2,2", "one after the other");
    tap_int(tick_at(noon + HOUR, 100).runs, 0, "what comes due meanwhile is forbidden as ever");
}

/* What has its occurrence already is not replaced. */
static void test_replace(void)
{
    int64_t id;
    begin();
    add("new", "zone UTC\nevery 1h\n", noon - 1, (struct job_row){.overlap = OVERLAP_REPLACE});
    must(occurrence_fill(cat, "new", noon, noon, &id, &err), &err);
    must(run_insert(
             cat,
             &(struct run_new){
                 .spec = 1, .job = "new", .state = RUN_QUEUED, .queued_at = noon, .occurrence = id},
             &id, &err),
         &err);
    commit();
    (void)tick_at(noon, 10);
    tap_int(state_of(id), RUN_QUEUED, "a tick leaves the run of a backfill alone");
    (void)tick_at(noon + HOUR, 10);
    tap_int(state_of(id), RUN_CANCELLED, "the next instant replaces it");
    (void)tick_at(noon + 2 * HOUR, 10);
    tap_str(ask("SELECT group_concat(state) FROM (SELECT state FROM run WHERE job = 'new' ORDER BY "
                "id)"),
            "9,9,3", "and is replaced itself");
}

/* A timetable that cannot be read loses nothing. */
static void test_aside(void)
{
    bool any;
    begin();
    add("gone", "zone UTC\nevery 1h\n", noon - 1, (struct job_row){.overlap = OVERLAP_ALLOW});
    commit();
    (void)ask("UPDATE job SET timetable = 'zone Mars/Olympus' || char(10) || 'every 1h' "
              "WHERE name = 'gone'");
    tap_int(tick_at(noon, 10).runs, 0, "a job whose zone is gone takes no part");
    tap_int(tick_at(noon, 10).more, false, "and keeps nobody busy");
    (void)ask(
        "UPDATE job SET timetable = 'zone UTC' || char(10) || 'every 1h' WHERE name = 'gone'");
    begin();
    must(job_any_aside(cat, &any, &err), &err);
    must(job_try_again(cat, &err), &err);
    commit();
    tap_ok(any, "it is set aside");
    tap_int(tick_at(noon, 10).runs, 1, "and what was due meanwhile is not lost");
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("c.db"), CATALOGUE_CREATE);
    test_plan();
    test_slices();
    test_jitter();
    test_twice();
    test_deadline();
    test_crowd();
    test_all_in_a_row();
    test_replace();
    test_aside();
    catalogue_close(cat);
    return tap_done();
}
