/* What a run that waits keeps from others, and what it must not. */
#include "placement_scene.h"

/* A place that whoever was woken for it cannot use goes to the next. */
static void test_no_place_stays_free(void)
{
    struct scene s;
    struct job pair = job_of("pair"), few = job_of("few"), z = job_of("z");
    set_up(&s, 2, 1);
    pool(&s, "A", 1);
    strlist_add(&pair.pools, "A");
    strlist_add(&z.pools, "A");
    pair.count = 2;
    struct place_run *busy = queue(&s, &few, 9, 0, "h0001");
    (void)queue(&s, &pair, 5, 1, NULL);
    (void)queue(&s, &pair, 5, 1, NULL);
    (void)queue(&s, &z, 0, 0, "h0000");
    tap_str(pass(&s, 0, 9), "1@h0001 2@h0000", "the second of the pair and z wait for the pool");
    placement_vacate(&s.p, s.runs[1]);
    tap_str(pass(&s, 0, 9), "4@h0000", "no host for the second apart from the first: z goes");
    placement_vacate(&s.p, s.runs[3]);
    placement_vacate(&s.p, busy);
    tap_str(pass(&s, 0, 9), "3@h0001", "and it when the other host is free");
    placement_vacate(&s.p, s.runs[2]);

    s.hosts[0].slots = s.hosts[1].slots = 8;
    s.config.pools[0].limit = 2;
    placement_set_config(&s.p, &s.config);
    few.max_running = 1;
    strlist_add(&few.pools, "A");
    struct place_run *first = queue(&s, &z, 9, 0, NULL), *second = queue(&s, &z, 9, 0, NULL);
    (void)queue(&s, &few, 5, 0, "h0000");
    (void)queue(&s, &few, 5, 0, "h0001");
    (void)queue(&s, &z, 0, 0, NULL);
    (void)pass(&s, 0, 9);
    placement_vacate(&s.p, first);
    placement_vacate(&s.p, second);
    tap_str(pass(&s, 0, 9), "7@h0000 9@h0001",
            "max_running stops the second of two that were woken: the place is for the next");
    tear_down(&s);
    job_free(&pair);
    job_free(&few);
    job_free(&z);
}

/* What cannot start at all keeps nothing. */
static void test_hopeless_keeps_nothing(void)
{
    struct scene s;
    struct job both = job_of("both"), one = job_of("one"), q = job_of("q");
    set_up(&s, 2, 8);
    pool(&s, "A", 1);
    pool(&s, "B", 0);
    strlist_add(&both.pools, "A");
    strlist_add(&both.pools, "B");
    strlist_add(&one.pools, "A");
    strlist_add(&q.pools, "B");
    (void)queue(&s, &both, 0, 0, NULL);
    struct place_run *first = queue(&s, &one, 0, 0, NULL);
    tap_str(pass(&s, 0, 9), "2@h0000", "a pool without a place makes no other stand empty");
    placement_vacate(&s.p, first);
    s.config.pools[1].limit = 1;
    placement_set_config(&s.p, &s.config);
    tap_str(pass(&s, 0, 9), "1@h0000", "until it has one");
    placement_vacate(&s.p, s.runs[0]);
    (void)queue(&s, &q, 9, 0, NULL);
    (void)queue(&s, &both, 5, 0, "h0001");
    struct place_run *last = queue(&s, &one, 0, 0, "h0000");
    tap_str(pass(&s, 0, 9), "3@h0000", "a place is kept for the first");
    s.hosts[1].state = PLACE_OUT;
    tap_str(pass(&s, 0, 9), "5@h0000", "but not when its host is out");
    placement_vacate(&s.p, last);
    (void)queue(&s, &one, 0, 0, "h0000");
    tap_str(pass(&s, 0, 9), "6@h0000", "nor when it was out before");
    tear_down(&s);
    job_free(&both);
    job_free(&one);
    job_free(&q);
}

/* For a single slot no host is kept, so no place either. */
static void test_places_without_host(void)
{
    struct scene s;
    struct job fill = job_of("fill"), one = job_of("one");
    set_up(&s, 2, 1);
    pool(&s, "A", 1);
    strlist_add(&one.pools, "A");
    (void)queue(&s, &fill, 9, 0, "h0000");
    (void)queue(&s, &one, 5, 0, "h0000");
    tap_str(pass(&s, 1000, 9), "1@h0000", "the second waits for its host");
    (void)queue(&s, &one, 0, 0, "h0001");
    tap_str(pass(&s, 1000 + PLACEMENT_PATIENCE_MS, 9), "3@h0001",
            "a full host keeps no pool's place for the one that waits");
    tear_down(&s);
    job_free(&fill);
    job_free(&one);
}

static void want_host(struct place_host *host, void *arg)
{
    size_t *n = arg;
    if (host->name[4] == '1')
        ++*n;
}

/* One of a count that its sibling keeps from the only host holds up nobody else. */
static void test_count_and_cold(void)
{
    struct scene s;
    struct job pair = job_of("pair"), plain = job_of("plain");
    size_t wanted = 0;
    set_up(&s, 2, 1);
    pair.count = 2;
    s.hosts[0].state = PLACE_OUT;
    (void)queue(&s, &pair, 0, 1, NULL);
    placement_sibling(s.runs[0]->line, "h0001");
    (void)queue(&s, &plain, 0, 0, NULL);
    (void)queue(&s, &pair, 0, 2, NULL);
    s.hosts[1].state = PLACE_COLD;
    placement_begin(&s.p, 0);
    (void)placement_next(&s.p);
    placement_cold(&s.p, want_host, &wanted);
    (void)placement_end(&s.p);
    tap_ok(wanted > 0, "a cold host is wanted for those that may use it");
    placement_unqueue(&s.p, s.runs[1]);
    wanted = 0;
    placement_begin(&s.p, 0);
    (void)placement_next(&s.p);
    placement_cold(&s.p, want_host, &wanted);
    (void)placement_end(&s.p);
    tap_ok(wanted > 0, "also for another group");
    placement_unqueue(&s.p, s.runs[2]);
    tap_ok(!placement_could_start(&s.p), "the one that may not could not start");
    tear_down(&s);
    job_free(&pair);
    job_free(&plain);
}

static void test_big_count(void)
{
    struct scene s;
    struct job pair = job_of("pair"), small = job_of("small");
    set_up(&s, 2, 2);
    pair.count = 2;
    pair.slots = 2;
    (void)queue(&s, &small, 9, 0, "h0001");
    (void)queue(&s, &pair, 5, 1, NULL);
    (void)queue(&s, &pair, 5, 1, NULL);
    tap_str(pass(&s, 1000, 9), "1@h0001 2@h0000", "the second of the pair waits");
    placement_vacate(&s.p, s.runs[1]);
    (void)queue(&s, &small, 0, 0, NULL);
    (void)pass(&s, 1000, 1);
    (void)queue(&s, &small, 0, 0, "h0001");
    tap_str(pass(&s, 1000 + PLACEMENT_PATIENCE_MS, 9), "",
            "after a minute the host without its sibling is kept for it");
    (void)queue(&s, &small, 0, 0, "h0000");
    tap_str(pass(&s, 1000 + PLACEMENT_PATIENCE_MS, 9), "6@h0000", "not the one with it");
    placement_vacate(&s.p, s.runs[0]);
    tap_str(pass(&s, 1000 + PLACEMENT_PATIENCE_MS, 9), "3@h0001", "until it fits");
    tear_down(&s);
    job_free(&pair);
    job_free(&small);
}

int main(void)
{
    test_no_place_stays_free();
    test_hopeless_keeps_nothing();
    test_places_without_host();
    test_count_and_cold();
    test_big_count();
    return tap_done();
}
