/* A process that dies or a disk that fills amid a transaction: nothing of it stays. */
#include "test_catalogue.h"

#include <sys/resource.h>

static void die_in_transaction(void *path, int in, int out)
{
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    int64_t spec, id;
    bool ok = catalogue_begin(cat, NULL) == 0 && spec_put(cat, "x", 1, &spec, NULL) == 0;
    for (int i = 0; ok && i < 100; i++)
        ok = run_insert(
                 cat,
                 &(struct run_new){.spec = spec, .job = "j", .state = RUN_QUEUED, .queued_at = 1},
                 &id, NULL) == 0;
    (void)sqlite3_db_cacheflush(cat->db); /* the pages are in the WAL, only the commit is not */
    tell(out, ok ? 'y' : 'n');
    (void)hear(in);
    _exit(0);
}

static void test_crash(void)
{
    char *path = new_catalogue("crash");
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    int64_t last = submit(cat, "backup", 3) + 2, now;
    struct child child = child_start(die_in_transaction, path);
    tap_int(hear(child.out), 'y', "a process has written 100 runs and not committed");
    (void)child_end(&child, SIGKILL);
    struct err err;
    must(run_last(cat, &now, &err), &err);
    tap_int(now, last, "kill -9 amid a transaction leaves nothing of it");
    catalogue_close(cat);
    cat = must_open(path, CATALOGUE_WRITE);
    tap_int(submit(cat, "backup", 1), last + 1,
            "the next transaction goes on where the last ended");
    catalogue_close(cat);
}

/* A file size limit makes write(2) fail as a full disk does. */
static void write_past_limit(void *path, int in, int out)
{
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    struct rlimit limit = {64 << 10, 64 << 10};
    struct err err = {0};
    int64_t spec, id;
    static char text[1 << 20];
    memset(text, 'x', sizeof text);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    int rc = catalogue_begin(cat, &err);
    if (rc == 0)
        rc = spec_put(cat, text, sizeof text, &spec, &err);
    if (rc == 0)
        rc = run_insert(
            cat, &(struct run_new){.spec = spec, .job = "j", .state = RUN_QUEUED, .queued_at = 1},
            &id, &err);
    if (rc == 0)
        rc = catalogue_commit(cat, &err);
    catalogue_rollback(cat);
    tell(out, rc == ERR_IO ? 'i' : '-');
    catalogue_close(cat);
    (void)in;
    _exit(0);
}

static void test_full(void)
{
    char *path = new_catalogue("full");
    struct child child = child_start(write_past_limit, path);
    tap_int(hear(child.out), 'i', "a write that fails is an I/O error");
    tap_int(child_end(&child, 0), 0, "and no crash");
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    int64_t last = -1;
    struct err err = {0};
    must(run_last(cat, &last, &err), &err);
    tap_int(last, 0, "nothing of the failed transaction is there");
    (void)submit(cat, "backup", 1);
    (void)sqlite3_exec(cat->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL);
    static char text[1 << 20];
    memset(text, 'x', sizeof text);
    must(catalogue_begin(cat, &err), &err);
    tap_int(spec_put(cat, text, sizeof text, &last, &err), ERR_IO,
            "a full filesystem is an I/O error");
    tap_ok(strstr(err.msg, "free space") != NULL, "that says what to do");
    catalogue_rollback(cat);
    tap_int(event_add(cat, 1, 0, "submit", NULL, NULL, &err), ERR_BUG,
            "a write outside a transaction is refused");
    catalogue_close(cat);
}

int main(void)
{
    test_begin();
    test_crash();
    test_full();
    return tap_done();
}
