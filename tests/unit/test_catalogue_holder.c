/* One dispatcher holds a catalogue. */
#include "test_catalogue.h"

#include <inttypes.h>

static struct catalogue *cat;
static struct err err;

static struct holder take(int want, const char *what)
{
    struct holder holder;
    tap_int(holder_take(cat, &holder, &err), want, what);
    return holder;
}

static int renew(struct holder *holder)
{
    must(catalogue_begin(cat, &err), &err);
    int rc = holder_renew(cat, holder, &err);
    if (rc < 0)
        catalogue_rollback(cat);
    else
        must(catalogue_commit(cat, &err), &err);
    return rc;
}

/* The lease as if this much of it were left. */
static void set_lease(int64_t left_ms)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql, "UPDATE holder SET expires = %" PRId64, clock_mono() + left_ms);
    if (sqlite3_exec(cat->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        exit(1);
}

/* Takes the catalogue, says so, and waits to be told what to do next: 'w' write, 'q' end without
 * releasing it. */
static void be_holder(void *path, int in, int out)
{
    struct catalogue *mine = must_open(path, CATALOGUE_WRITE);
    struct holder holder;
    struct err e = {0};
    tell(out, holder_take(mine, &holder, &e) == 0 ? 'y' : 'n');
    while (hear(in) == 'w') {
        must(catalogue_begin(mine, &e), &e);
        tell(out, holder_renew(mine, &holder, &e) == 0 ? 'y' : 'n');
        catalogue_rollback(mine);
    }
    _exit(0);
}

static void test_take(void)
{
    struct holder holder, other;
    bool alive;
    tap_int(holder_get(cat, &holder, &alive, &err), ERR_ANSWER, "at first nobody holds it");
    holder = take(0, "a free catalogue can be taken");
    tap_int(holder.fence, 1, "the first fence is 1");
    tap_int(holder_get(cat, &other, &alive, &err), 0, "the holder is known");
    tap_ok(alive && other.pid == getpid() && other.fence == 1 && other.host[0] && other.since > 0,
           "and alive");
    other = take(ERR_BUSY, "a second one is told that it is busy");
    tap_int(other.pid, getpid(), "and by whom");
    tap_ok(strstr(err.msg, "dispatches this catalogue") != NULL, "in words");
    tap_int(renew(&holder), 0, "the holder goes on");
    must(holder_release(cat, &holder, &err), &err);
    tap_int(holder_get(cat, &other, &alive, &err), ERR_ANSWER, "it can be released");
    tap_int(renew(&holder), ERR_BUSY, "who has released it writes nothing more");
    other = take(0, "and taken again at once");
    tap_int(other.fence, 2, "with a higher fence");
    must(holder_release(cat, &holder, &err), &err);
    tap_int(holder_get(cat, &holder, &alive, &err), 0,
            "an old holder cannot release a newer one's");
    must(holder_release(cat, &other, &err), &err);
}

static void test_renew(void)
{
    struct holder holder = take(0, "taken");
    int64_t before = sqlite3_total_changes64(cat->db);
    for (int i = 0; i < 100; i++)
        must(renew(&holder), &err);
    tap_int(sqlite3_total_changes64(cat->db) - before, 0, "a fresh lease costs no write");
    int64_t first = holder.expires;
    holder.expires = clock_mono() + HOLDER_LEASE_MS / 3;
    set_lease(HOLDER_LEASE_MS / 3);
    must(renew(&holder), &err);
    struct holder seen;
    bool alive;
    must(holder_get(cat, &seen, &alive, &err), &err);
    tap_ok(seen.expires >= first && seen.expires == holder.expires,
           "one that is half over is renewed");
    must(holder_release(cat, &holder, &err), &err);
}

static void test_dead(void)
{
    struct child child = child_start(be_holder, (void *)catalogue_path(cat));
    tap_int(hear(child.out), 'y', "another process holds the catalogue");
    (void)take(ERR_BUSY, "it lives: busy");
    (void)child_end(&child, SIGKILL);
    struct holder holder;
    bool alive;
    tap_int(holder_get(cat, &holder, &alive, &err), 0, "kill -9 leaves it recorded");
    tap_ok(!alive, "but proved dead");
    int64_t fence = holder.fence;
    holder = take(0, "so that it is replaced at once");
    tap_int(holder.fence, fence + 1, "with the next fence");
    /* a pid used again: the same pid, another start time */
    (void)sqlite3_exec(cat->db, "UPDATE holder SET start = start + 1", NULL, NULL, NULL);
    holder = take(0, "a pid that belongs to another process now proves the death too");
    (void)setenv("ROTA_TEST_BOOT_ID", "another-boot", 1);
    holder = take(0, "so does a reboot");
    tap_str(holder.boot, "another-boot", "the new boot is recorded");
    (void)unsetenv("ROTA_TEST_BOOT_ID");
    holder = take(0, "and the way back");
    (void)sqlite3_exec(cat->db, "UPDATE holder SET pid_space = 1, pid = 999999", NULL, NULL, NULL);
    (void)take(ERR_BUSY, "of a holder in another container nothing can be proved");
    set_lease(-1);
    holder = take(0, "only its lease can run out");
    must(holder_release(cat, &holder, &err), &err);
}

static void test_stopped(void)
{
    struct child child = child_start(be_holder, (void *)catalogue_path(cat));
    int status = 0;
    tap_int(hear(child.out), 'y', "another process holds the catalogue");
    (void)kill(child.pid, SIGSTOP);
    (void)waitpid(child.pid, &status, WUNTRACED);
    tap_ok(WIFSTOPPED(status), "and is stopped");
    set_lease(1000);
    (void)take(ERR_BUSY, "before its lease runs out it stays the holder");
    struct holder seen;
    bool alive;
    must(holder_get(cat, &seen, &alive, &err), &err);
    tap_ok(alive, "and is said to be alive");
    set_lease(-1);
    must(holder_get(cat, &seen, &alive, &err), &err);
    tap_ok(!alive && seen.pid == child.pid, "then it is not, so that nobody waits for it");
    struct holder holder = take(0, "and it is replaced");
    (void)kill(child.pid, SIGCONT);
    tell(child.in, 'w');
    tap_int(hear(child.out), 'n', "its later writes are refused by the fence");
    tap_int(renew(&holder), 0, "the new one's are not");
    (void)child_end(&child, 0);
    must(holder_release(cat, &holder, &err), &err);
}

static void test_take_over(void)
{
    struct child child = child_start(be_holder, (void *)catalogue_path(cat));
    struct holder holder;
    struct run run = {0};
    int64_t held = -1, epoch = catalogue_epoch(cat), id = submit(cat, "queued", 1);
    tap_int(hear(child.out), 'y', "another process holds the catalogue");
    tap_int(holder_take_over(cat, &holder, "bob", &held, &err), ERR_BUSY,
            "a living holder is not taken over from");
    must(run_get(cat, id, &run, &err), &err);
    tap_ok(run.state == RUN_QUEUED && catalogue_epoch(cat) == epoch, "and nothing changes");
    run_free(&run);
    (void)child_end(&child, 0);
    struct catalogue *other = must_open(catalogue_path(cat), CATALOGUE_WRITE);
    tap_int(holder_take_over(cat, &holder, "bob", &held, &err), 0, "a free catalogue is");
    tap_int(catalogue_epoch(cat), epoch + 1, "with the next epoch");
    must(run_get(cat, id, &run, &err), &err);
    tap_ok(held == 1 && run.state == RUN_HELD && strstr(run.reason, "may have run"),
           "what is queued is held: %s", run.reason);
    run_free(&run);
    must(holder_release(cat, &holder, &err), &err);
    tap_int(catalogue_epoch(other), epoch, "who opened it before knows the old epoch");
    must(holder_take(other, &holder, &err), &err);
    tap_int(catalogue_epoch(other), epoch + 1, "until it takes the catalogue");
    must(holder_release(other, &holder, &err), &err);
    catalogue_close(other);
}

static void test_race(void)
{
    enum { RIVALS = 6 };
    struct child child[RIVALS];
    int won = 0;
    for (int i = 0; i < RIVALS; i++)
        child[i] = child_start(be_holder, (void *)catalogue_path(cat));
    for (int i = 0; i < RIVALS; i++)
        won += hear(child[i].out) == 'y';
    tap_int(won, 1, "of six that take it at once, one gets it");
    for (int i = 0; i < RIVALS; i++)
        (void)child_end(&child[i], 0);
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("catalogue.db"), CATALOGUE_CREATE);
    test_take();
    test_renew();
    test_dead();
    test_stopped();
    test_take_over();
    test_race();
    catalogue_close(cat);
    return tap_done();
}
