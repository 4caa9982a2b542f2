/* Runs that wait for others: what each end means for them, in the transaction of that end. */
#include "catalogue/need.h"
#include "catalogue_run.h"

static int64_t spec;

static int64_t put(const char *job, enum run_state state, int64_t group, int64_t index)
{
    int64_t id;
    const struct run_new run = {.spec = spec,
                                .job = job,
                                .state = state,
                                .queued_at = 1000,
                                .array = group,
                                .index = index};
    must(run_insert(cat, &run, &id, &err), &err);
    return id;
}

/* A group of n queued runs; its id. */
static int64_t put_group(const char *job, int n)
{
    int64_t first = put(job, RUN_QUEUED, RUN_FIRST, 0);
    for (int i = 1; i < n; i++)
        (void)put(job, RUN_QUEUED, first, i);
    return first;
}

static struct need on(int64_t parent, enum need_is is, int clause)
{
    return (struct need){
        .clause = clause, .is = is, .scope = NEED_RUN, .parent = parent, .job = "parent"};
}

static int64_t put_child(const struct need *needs, size_t n)
{
    int64_t id = put("child", RUN_BLOCKED, 0, 0);
    must(need_put(cat, id, needs, n, &err), &err);
    return id;
}

static void end(int64_t id, enum run_state state)
{
    (void)claim(id, "h", 7);
    (void)finish(end_of(id, 1, state));
}

static bool is(int64_t id, enum run_state state, const char *reason)
{
    struct run run = get(id);
    bool same = run.state == state &&
                (reason && run.reason ? strcmp(reason, run.reason) == 0 : reason == run.reason);
    if (!same)
        printf("# %lld is %s: %s\n# want %s: %s\n", (long long)id, run_state_name(run.state),
               run.reason ? run.reason : "-", run_state_name(state), reason ? reason : "-");
    run_free(&run);
    return same;
}

/* Each end against each condition: m met, n never, for succeeded failed finished started. */
static void test_verdicts(void)
{
    static const struct {
        enum run_state state;
        const char *verdicts;
    } ends[] = {{RUN_SUCCEEDED, "mnmm"}, {RUN_FAILED, "nmmm"},    {RUN_TIMEOUT, "nmmm"},
                {RUN_LOST, "nmmm"},      {RUN_CANCELLED, "nnmm"}, {RUN_RUNNING, "---m"},
                {RUN_QUEUED, "----"}};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        bool all = true;
        for (int is_ = NEED_SUCCEEDED; is_ <= NEED_STARTED; is_++) {
            char want = ends[i].verdicts[is_ - 1];
            enum need_verdict got =
                need_judge((enum need_is)is_, ends[i].state, ends[i].state != RUN_QUEUED);
            all = all && got == (want == 'm' ? NEED_MET : want == 'n' ? NEED_NEVER : NEED_OPEN);
        }
        tap_ok(all, "what %s means for each condition", run_state_name(ends[i].state));
    }
    tap_ok(need_judge(NEED_STARTED, RUN_CANCELLED, false) == NEED_NEVER,
           "what ended before it started never starts");
}

static void test_all(void)
{
    begin();
    int64_t a = put("a", RUN_QUEUED, 0, 0), b = put("b", RUN_QUEUED, 0, 0);
    struct need needs[] = {on(a, NEED_SUCCEEDED, 0), on(b, NEED_FINISHED, 1)};
    needs[0].job = "a";
    needs[1].job = "b";
    int64_t child = put_child(needs, 2);
    commit();
    char text[96];
    (void)snprintf(text, sizeof text, "waiting for %lld (a)", (long long)a);
    tap_ok(is(child, RUN_BLOCKED, text), "it waits for the first of two");
    end(b, RUN_FAILED);
    tap_ok(is(child, RUN_BLOCKED, text), "the second alone does not let it go");
    int64_t before = catalogue_settled(cat);
    end(a, RUN_SUCCEEDED);
    tap_ok(is(child, RUN_QUEUED, NULL), "both do");
    tap_int(catalogue_settled(cat) - before, 1, "and whoever committed that knows");
    struct run run = get(child);
    tap_ok(run.queued_at == 1000 && !run.unmet && run.needs,
           "when it was submitted, which may say its day, stays");
    run_free(&run);
    tap_str(ask("SELECT kind || ' ' || actor FROM event ORDER BY id DESC LIMIT 1"), "release after",
            "an event tells it to other dispatchers");
}

static void test_moving_reason(void)
{
    begin();
    int64_t a = put("a", RUN_QUEUED, 0, 0), b = put("b", RUN_QUEUED, 0, 0);
    const struct need needs[] = {on(a, NEED_SUCCEEDED, 0), on(b, NEED_SUCCEEDED, 1)};
    int64_t child = put_child(needs, 2);
    commit();
    end(a, RUN_SUCCEEDED);
    char text[96];
    (void)snprintf(text, sizeof text, "waiting for %lld (parent)", (long long)b);
    tap_ok(is(child, RUN_BLOCKED, text), "the reason moves on to what it still waits for");
}

static void test_any(void)
{
    begin();
    int64_t a = put("a", RUN_QUEUED, 0, 0), b = put("b", RUN_QUEUED, 0, 0),
            c = put("c", RUN_QUEUED, 0, 0);
    const struct need some[] = {on(a, NEED_FAILED, 0), on(b, NEED_FAILED, 0)};
    const struct need none[] = {on(a, NEED_FAILED, 0), on(c, NEED_FAILED, 0)};
    int64_t lucky = put_child(some, 2), other = put_child(none, 2);
    commit();
    end(a, RUN_SUCCEEDED);
    tap_ok(state_of(lucky) == RUN_BLOCKED, "one of any that is no more leaves hope");
    end(b, RUN_FAILED);
    tap_ok(is(lucky, RUN_QUEUED, NULL), "one of any is enough");
    end(c, RUN_SUCCEEDED);
    char text[96];
    (void)snprintf(text, sizeof text, "%lld (c) succeeded, which was to fail", (long long)c);
    tap_ok(is(other, RUN_CANCELLED, text), "when none can be any more it is cancelled");
}

static void test_chain(void)
{
    begin();
    int64_t first = put("a", RUN_QUEUED, 0, 0), last = first;
    for (int i = 0; i < 50; i++) {
        const struct need need = on(last, NEED_SUCCEEDED, 0);
        last = put_child(&need, 1);
    }
    const struct need need = on(last, NEED_FINISHED, 0);
    int64_t cleanup = put_child(&need, 1);
    commit();
    bool done;
    begin();
    must(run_request(cat, first, REQUEST_CANCEL, 0, "ann", &done, &err), &err);
    commit();
    char text[96];
    (void)snprintf(text, sizeof text, "%lld (child) was cancelled, which was to succeed",
                   (long long)last - 1);
    tap_ok(is(last, RUN_CANCELLED, text), "a cancel goes down a chain");
    tap_ok(is(cleanup, RUN_QUEUED, NULL), "to who only wants it to be over");
    tap_str(ask("SELECT count(*) FROM settling"), "0", "nothing is left to be settled");
    tap_str(ask("SELECT count(*) FROM tally WHERE job = 'child' AND state = 9 AND runs >= 50"), "1",
            "the monitor counts these ends");
}

static void test_started(void)
{
    begin();
    int64_t a = put("a", RUN_QUEUED, 0, 0), b = put("b", RUN_QUEUED, 0, 0);
    const struct need of_a = on(a, NEED_STARTED, 0), of_b = on(b, NEED_STARTED, 0);
    int64_t x = put_child(&of_a, 1), y = put_child(&of_b, 1);
    commit();
    (void)claim(a, "h", 1);
    tap_int(state_of(x), RUN_BLOCKED, "a claim is no start");
    begin();
    must(run_started(cat, a, 1, 2000, &err), &err);
    commit();
    tap_int(state_of(x), RUN_QUEUED, "a start is seen when it is told");
    end(b, RUN_SUCCEEDED);
    tap_int(state_of(y), RUN_QUEUED, "or with the end, of a short run");
}

static void test_held(void)
{
    bool done;
    begin();
    int64_t a = put("a", RUN_QUEUED, 0, 0), child = put("child", RUN_HELD, 0, 0);
    const struct need need = on(a, NEED_SUCCEEDED, 0);
    must(need_put(cat, child, &need, 1, &err), &err);
    commit();
    tap_int(state_of(child), RUN_HELD, "one that is held stays so");
    begin();
    must(run_request(cat, child, REQUEST_RELEASE, 0, "ann", &done, &err), &err);
    commit();
    tap_int(state_of(child), RUN_BLOCKED, "released, it waits on");
    end(a, RUN_SUCCEEDED);
    tap_int(state_of(child), RUN_QUEUED, "and goes when its time comes");
}

static void test_group(void)
{
    begin();
    int64_t good = put_group("a", 3), bad = put_group("b", 3);
    int64_t children[4], sad[2];
    for (int i = 0; i < 4; i++) {
        struct need need = on(good, (enum need_is)(NEED_SUCCEEDED + i), 0);
        need.scope = NEED_GROUP;
        children[i] = put_child(&need, 1);
    }
    for (int i = 0; i < 2; i++) {
        struct need need = on(bad, (enum need_is)(NEED_SUCCEEDED + i), 0);
        need.scope = NEED_GROUP;
        sad[i] = put_child(&need, 1);
    }
    const struct need element = on(good + 1, NEED_SUCCEEDED, 0);
    int64_t single = put_child(&element, 1);
    commit();
    end(good, RUN_SUCCEEDED);
    end(good + 1, RUN_SUCCEEDED);
    tap_int(state_of(single), RUN_QUEUED, "who waits for one element does not wait for the others");
    tap_int(state_of(children[0]), RUN_BLOCKED, "a group has not succeeded before its last run");
    end(good + 2, RUN_SUCCEEDED);
    tap_int(state_of(children[0]), RUN_QUEUED, "all succeeded");
    tap_int(state_of(children[1]), RUN_CANCELLED, "none failed");
    tap_int(state_of(children[2]), RUN_QUEUED, "all are over");
    tap_int(state_of(children[3]), RUN_QUEUED, "all started");
    end(bad, RUN_FAILED);
    tap_int(state_of(sad[0]), RUN_CANCELLED, "one failure decides that not all succeeded");
    tap_int(state_of(sad[1]), RUN_BLOCKED, "but a group fails when it is over");
    end(bad + 1, RUN_SUCCEEDED);
    end(bad + 2, RUN_SUCCEEDED);
    tap_int(state_of(sad[1]), RUN_QUEUED, "with one that failed");
    begin();
    struct need late = on(bad, NEED_FAILED, 0);
    late.scope = NEED_GROUP;
    int64_t after = put_child(&late, 1);
    late.is = NEED_STARTED;
    int64_t started = put_child(&late, 1);
    commit();
    tap_ok(state_of(after) == RUN_QUEUED && state_of(started) == RUN_QUEUED,
           "a group that is over is judged at once");
}

static void test_day(void)
{
    int n;
    begin();
    struct need need = on(0, NEED_SUCCEEDED, 0);
    need.scope = NEED_GROUP;
    need.job = "nightly";
    need.day = "1970-01-01";
    need.since = 1;
    need.until = 86400000;
    int64_t child = put_child(&need, 1), forlorn = put_child(&need, 1);
    commit();
    tap_ok(is(child, RUN_BLOCKED, "waiting for nightly of 1970-01-01"),
           "it waits for a run that is not made yet");
    begin();
    int64_t parent = put("nightly", RUN_QUEUED, 0, 0);
    must(need_found(cat, "nightly", parent, &err), &err);
    commit();
    char text[96];
    (void)snprintf(text, sizeof text, "waiting for %lld (nightly)", (long long)parent);
    tap_ok(is(child, RUN_BLOCKED, text) && is(forlorn, RUN_BLOCKED, text), "and then for that one");
    end(parent, RUN_SUCCEEDED);
    tap_int(state_of(child), RUN_QUEUED, "which lets it go");
    begin();
    need.job = "never";
    forlorn = put_child(&need, 1);
    must(need_expire(cat, 86399999, 10, &n, &err), &err);
    tap_int(n, 0, "a day is not over before its end");
    must(need_expire(cat, 86400000, 10, &n, &err), &err);
    commit();
    tap_ok(n == 1 && is(forlorn, RUN_CANCELLED, "there was no run of never on 1970-01-01"),
           "a day that ends without a run ends the wait for it");
}

static void test_values(void)
{
    struct strlist told = {0}, given = {0};
    bool cut;
    begin();
    int64_t a = put("a", RUN_QUEUED, 0, 0);
    struct need need = on(a, NEED_SUCCEEDED, 0);
    need.job = "my-job.x";
    int64_t child = put_child(&need, 1);
    commit();
    strlist_add(&told, "rows=1");
    strlist_add(&told, "rows=2=3");
    strlist_add(&told, "empty=");
    (void)claim(a, "h", 1);
    struct run_end e = end_of(a, 1, RUN_SUCCEEDED);
    e.values = &told;
    (void)finish(e);
    must(value_given(cat, child, &given, &cut, &err), &err);
    tap_ok(given.n == 2 && strlist_has(&given, "ROTA_IN_my_job_x_rows=2=3") &&
               strlist_has(&given, "ROTA_IN_my_job_x_empty=") && !cut,
           "values become variables, the last of a key counts");
    tap_int(finish(e), ERR_ANSWER, "a result told again changes nothing");
    foreign_sql(catalogue_path(cat), "PRAGMA foreign_keys = ON; DELETE FROM run WHERE job = 'a'");
    tap_int(state_of(child), RUN_QUEUED, "a parent that is removed leaves its children in peace");
    strlist_free(&told);
    strlist_free(&given);
}

/* Statements that were run, and steps of the virtual machine, over all of them. */
static void count_work(int64_t *runs, int64_t *steps)
{
    *runs = *steps = 0;
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(cat->db, s));) {
        *runs += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_RUN, 1);
        *steps += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    }
}

/* Many elements, of which three tell something: what is given costs by that. */
static void test_values_of_group(void)
{
    struct strlist told = {0}, given = {0};
    int64_t runs, steps;
    bool cut;
    begin();
    int64_t first = put_group("g", 1000);
    struct need need = on(first, NEED_FINISHED, 0);
    need.scope = NEED_GROUP;
    need.job = "g";
    int64_t child = put_child(&need, 1);
    strlist_add(&told, "k=1");
    for (int64_t id = first + 7; id < first + 10; id++)
        must(value_put(cat, id, &told, &err), &err);
    commit();
    count_work(&runs, &steps);
    must(value_given(cat, child, &given, &cut, &err), &err);
    count_work(&runs, &steps);
    tap_ok(given.n == 3 && !cut && strlist_has(&given, "ROTA_IN_g_8_k=1"),
           "of a group each element's values are given");
    printf("# %lld steps\n", (long long)steps);
    tap_ok(steps < 1000, "which costs by the values, not by the elements");
    strlist_free(&given);
    for (int i = 0; i < 2000; i++)
        strlist_take(&told, xasprintf("k%d=1", i));
    begin();
    must(value_put(cat, first, &told, &err), &err);
    commit();
    must(value_given(cat, child, &given, &cut, &err), &err);
    tap_ok(given.n == 2000 && cut, "no more than 2000 are given");
    strlist_free(&given);
    strlist_free(&told);
}

/* A workflow of n runs with two needs each, on the two before, made and brought to its end. */
static void work_through(int n, int64_t *made, int64_t *settled, int64_t *steps)
{
    int64_t ids[2] = {0}, first = 0, some;
    count_work(made, steps);
    begin();
    for (int i = 0; i < n; i++) {
        const struct need needs[] = {on(ids[0], NEED_SUCCEEDED, 0), on(ids[1], NEED_FINISHED, 1)};
        int64_t id = i < 2 ? put("a", RUN_QUEUED, 0, 0) : put_child(needs, 2);
        first = first ? first : id;
        ids[i % 2] = id;
    }
    commit();
    count_work(made, steps);
    for (int64_t id = first; id < first + n; id++)
        end(id, RUN_SUCCEEDED);
    count_work(settled, &some);
    *steps += some;
    tap_int(state_of(first + n - 1), RUN_SUCCEEDED, "a workflow comes to its end");
}

static void test_cost(void)
{
    int64_t made[2], settled[2], steps[2], plain;
    (void)sqlite3_exec(cat->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    work_through(1000, &made[0], &settled[0], &steps[0]);
    work_through(10000, &made[1], &settled[1], &steps[1]);
    printf("# 1,000 runs: %lld + %lld statements, %lld steps; 10,000: %lld + %lld, %lld\n",
           (long long)made[0], (long long)settled[0], (long long)steps[0], (long long)made[1],
           (long long)settled[1], (long long)steps[1]);
    tap_ok(made[1] <= 11 * made[0], "needs are put in with statements linear in them");
    tap_ok(settled[1] <= 11 * settled[0], "and settled");
    tap_ok(steps[1] <= 11 * steps[0], "whose own work is linear too");
    /* here each end is a transaction, which looks at the schema once */
    tap_ok(made[1] <= 10L * 10000 && settled[1] <= 33L * 10000, "a few for each");
    count_work(&plain, &steps[0]);
    begin();
    int64_t id = put("a", RUN_QUEUED, 0, 0);
    commit();
    end(id, RUN_SUCCEEDED);
    count_work(&plain, &steps[0]);
    foreign_sql(catalogue_path(cat), "DROP TRIGGER run_settles; DROP TRIGGER run_starts");
    begin();
    id = put("a", RUN_QUEUED, 0, 0);
    commit();
    end(id, RUN_SUCCEEDED);
    count_work(&plain, &steps[1]);
    printf("# a run that nobody needs: %lld steps, %lld without the triggers\n",
           (long long)steps[0], (long long)steps[1]);
    tap_ok(steps[0] - steps[1] <= 60, "who has no dependants hardly pays for those who have");
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("need.db"), CATALOGUE_CREATE);
    begin();
    must(spec_put(cat, "{}", 2, &spec, &err), &err);
    commit();
    test_verdicts();
    test_all();
    test_moving_reason();
    test_any();
    test_chain();
    test_started();
    test_held();
    test_group();
    test_day();
    test_values();
    test_values_of_group();
    test_cost();
    catalogue_close(cat);
    return tap_done();
}
