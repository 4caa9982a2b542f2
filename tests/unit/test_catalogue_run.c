/* The life of a run in the catalogue: each step happens once, whoever tries. */
#include "test_catalogue.h"

static struct catalogue *cat;
static struct err err;

static void begin(void)
{
    must(catalogue_begin(cat, &err), &err);
}

static void commit(void)
{
    must(catalogue_commit(cat, &err), &err);
}

static struct run get(int64_t id)
{
    struct run run;
    must(run_get(cat, id, &run, &err), &err);
    return run;
}

static int state_of(int64_t id)
{
    struct run run = get(id);
    int state = (int)run.state;
    run_free(&run);
    return state;
}

/* One text from the catalogue, through a connection of its own. */
static char *ask(const char *sql)
{
    static char text[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    text[0] = '\0';
    if (sqlite3_open(catalogue_path(cat), &db) == SQLITE_OK) {
        /* it must not checkpoint when it closes, as no other program of ours does */
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
            (void)snprintf(text, sizeof text, "%s", sqlite3_errmsg(db));
        else if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0))
            (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(stmt, 0));
        (void)sqlite3_finalize(stmt);
    }
    (void)sqlite3_close(db);
    return text;
}

static int claim(int64_t id, const char *host, uint64_t token)
{
    int attempt;
    begin();
    int rc = run_claim(cat, id, host, token, 2000, &attempt, &err);
    commit();
    return rc < 0 ? rc : attempt;
}

static struct run_end end_of(int64_t id, int attempt, enum run_state state)
{
    return (struct run_end){.id = id,
                            .attempt = attempt,
                            .state = state,
                            .attempt_state = state,
                            .started_at = 2500,
                            .finished_at = 4000};
}

static int finish(struct run_end end)
{
    begin();
    int rc = run_finish(cat, &end, &err);
    commit();
    return rc;
}

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

/* ---- requests ---- */

static int request(int64_t id, enum request what, bool *done)
{
    begin();
    int rc = run_request(cat, id, what, 15, "bob", done, &err);
    if (rc < 0)
        catalogue_rollback(cat);
    else
        commit();
    return rc;
}

static int note(const struct event *event, void *arg)
{
    struct buf *out = arg;
    buf_addf(out, "%s %s %s;", event->kind, event->actor, event->detail ? event->detail : "-");
    return 0;
}

static char *events_after(int64_t after)
{
    struct buf out = {0};
    must(event_select(cat, after, note, &out, &err), &err);
    return buf_detach(&out);
}

static void test_requests(void)
{
    int64_t id = submit(cat, "held", 1), last;
    bool done;
    must(event_last(cat, &last, &err), &err);
    tap_int(request(id, REQUEST_RELEASE, &done), ERR_ANSWER, "only a held run can be released");
    tap_ok(strstr(err.msg, "is queued: only a held run can be released") != NULL, "and it says so");
    tap_ok(request(id, REQUEST_HOLD, &done) == 0 && done && state_of(id) == RUN_HELD,
           "a queued run is held at once");
    tap_int(claim(id, "db1", 1), ERR_ANSWER, "a held run is not claimed");
    tap_ok(request(id, REQUEST_RELEASE, &done) == 0 && done && state_of(id) == RUN_QUEUED,
           "and released at once");
    tap_int(request(id, REQUEST_SIGNAL, &done), ERR_ANSWER, "a queued run gets no signal");
    tap_ok(request(id, REQUEST_CANCEL, &done) == 0 && done && state_of(id) == RUN_CANCELLED,
           "a queued run is cancelled at once");
    struct run run = get(id);
    tap_ok(run.finished_at > 0 && run.reason && strcmp(run.reason, "cancelled by bob") == 0,
           "with the time and the one who did it");
    run_free(&run);
    tap_int(request(id, REQUEST_CANCEL, &done), ERR_ANSWER, "what is over cannot be cancelled");
    tap_ok(strstr(err.msg, "is over (cancelled)") != NULL, "and it says so");
    tap_int(request(424242, REQUEST_CANCEL, &done), ERR_ANSWER, "nor what is not there");
    char *text = events_after(last);
    tap_str(text, "hold bob -;release bob -;cancel bob -;", "the dispatcher reads what was asked");
    free(text);
}

static void test_requests_running(void)
{
    int64_t id = submit(cat, "busy", 1), last;
    bool done = true;
    (void)claim(id, "db1", 1);
    must(event_last(cat, &last, &err), &err);
    tap_int(request(id, REQUEST_HOLD, &done), ERR_ANSWER, "a started run cannot be held");
    tap_ok(request(id, REQUEST_SIGNAL, &done) == 0 && !done, "a started run may get a signal");
    tap_ok(request(id, REQUEST_CANCEL, &done) == 0 && !done && state_of(id) == RUN_STARTING,
           "a request to cancel it changes no state");
    struct run run = get(id);
    int64_t asked = run.cancel_at;
    run_free(&run);
    tap_ok(asked > 0, "but says when it was asked");
    tap_ok(request(id, REQUEST_CANCEL, &done) == 0, "asking again is allowed");
    run = get(id);
    tap_int(run.cancel_at, asked, "and the first time counts");
    run_free(&run);
    char *text = events_after(last);
    tap_str(text, "signal bob 15;cancel bob -;cancel bob -;", "the dispatcher reads each");
    free(text);
    struct run_end end = end_of(id, 1, RUN_QUEUED);
    end.attempt_state = RUN_FAILED;
    tap_int(finish(end), 0, "its attempt fails and would be tried again");
    tap_int(state_of(id), RUN_CANCELLED, "but a run that is to be cancelled is not");
    id = submit(cat, "gone", 1);
    begin();
    tap_int(run_declare_lost(cat, id, "bob", 5000, &err), ERR_ANSWER, "a queued run is not lost");
    commit();
    (void)claim(id, "db1", 1);
    tap_ok(request(id, REQUEST_LOST, &done) == 0 && !done, "a started one may be said to be");
    begin();
    tap_int(run_declare_lost(cat, id, "bob", 5000, &err), 0, "and is then recorded as lost");
    commit();
    tap_str(ask("SELECT state || ': ' || reason FROM v_runs WHERE job = 'gone'"),
            "lost: declared lost by bob", "with the one who said so");
    tap_int(finish(end_of(id, 1, RUN_SUCCEEDED)), ERR_ANSWER,
            "a result that comes later is dropped");
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

/* ---- for the dispatcher ---- */

struct seen {
    int n, stop;
    struct run_brief last;
    char host[65], job[65];
    bool free_to_write;
};

static int see(const struct run_brief *brief, void *arg)
{
    struct seen *seen = arg;
    seen->n++;
    seen->last = *brief;
    (void)snprintf(seen->host, sizeof seen->host, "%s", brief->host ? brief->host : "");
    (void)snprintf(seen->job, sizeof seen->job, "%s", brief->job);
    seen->free_to_write = sqlite3_txn_state(cat->db, "main") == SQLITE_TXN_NONE;
    return seen->n == seen->stop ? 42 : 0;
}

static void test_briefs(void)
{
    struct seen seen = {0};
    char *path = in_dir("briefs/catalogue.db");
    struct catalogue *old = cat;
    cat = must_open(path, CATALOGUE_CREATE);
    int64_t first = submit(cat, "many", 2500);
    tap_int(run_queued(cat, 0, see, &seen, &err), 0, "the queue is read");
    tap_int(seen.n, 2500, "whole, though in batches");
    tap_ok(seen.last.id == first + 2499 && strcmp(seen.job, "many") == 0, "in the order of ids");
    tap_ok(seen.free_to_write, "without a transaction during the call");
    seen = (struct seen){0};
    must(run_queued(cat, first + 2489, see, &seen, &err), &err);
    tap_int(seen.n, 10, "or only what is new");
    seen = (struct seen){.stop = 3};
    tap_int(run_queued(cat, 0, see, &seen, &err), 42, "what the call returns stops it");
    (void)claim(first, "db1", UINT64_C(0xfedcba9876543210));
    (void)claim(first + 1, "db2", 5);
    begin();
    must(run_started(cat, first + 1, 1, 2500, &err), &err);
    commit();
    seen = (struct seen){0};
    must(run_unfinished(cat, see, &seen, &err), &err);
    tap_int(seen.n, 2, "the unfinished are those that are starting or running");
    seen = (struct seen){0};
    must(run_brief(cat, first, see, &seen, &err), &err);
    tap_ok(seen.last.token == UINT64_C(0xfedcba9876543210) && strcmp(seen.host, "db1") == 0 &&
               seen.last.attempt == 1 && seen.last.state == RUN_STARTING,
           "each with its host and all 64 bits of its token");
    tap_int(run_brief(cat, 999999, see, &seen, &err), ERR_ANSWER,
            "one that is not there: an answer");
    catalogue_close(cat);
    cat = old;
}

static int see_host(const struct host *host, void *arg)
{
    struct buf *out = arg;
    buf_addf(out, "%s %d %s %d %s;", host->name, (int)host->state,
             host->drained ? host->drained : "-", host->cpus, host->spool ? host->spool : "-");
    return 0;
}

static void test_hosts(void)
{
    struct buf out = {0};
    begin();
    must(host_drain(cat, "db2", "new disk", "bob", &err), &err);
    must(host_put(cat, &(struct host){.name = "db2", .state = HOST_UP, .cpus = 4, .spool = "s1"},
                  &err),
         &err);
    must(host_put(cat, &(struct host){.name = "db1", .state = HOST_DOWN, .reason = "x"}, &err),
         &err);
    commit();
    must(host_select(cat, see_host, &out, &err), &err);
    tap_str(buf_str(&out), "db1 2 - 0 -;db2 1 new disk 4 s1;",
            "news of a host leave it drained, and hosts come by name");
    buf_free(&out);
    tap_str(ask("SELECT group_concat(name || ' ' || state) FROM v_hosts"), "db1 down,db2 up",
            "v_hosts says states in words");
    begin();
    must(host_drain(cat, "db2", NULL, "bob", &err), &err);
    commit();
    tap_str(ask("SELECT drained IS NULL FROM v_hosts WHERE name = 'db2'"), "1",
            "a host can be put back in service");
    tap_str(ask("SELECT kind || actor || detail FROM event ORDER BY id DESC"), "resumebobdb2",
            "and who did that is known");
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("catalogue.db"), CATALOGUE_CREATE);
    test_spec();
    test_life();
    test_retry();
    test_waiting();
    test_requests();
    test_requests_running();
    test_races();
    test_briefs();
    test_hosts();
    catalogue_close(cat);
    return tap_done();
}
