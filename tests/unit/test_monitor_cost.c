/* What `rota monitor check` reads does not depend on how many runs there are. */
#include "test_catalogue.h"

#include "config.h"
#include "monitor/check.h"

/* Runs that are over, put there as no program of ours would: all at once. */
static char *catalogue_of(const char *name, int runs)
{
    char *path = new_catalogue(name);
    char *sql = xasprintf(
        "PRAGMA synchronous = OFF; BEGIN;"
        "INSERT INTO spec (hash, text) VALUES (1, '{\"name\": \"j\", \"shell\": \"true\"}');"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        "INSERT INTO run (spec, job, state, host, attempt, queued_at, started_at, finished_at)"
        " SELECT 1, 'job' || (i %% 50), iif(i %% 10, 6, 7), 'local', 1, i, i, i + 1000 FROM n; "
        "COMMIT",
        runs);
    foreign_sql(path, sql);
    free(sql);
    return path;
}

/* The same happens in each: two failures, a recovery, a run that runs, one that waits. */
static void let_happen(const char *path, int64_t now)
{
    char *sql = xasprintf(
        "INSERT INTO run (spec, job, state, host, attempt, queued_at, started_at) VALUES"
        " (1, 'job1', 5, 'local', 1, %1$lld, %1$lld), (1, 'job2', 5, 'local', 1, %1$lld, %1$lld),"
        " (1, 'job2', 5, 'local', 1, %1$lld, %1$lld),"
        " (1, 'job3', 5, 'local', 1, %1$lld - 600000, %1$lld - 600000),"
        " (1, 'job4', 3, NULL, 0, %1$lld, NULL);"
        "UPDATE run SET state = 7, finished_at = %1$lld WHERE job IN ('job1', 'job2')"
        " AND state = 5 AND id IN (SELECT id FROM run ORDER BY id DESC LIMIT 5);"
        "INSERT INTO run (spec, job, state, host, attempt, queued_at, started_at)"
        " VALUES (1, 'job1', 5, 'local', 1, %1$lld, %1$lld);"
        "UPDATE run SET state = 6, finished_at = %1$lld WHERE id = (SELECT max(id) FROM run)",
        (long long)now);
    foreign_sql(path, sql);
    free(sql);
}

/* Steps of the virtual machine over all statements: it grows with each row that is visited. */
static long long steps(struct catalogue *c)
{
    long long sum = 0;
    for (sqlite3_stmt *s = sqlite3_next_stmt(c->db, NULL); s; s = sqlite3_next_stmt(c->db, s))
        sum += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    return sum;
}

static long long scans(struct catalogue *c)
{
    long long sum = 0;
    for (sqlite3_stmt *s = sqlite3_next_stmt(c->db, NULL); s; s = sqlite3_next_stmt(c->db, s))
        if (strstr(sqlite3_sql(s), "FROM run"))
            sum += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    return sum;
}

struct cost {
    long long first, idle, scanned;
    int opened, closed;
};

static struct cost measure(const char *name, int runs)
{
    static char section[] = "ops", command[] = "/bin/true", *targets[] = {command, NULL};
    struct alert_config ops = {.name = section, .on = 0xffff, .streak = 1};
    ops.to[CHANNEL_COMMAND] = (struct strlist){.v = targets, .n = 1};
    struct config config = {.alerts = &ops, .nalerts = 1, .keep_ms = INT64_C(2592000000)};
    struct cost cost = {0};
    struct err err = {0};
    int64_t now = clock_now();
    char *path = catalogue_of(name, runs);
    let_happen(path, now);
    monitor_config_init(&config.monitor);
    config.monitor.disk_bytes = 0;
    struct catalogue *c = must_open(path, CATALOGUE_WRITE);
    struct check check = {.config = &config, .cat = c, .now = now};
    must(check_evaluate(&check, &err), &err);
    cost.opened = check.opened;
    cost.closed = check.closed;
    cost.scanned = scans(c);
    cost.first = steps(c);
    check.now += 1000;
    must(check_evaluate(&check, &err), &err);
    cost.idle = steps(c);
    monitor_config_free(&config.monitor);
    catalogue_close(c);
    return cost;
}

int main(void)
{
    test_begin();
    struct cost small = measure("small", 10000), large = measure("large", 1000000);
    (void)tap_int(small.opened, 3, "two failures and a run that is late are noticed");
    (void)tap_int(small.closed, 1, "and a recovery");
    (void)tap_ok(large.opened == 3 && large.closed == 1, "among a million runs as well");
    printf("# %lld steps with news, %lld without\n", small.first, small.idle);
    (void)tap_int(large.first, small.first, "a check among a million runs takes no step more");
    (void)tap_int(large.idle, small.idle, "and none more when nothing happened");
    (void)tap_int(small.scanned + large.scanned, 0, "no run is looked for by walking over runs");
    return tap_done();
}
