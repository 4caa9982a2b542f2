/* What the dispatcher reads: runs in brief, and hosts. */
#include "catalogue_run.h"

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
    test_briefs();
    test_hosts();
    catalogue_close(cat);
    return tap_done();
}
