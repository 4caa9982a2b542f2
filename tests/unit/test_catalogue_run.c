/* The life of a run in the catalogue: each step happens once, whoever tries. */
#include "catalogue_run.h"

static void test_spec(void)
{
    int64_t a, b, c;
    char *text;
    begin();
    must(spec_put(cat, "{\"shell\":\"a\"}", 13, &a, &err), &err);
    must(spec_put(cat, "{\"shell\":\"b\"}", 13, &b, &err), &err);
    must(spec_put(cat, "{\"shell\":\"a\"}", 13, &c, &err), &err);
    commit();
    tap_ok(a == c && a != b, "a specification is stored once");
    must(spec_get(cat, b, &text, &err), &err);
    tap_str(text, "{\"shell\":\"b\"}", "and comes back as it was");
    free(text);
    tap_int(spec_get(cat, 999, &text, &err), ERR_ANSWER, "one that is not there is an answer");
    /* two texts with one hash: forge the first one's */
    begin();
    (void)sqlite3_exec(cat->db, "UPDATE spec SET text = 'forged' WHERE text = '{\"shell\":\"a\"}'",
                       NULL, NULL, NULL);
    must(spec_put(cat, "{\"shell\":\"a\"}", 13, &c, &err), &err);
    commit();
    tap_ok(c != a, "the text identifies a specification, not its hash");
}

static void test_life(void)
{
    int64_t id = submit(cat, "backup", 1);
    struct run run = get(id);
    tap_ok(run.state == RUN_QUEUED && run.attempt == 0 && run.queued_at == 1000 && !run.has_exit &&
               !run.host && !run.reason && run.index == -1 && !run.started_at &&
               strcmp(run.job, "backup") == 0 && strcmp(run.submitter, "ann") == 0,
           "a run begins queued and knows nothing more");
    run_free(&run);
    tap_int(claim(id, "db1", UINT64_C(0xfedcba9876543210)), 1, "a claim begins its first attempt");
    tap_int(claim(id, "db2", 2), ERR_ANSWER, "a claimed run cannot be claimed again");
    begin();
    tap_int(run_started(cat, id, 2, 2400, &err), ERR_ANSWER, "another attempt's start is refused");
    tap_int(run_started(cat, id, 1, 2500, &err), 0, "it starts");
    tap_int(run_started(cat, id, 1, 2600, &err), ERR_ANSWER, "once");
    tap_int(run_reason(cat, id, "db1 unreachable", &err), 0, "a reason can be told");
    commit();
    int64_t before = sqlite3_total_changes64(cat->db);
    begin();
    must(run_reason(cat, id, "db1 unreachable", &err), &err);
    commit();
    tap_int(sqlite3_total_changes64(cat->db) - before, 0, "the same reason again writes nothing");
    tap_str(ask("SELECT state || reason || started_at FROM v_attempts"),
            "runningdb1 unreachable1970-01-01T00:00:02.500Z",
            "an attempt shows the state of its run");
    struct run_end end = end_of(id, 1, RUN_FAILED);
    end.has_exit = true;
    end.exit_code = 3;
    end.reason = "exit code 3";
    end.utime_us = 1500000;
    end.out_bytes = 10;
    end.out_dropped = 4;
    tap_int(finish(end), 0, "it ends");
    end.exit_code = 4;
    tap_int(finish(end), ERR_ANSWER, "a result sent again is recorded once");
    run = get(id);
    tap_ok(run.state == RUN_FAILED && run.has_exit && run.exit_code == 3 &&
               run.started_at == 2500 && run.finished_at == 4000 && run.utime_us == 1500000 &&
               run.out_bytes == 10 && run.out_dropped == 4 && strcmp(run.host, "db1") == 0,
           "and everything of it is there");
    run_free(&run);
    begin();
    tap_int(run_reason(cat, id, "later", &err), 0, "a reason after the end is no error");
    commit();
    tap_str(ask("SELECT reason FROM v_runs WHERE state = 'failed'"), "exit code 3",
            "and changes nothing");
}

static void test_retry(void)
{
    int64_t id = submit(cat, "flaky", 1);
    struct strlist hosts = {0};
    (void)claim(id, "db1", 1);
    struct run_end end = end_of(id, 1, RUN_QUEUED);
    end.attempt_state = RUN_TIMEOUT;
    end.not_before = 9000;
    end.reason = "attempt 1: timeout";
    tap_int(finish(end), 0, "an attempt may end with the run queued again");
    tap_int(finish(end), ERR_ANSWER, "once");
    struct run run = get(id);
    tap_ok(run.state == RUN_QUEUED && run.attempt == 1 && run.not_before == 9000 && !run.host &&
               !run.finished_at && !run.started_at,
           "the run waits as if it had never started, and remembers when to go on");
    run_free(&run);
    tap_int(claim(id, "db2", 2), 2, "the next claim is the second attempt");
    tap_int(finish(end_of(id, 1, RUN_SUCCEEDED)), ERR_ANSWER,
            "a late result of the first attempt does not end the second");
    tap_int(finish(end_of(id, 2, RUN_SUCCEEDED)), 0, "its own does");
    must(run_hosts_tried(cat, id, &hosts, &err), &err);
    tap_ok(hosts.n == 2 && strcmp(hosts.v[0], "db1") == 0 && strcmp(hosts.v[1], "db2") == 0,
           "the hosts that tried are known, the oldest first");
    strlist_free(&hosts);
    end = end_of(id, 2, RUN_RUNNING);
    tap_int(finish(end), ERR_BUG, "a run cannot end as running");
}

static void test_waiting(void)
{
    int64_t id = submit(cat, "patient", 2);
    struct run run = get(id);
    begin();
    must(spec_waiting(cat, run.spec, "no free slot on db[1-4]", &err), &err);
    must(run_reason(cat, id + 1, "waiting for 17 (extract)", &err), &err);
    commit();
    run_free(&run);
    run = get(id);
    tap_str(run.reason, "no free slot on db[1-4]", "what all runs of a spec wait for is told once");
    run_free(&run);
    run = get(id + 1);
    tap_str(run.reason, "waiting for 17 (extract)", "a run's own reason comes before it");
    tap_str(ask("SELECT reason FROM v_runs WHERE job = 'patient'"), "no free slot on db[1-4]",
            "v_runs shows the same");
    int64_t before = sqlite3_total_changes64(cat->db);
    begin();
    must(spec_waiting(cat, run.spec, "no free slot on db[1-4]", &err), &err);
    commit();
    tap_int(sqlite3_total_changes64(cat->db) - before, 0, "told again it writes nothing");
    run_free(&run);
    (void)claim(id, "db1", 1);
    run = get(id);
    tap_str(run.reason, NULL, "a run that does not wait has no such reason");
    begin();
    must(spec_waiting(cat, run.spec, NULL, &err), &err);
    commit();
    run_free(&run);
}

/* ---- races ---- */

enum { RACE_RUNS = 200 };

/* Claims all runs from `first` on, each in a transaction of its own; says how many it got. */
static void claim_all(void *arg, int in, int out)
{
    int64_t first = *(int64_t *)arg;
    struct catalogue *mine = must_open(catalogue_path(cat), CATALOGUE_WRITE);
    unsigned char got = 0;
    (void)hear(in);
    for (int64_t id = first; id < first + RACE_RUNS; id++) {
        int attempt;
        struct err e = {0};
        must(catalogue_begin(mine, &e), &e);
        got += run_claim(mine, id, "db1", 7, 1, &attempt, &e) == 0;
        must(catalogue_commit(mine, &e), &e);
    }
    tell(out, (char)got);
    catalogue_close(mine);
    _exit(0);
}

/* Ends them all; says how many it was the one to end. */
static void finish_all(void *arg, int in, int out)
{
    int64_t first = *(int64_t *)arg;
    struct catalogue *mine = must_open(catalogue_path(cat), CATALOGUE_WRITE);
    unsigned char got = 0;
    (void)hear(in);
    for (int64_t id = first; id < first + RACE_RUNS; id++) {
        struct run_end end = end_of(id, 1, RUN_SUCCEEDED);
        struct err e = {0};
        must(catalogue_begin(mine, &e), &e);
        got += run_finish(mine, &end, &e) == 0;
        must(catalogue_commit(mine, &e), &e);
    }
    tell(out, (char)got);
    catalogue_close(mine);
    _exit(0);
}

static void race(void (*work)(void *, int, int), int64_t first, const char *what)
{
    struct child a = child_start(work, &first), b = child_start(work, &first);
    tell(a.in, 'g');
    tell(b.in, 'g');
    int got = (unsigned char)hear(a.out);
    got += (unsigned char)hear(b.out);
    tap_int(got, RACE_RUNS, what);
    (void)child_end(&a, 0);
    (void)child_end(&b, 0);
}

static void test_races(void)
{
    int64_t first = submit(cat, "race", RACE_RUNS);
    race(claim_all, first, "of two processes that claim the same runs, one gets each");
    tap_str(ask("SELECT count(*) || ' ' || max(attempt) FROM attempt WHERE token = 7"), "200 1",
            "and each has one attempt");
    race(finish_all, first, "of two processes that record the same results, one records each");
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("catalogue.db"), CATALOGUE_CREATE);
    test_spec();
    test_life();
    test_retry();
    test_waiting();
    test_races();
    catalogue_close(cat);
    return tap_done();
}
