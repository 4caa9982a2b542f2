/* What the monitor reads of the catalogue, by which plans, and how it writes metrics. */
#include "test_catalogue.h"

#include "catalogue/history.h"
#include "catalogue/vitals.h"
#include "monitor/exposition.h"
#include "monitor/health.h"
#include "monitor/metrics.h"

static const int64_t NOW = 1000000000; /* long after the ends here */

static struct catalogue *cat;
static struct config config;
static struct err err;

/* ---- the text format ---- */

static void escapes(const char *value, const char *want, const char *what)
{
    struct buf out = {0};
    exposition_escape(&out, value);
    tap_str(buf_str(&out), want, what);
    buf_free(&out);
}

static void test_exposition(void)
{
    struct buf out = {0};
    escapes("plain", "plain", "plain text is left");
    escapes("a\"b\\c\nd", "a\\\"b\\\\c\\nd", "quote, backslash and newline are escaped");
    escapes("gr\u00fc\u00df", "gr\u00fc\u00df", "UTF-8 is left");
    escapes("\xff"
            "a\xc3",
            "\xEF\xBF\xBD"
            "a\xEF\xBF\xBD",
            "what is not UTF-8 is replaced");
    escapes("</script>{}", "</script>{}", "braces and tags mean nothing in a value");
    exposition_family(&out, "m", "gauge", "What it is.");
    exposition_sample(&out, "m", 3, NULL);
    exposition_sample(&out, "m", 0.5, "a", "1", "b", "x\"", NULL);
    exposition_sample(&out, "m", 1795558421761.0, "a", "", NULL);
    tap_str(buf_str(&out),
            "# HELP m What it is.\n# TYPE m gauge\nm 3\nm{a=\"1\",b=\"x\\\"\"} 0.500000\n"
            "m{a=\"\"} 1795558421761\n",
            "samples with and without labels");
    buf_free(&out);
}

/* ---- what happened ---- */

/* Claims, starts and ends a run. */
static void end_run(int64_t id, enum run_state state, int64_t start, int64_t end)
{
    int attempt;
    struct run_end how = {.id = id,
                          .state = state,
                          .attempt_state = state,
                          .started_at = start,
                          .finished_at = end,
                          .out_bytes = 10,
                          .err_bytes = 1};
    must(catalogue_begin(cat, &err), &err);
    must(run_claim(cat, id, "db1", 7, start, &attempt, &err), &err);
    how.attempt = attempt;
    must(run_finish(cat, &how, &err), &err);
    must(catalogue_commit(cat, &err), &err);
}

struct seen {
    int64_t runs, bytes, within[TALLY_BOUNDS], last_at, streak;
    size_t n;
};

static int see_tally(const struct tally *t, void *arg)
{
    struct seen *seen = arg;
    seen->n++;
    seen->runs += t->runs;
    seen->bytes += t->bytes;
    seen->last_at = t->last_at;
    for (int i = 0; i < TALLY_BOUNDS; i++)
        seen->within[i] += t->within[i];
    return 0;
}

static int see_failing(const struct failing *f, void *arg)
{
    struct seen *seen = arg;
    seen->n++;
    seen->streak = f->streak;
    return 0;
}

static void test_tally(void)
{
    struct seen seen = {0};
    int64_t first = submit(cat, "t", 3);
    end_run(first, RUN_SUCCEEDED, 1000, 1500);
    end_run(first + 1, RUN_SUCCEEDED, 1000, 31000);
    end_run(first + 2, RUN_FAILED, 1000, 2001);
    must(tally_select(cat, see_tally, &seen, &err), &err);
    tap_ok(seen.n == 2 && seen.runs == 3 && seen.bytes == 33, "ends are counted by job and state");
    tap_ok(seen.within[0] == 1 && seen.within[1] == 1 && seen.within[2] == 1,
           "durations fall into one bucket each");
    tap_int(seen.last_at, 2001, "the last end is kept");
    seen = (struct seen){0};
    must(failing_select(cat, see_failing, &seen, &err), &err);
    tap_ok(seen.n == 1 && seen.streak == 1, "a job whose last end was bad is failing");
}

static void test_queue(void)
{
    struct queue_depth depth;
    int64_t first = submit(cat, "q", 3), id, spec;
    must(queue_depth(cat, 5000, 0, &depth, &err), &err);
    tap_ok(depth.runs[RUN_QUEUED] == 3 && depth.oldest == first && depth.oldest_at == 1000,
           "the oldest queued run is found");
    tap_int(depth.ended, 3, "and how many ended");
    must(catalogue_begin(cat, &err), &err);
    must(spec_put(cat, "{shell: later}", 14, &spec, &err), &err);
    must(run_insert(cat,
                    &(struct run_new){.spec = spec,
                                      .job = "later",
                                      .state = RUN_QUEUED,
                                      .queued_at = 1,
                                      .not_before = 90000},
                    &id, &err),
         &err);
    must(catalogue_commit(cat, &err), &err);
    must(queue_depth(cat, 5000, 0, &depth, &err), &err);
    tap_int(depth.oldest, first, "a run that is to start later does not count as waiting");
}

/* ---- plans ---- */

static int ignore_attempt(const struct attempt *a, void *arg)
{
    (void)a;
    (void)arg;
    return 0;
}

static int ignore_event(const struct event *e, void *arg)
{
    (void)e;
    (void)arg;
    return 0;
}

static int ignore_occurrence(const struct occurrence *o, void *arg)
{
    (void)o;
    (void)arg;
    return 0;
}

static void use_everything(void)
{
    struct health health;
    struct buf out = {0};
    must(health_read(&health, &config, cat, NOW, &err), &err);
    must(metrics_write(&out, &health, cat, &err), &err);
    health_free(&health);
    buf_free(&out);
    must(attempt_select(cat, 1, ignore_attempt, NULL, &err), &err);
    must(event_of_run(cat, 1, ignore_event, NULL, &err), &err);
    must(occurrence_get(cat, 1, ignore_occurrence, NULL, &err), &err);
    must(
        occurrence_find(cat, &(struct occurrence_query){.since = 1}, ignore_occurrence, NULL, &err),
        &err);
}

/* Tables of which there is a row for each job, host, or thing that is open. */
static bool may_scan(const char *scan)
{
    static const char *const small[] = {"SCAN tally",
                                        "SCAN failing",
                                        "SCAN job",
                                        "SCAN host",
                                        "SCAN (subquery-",
                                        "SCAN names",
                                        "SCAN alert USING INDEX alert_open",
                                        "SCAN delivery USING INDEX delivery_due"};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        if (strncmp(scan, small[i], strlen(small[i])) == 0)
            return true;
    return false;
}

static void test_plans(void)
{
    int bad = 0, n = 0;
    use_everything();
    for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(cat->db, stmt)); n++) {
        struct buf plan = {0};
        statement_plan(cat, sqlite3_sql(stmt), &plan);
        for (const char *scan = buf_str(&plan); (scan = strstr(scan, "SCAN ")); scan++)
            if (!may_scan(scan) && ++bad)
                printf("# scans: %s\n# %s\n", sqlite3_sql(stmt), scan);
        buf_free(&plan);
    }
    tap_ok(n >= 15 && !bad, "nothing walks over runs, occurrences or events");
}

/* Rows that SQLite stepped over in a whole table, all statements together. */
static int64_t scanned(void)
{
    int64_t steps = 0;
    use_everything();
    for (sqlite3_stmt *stmt = NULL; (stmt = sqlite3_next_stmt(cat->db, stmt));)
        steps += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    return steps;
}

static void test_cost(void)
{
    (void)scanned();
    int64_t before = scanned();
    /* ends of long ago, past the triggers: their counts are there already */
    foreign_sql(catalogue_path(cat),
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                " INSERT INTO run (spec, job, state, queued_at, started_at, finished_at)"
                " SELECT 1, 't', 6, -9, -8, -7 FROM n");
    int64_t after = scanned();
    tap_ok(after == before, "20,000 runs that are over cost nothing (%lld steps, then %lld)",
           (long long)before, (long long)after);
}

int main(void)
{
    struct errlist errors = {0};
    test_begin();
    setenv("HOME", test_dir, 1);
    setenv("ROTA_CATALOGUE", in_dir("m/catalogue.db"), 1);
    cat = must_open(new_catalogue("m"), CATALOGUE_WRITE);
    if (config_load(&config, &errors) < 0)
        return 1;
    test_exposition();
    test_tally();
    test_queue();
    test_plans();
    test_cost();
    config_free(&config);
    catalogue_close(cat);
    return tap_done();
}
