/* Selecting runs, the plans of every statement, and the views. */
#include "test_catalogue.h"

static struct catalogue *cat;
static struct err err;

struct result {
    int64_t ids[64];
    int n, stop;
    bool in_transaction;
};

static int collect(const struct run *run, void *arg)
{
    struct result *result = arg;
    if (result->n < 64)
        result->ids[result->n] = run->id;
    result->n++;
    if (sqlite3_txn_state(cat->db, "main") != SQLITE_TXN_NONE)
        result->in_transaction = true;
    return result->n == result->stop ? 42 : 0;
}

/* The query gives exactly these ids ("3 1 2"). */
static void selects(struct run_query query, const char *want, const char *what)
{
    struct result result = {0};
    struct buf got = {0};
    must(run_select(cat, &query, collect, &result, &err), &err);
    for (int i = 0; i < result.n && i < 64; i++)
        buf_addf(&got, "%s%d", i ? " " : "", (int)result.ids[i]);
    tap_str(buf_str(&got), want, what);
    buf_free(&got);
}

/* id 1 … 7: jobs, states and times as listed. */
static void fill(void)
{
    foreign_sql(
        catalogue_path(cat),
        "INSERT INTO spec (id, hash, text) VALUES (1, 1, 'x');"
        "INSERT INTO run (id, spec, job, state, host, queued_at, started_at, finished_at) VALUES"
        " (1, 1, 'backup', 6, 'db1', 1000, 1100, 1200),"
        " (2, 1, 'backup', 7, 'db2', 2000, 2100, 2200),"
        " (3, 1, 'back-office', 3, NULL, 3000, NULL, NULL),"
        " (4, 1, 'check', 5, 'db1', 4000, 4100, NULL),"
        " (5, 1, 'backup', 10, 'db2', 5000, 5100, 5200),"
        " (6, 1, 'check', 6, 'web1', 6000, 6100, 6200),"
        " (7, 1, 'backup', 7, 'db1', 7000, 7100, 7200)");
}

static void test_select(void)
{
    const unsigned failed = 1 << RUN_FAILED, lost = 1 << RUN_LOST, done = 1 << RUN_SUCCEEDED;
    const unsigned queued = 1 << RUN_QUEUED, running = 1 << RUN_RUNNING;
    const int64_t ids[] = {7, 2, 99, 2, 3};
    selects((struct run_query){0}, "1 2 3 4 5 6 7", "no condition selects all, by id");
    selects((struct run_query){.newest_first = true}, "7 6 5 4 3 2 1", "or the newest first");
    selects((struct run_query){.limit = 2}, "6 7", "a limit keeps the newest, oldest first");
    selects((struct run_query){.limit = 2, .newest_first = true}, "7 6", "or newest first");
    selects((struct run_query){.ids = ids, .nids = 5}, "2 3 7", "ids: each once, if it is there");
    selects((struct run_query){.ids = ids, .nids = 0}, "", "an empty list of ids selects nothing");
    selects((struct run_query){.ids = ids, .nids = 5, .states = failed}, "2 7", "ids with a state");
    selects((struct run_query){.ids = ids, .nids = 5, .limit = 1}, "7", "ids with a limit");
    selects((struct run_query){.states = failed}, "2 7", "a state");
    selects((struct run_query){.states = failed | lost}, "2 5 7", "two states");
    selects((struct run_query){.states = done}, "1 6", "the succeeded");
    selects((struct run_query){.states = done | failed, .limit = 3}, "2 6 7",
            "states with a limit");
    selects((struct run_query){.states = queued | running}, "3 4", "open ones");
    selects((struct run_query){.job = "backup"}, "1 2 5 7", "a job");
    selects((struct run_query){.job = "back*"}, "1 2 3 5 7", "jobs by a prefix");
    selects((struct run_query){.job = "*k"}, "4 6", "jobs by a pattern without a prefix");
    selects((struct run_query){.job = "bac[k]up", .states = failed}, "2 7",
            "a pattern and a state");
    selects((struct run_query){.job = "nothing"}, "", "a job that never ran");
    selects((struct run_query){.host = "db1"}, "1 4 7", "a host");
    selects((struct run_query){.host = "db*", .newest_first = true}, "7 5 4 2 1", "hosts");
    selects((struct run_query){.since = 5200}, "3 4 5 6 7", "since: what ended later or is open");
    selects((struct run_query){.since = 5200, .states = failed}, "7", "since with a state");
    selects((struct run_query){.until = 2000}, "1 2", "until: what was queued before");
    selects((struct run_query){.since = 2200, .until = 4000, .job = "c*"}, "4", "all at once");
    struct result result = {.stop = 2};
    tap_int(run_select(cat, &(struct run_query){0}, collect, &result, &err), 42,
            "what the call returns stops the selection");
    tap_int(result.n, 2, "at once");
}

/* ---- many ---- */

static void test_many(void)
{
    enum { MANY = 100000 };
    struct catalogue *old = cat;
    cat = must_open(in_dir("many/catalogue.db"), CATALOGUE_CREATE);
    int64_t first = submit(cat, "many", MANY);
    int64_t *ids = xcalloc(MANY, sizeof *ids);
    for (int i = 0; i < MANY; i++)
        ids[i] = first + MANY - 1 - i;
    struct result result = {0};
    struct run_query query = {.ids = ids, .nids = MANY};
    must(run_select(cat, &query, collect, &result, &err), &err);
    tap_ok(result.n == MANY && result.ids[0] == first, "100,000 ids are selected, in order");
    tap_ok(!result.in_transaction, "and no transaction is open during the calls");
    result = (struct result){0};
    query = (struct run_query){.states = 1 << RUN_QUEUED, .limit = 2500};
    must(run_select(cat, &query, collect, &result, &err), &err);
    tap_ok(result.n == 2500 && result.ids[0] == first + MANY - 2500,
           "a limit over several batches is kept exactly");
    result = (struct result){0};
    query = (struct run_query){.newest_first = true, .limit = 2500, .host = NULL};
    must(run_select(cat, &query, collect, &result, &err), &err);
    tap_ok(result.n == 2500 && result.ids[0] == first + MANY - 1, "also newest first");
    result = (struct result){0};
    query = (struct run_query){0};
    must(run_select(cat, &query, collect, &result, &err), &err);
    tap_ok(result.n == MANY && !result.in_transaction, "all of them are walked in batches");
    free(ids);
    catalogue_close(cat);
    cat = old;
}

/* ---- plans ---- */

static void plan_uses(struct run_query query, const char *part, const char *what)
{
    char *plan = run_select_plan(cat, &query);
    bool scans = strstr(plan, "SCAN run") != NULL;
    if (!tap_ok(!scans && strstr(plan, part), "%s", what))
        printf("# want %s in:\n# %s\n", part, plan);
    free(plan);
}

static int ignore_brief(const struct run_brief *brief, void *arg)
{
    (void)brief;
    (void)arg;
    return 0;
}

static int ignore_run(const struct run *run, void *arg)
{
    (void)run;
    (void)arg;
    return 0;
}

static int ignore_event(const struct event *event, void *arg)
{
    (void)event;
    (void)arg;
    return 0;
}

/* Everything that the dispatcher and the commands do for one run or for the open ones. */
static void use_everything(void)
{
    struct run run;
    struct strlist hosts = {0};
    int64_t id = submit(cat, "plan", 1), n, counts[RUN_STATE_LAST + 1];
    int attempt;
    bool done;
    must(run_get(cat, id, &run, &err), &err);
    run_free(&run);
    must(run_last(cat, &n, &err), &err);
    must(run_queued(cat, 0, ignore_brief, NULL, &err), &err);
    must(catalogue_begin(cat, &err), &err);
    must(run_claim(cat, id, "db1", 1, 1, &attempt, &err), &err);
    must(run_started(cat, id, attempt, 2, &err), &err);
    must(run_reason(cat, id, "why", &err), &err);
    must(run_request(cat, id, REQUEST_CANCEL, 0, "bob", &done, &err), &err);
    struct run_end end = {.id = id,
                          .attempt = attempt,
                          .state = RUN_QUEUED,
                          .attempt_state = RUN_FAILED,
                          .finished_at = 3};
    must(run_finish(cat, &end, &err), &err);
    must(catalogue_commit(cat, &err), &err);
    must(run_unfinished(cat, ignore_brief, NULL, &err), &err);
    must(run_brief(cat, id, ignore_brief, NULL, &err), &err);
    must(run_hosts_tried(cat, id, &hosts, &err), &err);
    strlist_free(&hosts);
    must(event_select(cat, 0, ignore_event, NULL, &err), &err);
    must(event_last(cat, &n, &err), &err);
    must(run_counts(cat, counts, &err), &err);
    must(run_select(cat, &(struct run_query){.states = 1 << RUN_FAILED}, ignore_run, NULL, &err),
         &err);
}

static void test_plans(void)
{
    const int64_t ids[] = {1};
    plan_uses((struct run_query){.ids = ids, .nids = 1}, "SEARCH run USING INTEGER PRIMARY KEY",
              "ids are looked up");
    plan_uses((struct run_query){.states = 1 << RUN_FAILED}, "COVERING INDEX run_state",
              "--state failed uses an index");
    plan_uses((struct run_query){.states = 1 << RUN_RUNNING | 1 << RUN_QUEUED},
              "COVERING INDEX run_state", "so do the open states");
    plan_uses((struct run_query){.job = "backup"}, "COVERING INDEX run_job (job=?)",
              "--job NAME uses an index");
    plan_uses((struct run_query){.job = "back*"}, "COVERING INDEX run_job (job>? AND job<?)",
              "--job 'PREFIX*' uses an index");
    plan_uses((struct run_query){.since = 5}, "COVERING INDEX run_finished (finished_at>?)",
              "--since uses an index");
    plan_uses((struct run_query){.array = 3}, "COVERING INDEX run_array (array=?)",
              "an array's runs are found by its index");
    plan_uses((struct run_query){.limit = 20}, "INTEGER PRIMARY KEY (rowid<?)",
              "the newest runs are read from the end");
    use_everything();
    int bad = 0, n = 0;
    for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(cat->db, stmt));) {
        struct buf plan = {0};
        const char *sql = sqlite3_sql(stmt);
        /* counting is the only scan there is: of an index, without reading rows */
        statement_plan(cat, sql, &plan);
        const char *scan = strstr(buf_str(&plan), "SCAN ");
        bool counts = strncmp(sql, "SELECT state, count(*)", 22) == 0;
        bool json = scan && strncmp(scan, "SCAN list VIRTUAL", 17) == 0;
        n++;
        if (scan && !counts && !json && ++bad)
            printf("# scans: %s\n# %s\n", sql, buf_str(&plan));
        if (counts && strstr(buf_str(&plan), "SCAN run\n") && ++bad)
            printf("# reads every run: %s\n", buf_str(&plan));
        buf_free(&plan);
    }
    tap_ok(n >= 20 && !bad, "no statement in use reads a whole table");
}

static void test_once_prepared(void)
{
    size_t before = cat->nstatements;
    use_everything();
    tap_int((long long)(cat->nstatements - before), 0, "no statement is prepared twice");
}

static void test_counts(void)
{
    int64_t counts[RUN_STATE_LAST + 1];
    must(run_counts(cat, counts, &err), &err);
    tap_ok(counts[RUN_SUCCEEDED] == 2 && counts[RUN_FAILED] == 2 && counts[RUN_QUEUED] == 1 &&
               counts[RUN_RUNNING] == 1 && counts[RUN_LOST] == 1 && counts[RUN_HELD] == 0,
           "runs are counted by state");
}

/* ---- views ---- */

static char *ask(const char *sql)
{
    static char text[1024];
    sqlite3_stmt *stmt = NULL;
    text[0] = '\0';
    if (sqlite3_prepare_v2(cat->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        (void)snprintf(text, sizeof text, "%s", sqlite3_errmsg(cat->db));
    else if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0))
        (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(stmt, 0));
    (void)sqlite3_finalize(stmt);
    return text;
}

static void test_views(void)
{
    tap_str(ask("SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_table_info('v_runs')"
                " LIMIT 18)"),
            "id job state reason host attempt priority exit_code signal due_at queued_at started_at"
            " finished_at duration submitter array index occurrence",
            "v_runs has the fields of a run by their names");
    tap_str(ask("SELECT job || ' ' || state || ' ' || finished_at || ' ' || duration FROM v_runs"
                " WHERE id = 2"),
            "backup failed 1970-01-01T00:00:02.200Z 0.1", "with words, RFC 3339 and seconds");
    int wrong = 0;
    const int64_t times[] = {
        1, 999, 1000, 1790000000001, 1790000059999, 1790000000500, 4102444799999};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[CLOCK_TEXT], sql[128];
        (void)snprintf(sql, sizeof sql, "UPDATE run SET finished_at = %lld WHERE id = 1",
                       (long long)times[i]);
        foreign_sql(catalogue_path(cat), sql);
        wrong += strcmp(ask("SELECT finished_at FROM v_runs WHERE id = 1"),
                        clock_rfc3339(times[i], text)) != 0;
    }
    tap_int(wrong, 0, "milliseconds are exact");
    wrong = 0;
    for (int state = RUN_STATE_FIRST; state <= (int)RUN_STATE_LAST; state++) {
        char sql[128];
        (void)snprintf(sql, sizeof sql, "UPDATE run SET state = %d WHERE id = 1", state);
        foreign_sql(catalogue_path(cat), sql);
        wrong += strcmp(ask("SELECT state FROM v_runs WHERE id = 1"),
                        run_state_name((enum run_state)state)) != 0;
    }
    tap_int(wrong, 0, "every state has the name it has elsewhere");
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("catalogue.db"), CATALOGUE_CREATE);
    fill();
    test_select();
    test_counts();
    test_many();
    test_plans();
    test_once_prepared();
    test_views();
    catalogue_close(cat);
    return tap_done();
}
