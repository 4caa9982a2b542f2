/* The write-ahead log stays short, and only catalogue_checkpoint shortens it. */
#include "test_catalogue.h"

static struct catalogue *cat;

static int64_t wal_size(void)
{
    struct stat st;
    char *path = xasprintf("%s-wal", catalogue_path(cat));
    int rc = stat(path, &st);
    free(path);
    return rc < 0 ? -1 : st.st_size;
}

static int64_t file_size(void)
{
    struct stat st;
    return stat(catalogue_path(cat), &st) < 0 ? -1 : st.st_size;
}

static int runs_seen(struct catalogue *reader)
{
    int64_t last = 0;
    struct err err = {0};
    must(run_last(reader, &last, &err), &err);
    return (int)last;
}

static void test_growth(void)
{
    int64_t before = file_size();
    for (int i = 0; i < 20; i++)
        (void)submit(cat, "grow", 1000);
    tap_ok(wal_size() > INT64_C(2) * CATALOGUE_WAL_BYTES, "without a checkpoint the log grows");
    tap_int(file_size(), before, "and nothing reaches the catalogue's file");
    catalogue_checkpoint(cat, INT64_C(1) << 40);
    tap_int(file_size(), before, "a log below the bound is left alone");
    catalogue_checkpoint(cat, CATALOGUE_WAL_BYTES);
    tap_ok(file_size() > before, "one above it is copied");
}

/* A reader that lives on, as rota status --watch would, but holds no transaction. */
static void test_bounded(void)
{
    struct catalogue *reader = must_open(catalogue_path(cat), CATALOGUE_READ);
    int64_t most = 0;
    int wrong = 0;
    (void)submit(cat, "first", 1);
    for (int i = 0; i < 100; i++) {
        int64_t last = submit(cat, "bounded", 50) + 49;
        wrong += runs_seen(reader) != last;
        catalogue_checkpoint(cat, CATALOGUE_WAL_BYTES);
        wrong += runs_seen(reader) != last;
        if (i == 40)
            most = wal_size();
    }
    tap_int(wrong, 0, "a reader sees every commit, before and after a checkpoint");
    tap_ok(wal_size() <= most && most <= INT64_C(5) * CATALOGUE_WAL_BYTES,
           "the log is begun anew and stays short while a reader is there");
    catalogue_checkpoint(reader, 0);
    catalogue_close(reader);
}

static int runs_of(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    int n = -1;
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM run", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        n = sqlite3_column_int(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return n;
}

static void test_old_reader(void)
{
    struct catalogue *reader = must_open(catalogue_path(cat), CATALOGUE_READ);
    (void)sqlite3_exec(reader->db, "BEGIN", NULL, NULL, NULL);
    int seen = runs_of(reader->db);
    (void)submit(cat, "later", 2000);
    catalogue_checkpoint(cat, 0);
    tap_int(runs_of(reader->db), seen, "a reader amid a transaction keeps what it saw");
    (void)submit(cat, "later", 2000);
    catalogue_checkpoint(cat, 0);
    tap_int(runs_of(reader->db), seen, "whatever is copied meanwhile");
    (void)sqlite3_exec(reader->db, "COMMIT", NULL, NULL, NULL);
    catalogue_checkpoint(cat, 0);
    tap_int(runs_of(reader->db), seen + 4000, "and then sees the rest");
    catalogue_close(reader);
}

static void hold_write_lock(void *path, int in, int out)
{
    struct catalogue *mine = must_open(path, CATALOGUE_WRITE);
    tell(out, catalogue_begin(mine, NULL) == 0 ? 'y' : 'n');
    (void)hear(in);
    _exit(0);
}

static void test_never_beside_a_writer(void)
{
    (void)submit(cat, "more", 20000);
    int64_t before = file_size();
    struct child child = child_start(hold_write_lock, (void *)catalogue_path(cat));
    tap_int(hear(child.out), 'y', "another process is in a write transaction");
    catalogue_checkpoint(cat, 0);
    tap_int(file_size(), before, "then no checkpoint is made");
    (void)child_end(&child, SIGKILL);
    struct err err = {0};
    must(catalogue_begin(cat, &err), &err);
    catalogue_checkpoint(cat, 0);
    tap_int(file_size(), before, "nor inside an own transaction");
    catalogue_rollback(cat);
    catalogue_checkpoint(cat, 0);
    tap_ok(file_size() > before, "afterwards it is");
}

static void test_close(void)
{
    (void)submit(cat, "last", 1000);
    int64_t before = file_size();
    char *path = xstrdup(catalogue_path(cat));
    int last = runs_seen(cat);
    catalogue_close(cat);
    cat = must_open(path, CATALOGUE_WRITE);
    tap_int(file_size(), before, "closing the last connection does not checkpoint");
    tap_int(runs_seen(cat), last, "and nothing is lost");
    free(path);
}

/* Two processes that write, and checkpoint after every commit. */
static void write_and_checkpoint(void *path, int in, int out)
{
    struct catalogue *mine = must_open(path, CATALOGUE_WRITE);
    (void)hear(in);
    for (int i = 0; i < 100; i++) {
        (void)submit(mine, "storm", 20);
        catalogue_checkpoint(mine, 0);
    }
    tell(out, 'y');
    catalogue_close(mine);
    _exit(0);
}

static void test_storm(void)
{
    int before = runs_of(cat->db);
    struct child a = child_start(write_and_checkpoint, (void *)catalogue_path(cat));
    struct child b = child_start(write_and_checkpoint, (void *)catalogue_path(cat));
    tell(a.in, 'g');
    tell(b.in, 'g');
    (void)hear(a.out);
    (void)hear(b.out);
    (void)child_end(&a, 0);
    (void)child_end(&b, 0);
    tap_int(runs_of(cat->db) - before, 4000, "no commit of two checkpointing writers is lost");
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(cat->db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW;
    tap_str(ok ? (const char *)sqlite3_column_text(stmt, 0) : "", "ok", "the catalogue is sound");
    (void)sqlite3_finalize(stmt);
}

int main(void)
{
    test_begin();
    cat = must_open(in_dir("catalogue.db"), CATALOGUE_CREATE);
    test_growth();
    test_bounded();
    test_old_reader();
    test_never_beside_a_writer();
    test_close();
    test_storm();
    catalogue_close(cat);
    return tap_done();
}
