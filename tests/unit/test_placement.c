/*
 * Who goes where next: the rules of the queue, and what they cost, counted in hosts that are looked at.
 * `test_placement N` says on standard error what placing each of N runs costs, in µs (tests/bench/placement).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "placement_scene.h"

/* ---- limits ---- */

static void test_pools(void)
{
    struct scene s;
    struct job a = job_of("a"), ab = job_of("ab"), b = job_of("b");
    set_up(&s, 2, 8);
    pool(&s, "A", 1);
    pool(&s, "B", 2);
    strlist_add(&a.pools, "A");
    strlist_add(&ab.pools, "A");
    strlist_add(&ab.pools, "B");
    strlist_add(&b.pools, "B");
    struct place_run *holds = queue(&s, &a, 0, 0, NULL);
    (void)queue(&s, &ab, 0, 0, NULL);
    (void)queue(&s, &b, 0, 0, NULL);
    struct place_run *last = queue(&s, &b, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "1@h0000 3@h0001",
            "of two places one is kept for the run that waits for another pool too");
    tap_str(pass(&s, 0, 9), "", "also in a later pass");
    struct place_run *urgent = queue(&s, &b, 5, 0, NULL);
    tap_str(pass(&s, 0, 9), "5@h0000", "but not from one that comes before it");
    placement_vacate(&s.p, urgent);
    placement_vacate(&s.p, holds);
    tap_str(pass(&s, 0, 9), "2@h0000", "when both are free it goes, before those behind it");
    placement_vacate(&s.p, s.runs[1]);
    tap_str(pass(&s, 0, 9), "4@h0000", "then those");
    placement_vacate(&s.p, last);
    tear_down(&s);
    job_free(&a);
    job_free(&ab);
    job_free(&b);
}

static void test_pool_gone(void)
{
    struct scene s;
    struct job a = job_of("a");
    set_up(&s, 1, 8);
    strlist_add(&a.pools, "A");
    (void)queue(&s, &a, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "", "a pool that is not configured lets nobody start");
    pool(&s, "A", 1);
    tap_str(pass(&s, 0, 9), "1@h0000", "and does once it is");
    (void)queue(&s, &a, 0, 0, NULL);
    (void)queue(&s, &a, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "", "its limit holds");
    s.config.pools[0].limit = 3;
    placement_set_config(&s.p, &s.config);
    tap_str(pass(&s, 0, 9), "2@h0000 3@h0000", "and rises with the configuration");
    tear_down(&s);
    job_free(&a);
}

/* A pool with a free place and no host for its first: others may have the place. */
static void test_passed_on(void)
{
    struct scene s;
    struct job big = job_of("big"), small = job_of("small"), fill = job_of("fill");
    set_up(&s, 1, 4);
    pool(&s, "A", 1);
    strlist_add(&big.pools, "A");
    strlist_add(&small.pools, "A");
    big.slots = 4;
    struct place_run *first = queue(&s, &small, 9, 0, NULL);
    (void)queue(&s, &fill, 9, 0, NULL);
    (void)queue(&s, &big, 5, 0, NULL);
    (void)queue(&s, &small, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "1@h0000 2@h0000", "the pool is full: big and small wait for it");
    placement_vacate(&s.p, first);
    tap_str(pass(&s, 0, 9), "4@h0000", "no host for the big one: its place goes to the small one");
    placement_vacate(&s.p, s.runs[3]);
    (void)queue(&s, &small, 0, 0, NULL);
    tap_str(pass(&s, PLACEMENT_PATIENCE_MS, 9), "",
            "but when it has been first for long, pool and host are kept for it");
    placement_vacate(&s.p, s.runs[1]);
    tap_str(pass(&s, PLACEMENT_PATIENCE_MS, 9), "3@h0000", "and it goes");
    tear_down(&s);
    job_free(&big);
    job_free(&small);
    job_free(&fill);
}

static void test_max_running(void)
{
    struct scene s;
    struct job few = job_of("few"), other = job_of("other");
    set_up(&s, 2, 8);
    few.max_running = 2;
    for (int i = 0; i < 4; i++)
        (void)queue(&s, &few, 1, 0, i % 2 ? "h0001" : NULL);
    (void)queue(&s, &other, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "1@h0000 2@h0001 5@h0000",
            "max_running counts over lines, and holds up nobody else");
    placement_vacate(&s.p, s.runs[0]);
    tap_str(pass(&s, 0, 9), "3@h0000", "a place that comes free is taken by the next");
    tear_down(&s);
    job_free(&few);
    job_free(&other);
}

/* ---- groups, and big ones ---- */

static void test_count(void)
{
    struct scene s;
    struct job job = job_of("x"), plain = job_of("y");
    set_up(&s, 3, 8);
    job.count = 3;
    job.prefer = PREFER_PACK;
    for (int i = 0; i < 4; i++)
        (void)queue(&s, &job, 0, 1, NULL);
    tap_str(pass(&s, 0, 9), "1@h0000 2@h0001 3@h0002", "runs of a count go to different hosts");
    (void)queue(&s, &plain, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "5@h0000", "one that finds none left holds up nobody else");
    placement_vacate(&s.p, s.runs[1]);
    tap_str(pass(&s, 0, 9), "", "a host where one was is not free for another");
    placement_depart(s.runs[1], "h0001");
    tap_str(pass(&s, 0, 9), "4@h0001", "unless it left it for another attempt");
    tear_down(&s);
    job_free(&job);
    job_free(&plain);
}

static void test_big(void)
{
    struct scene s;
    struct job small = job_of("small"), big = job_of("big");
    set_up(&s, 1, 2);
    big.slots = 2;
    (void)queue(&s, &small, 0, 0, NULL);
    (void)pass(&s, 0, 9);
    (void)queue(&s, &big, 0, 0, NULL);
    (void)queue(&s, &small, 0, 0, NULL);
    (void)queue(&s, &small, 0, 0, NULL);
    tap_str(pass(&s, 1000, 9), "3@h0000", "small ones use what is too little for a big one");
    placement_vacate(&s.p, s.runs[2]);
    tap_str(pass(&s, 1000 + PLACEMENT_PATIENCE_MS, 9), "",
            "after a minute what comes free is kept for it");
    placement_vacate(&s.p, s.runs[0]);
    tap_str(pass(&s, 2000 + PLACEMENT_PATIENCE_MS, 9), "2@h0000", "until it fits");
    tear_down(&s);
    job_free(&small);
    job_free(&big);
}

/* ---- cost ---- */

static double cpu_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Places n queued runs over 1,000 hosts as a dispatcher does: 256 at most in a pass, and 64 ends between
 * passes. Returns how many hosts were looked at for each run, and the processor time of one from the moment
 * it enters the queue. */
static double visits(size_t n, bool pinned, enum job_prefer prefer, double *us)
{
    enum { HOSTS = 1000, SLOTS = 4, CLAIMS = 256, ENDS = 64 };
    struct scene s;
    struct job job = job_of("x");
    size_t placed = 0, ended = 0;
    job.prefer = prefer;
    set_up(&s, HOSTS, SLOTS);
    double start = cpu_us();
    for (size_t i = 0; i < n; i++)
        (void)queue(&s, &job, (int)(i % 7), 0, pinned ? s.hosts[i % HOSTS].name : NULL);
    while (placed < n) {
        placement_begin(&s.p, 0);
        for (size_t i = 0; i < CLAIMS && placement_next(&s.p); i++)
            placed++;
        (void)placement_end(&s.p);
        for (size_t i = 0; i < ENDS && ended < s.nruns;) {
            struct place_run *run = s.runs[ended++];
            i += run->host != NULL;
            if (run->host)
                placement_vacate(&s.p, run);
        }
        if (ended == s.nruns)
            ended = 0;
    }
    *us = (cpu_us() - start) / (double)n;
    double each = (double)s.p.visits / (double)n;
    tear_down(&s);
    job_free(&job);
    return each;
}

static void test_cost(void)
{
    static const struct {
        enum job_prefer prefer;
        bool pinned;
        double most;
        const char *name;
    } cases[] = {
        {PREFER_LEAST_LOADED, false, 24, "least-loaded"},
        {PREFER_PACK, false, 24, "pack"},
        {PREFER_ORDER, false, 24, "order"},
        {PREFER_LEAST_LOADED, true, 24, "bound to a host"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double us, few = visits(1000, cases[i].pinned, cases[i].prefer, &us);
        double many = visits(100000, cases[i].pinned, cases[i].prefer, &us);
        tap_ok(many <= cases[i].most, "%s: 100,000 runs look at %.1f hosts each", cases[i].name,
               many);
        tap_ok(few <= cases[i].most, "%s: 1,000 runs at %.1f", cases[i].name, few);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        double us;
        (void)visits(strtoul(argv[1], NULL, 10), false, PREFER_LEAST_LOADED, &us);
        (void)fprintf(stderr, "%.3f\n", us);
        return 0;
    }
    test_pools();
    test_pool_gone();
    test_passed_on();
    test_max_running();
    test_count();
    test_big();
    test_cost();
    return tap_done();
}
