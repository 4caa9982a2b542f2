/* A catalogue that many processes share: locks, permissions, creation at once, versions. */
#include "test_catalogue.h"

#include <dirent.h>

static void hold_lock(void *path, int in, int out)
{
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    tell(out, catalogue_begin(cat, NULL) == 0 ? 'y' : 'n');
    (void)hear(in);
    _exit(0);
}

static void hold_file(void *path, int in, int out)
{
    sqlite3 *db;
    bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
              sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL,
                           NULL) == SQLITE_OK;
    tell(out, ok ? 'y' : 'n');
    (void)hear(in);
    _exit(0);
}

static void test_locked(void)
{
    char *path = new_catalogue("locked");
    struct child child = child_start(hold_lock, path);
    tap_int(hear(child.out), 'y', "another process holds the write lock");
    catalogue_busy_ms = 20;
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    struct err err = {0};
    tap_int(catalogue_begin(cat, &err), ERR_BUSY, "a transaction then waits, and gives up as busy");
    tap_ok(strstr(err.msg, "is locked by another process: try again") && strstr(err.msg, path),
           "and says what to do");
    struct run run;
    tap_int(run_get(cat, 1, &run, NULL), ERR_ANSWER, "reading goes on");
    (void)child_end(&child, SIGKILL);
    tap_int(catalogue_begin(cat, &err), 0, "its death frees the lock");
    catalogue_rollback(cat);
    catalogue_close(cat);
    child = child_start(hold_file, path);
    tap_int(hear(child.out), 'y', "another process holds the whole file");
    refused(path, CATALOGUE_READ, ERR_BUSY, "is locked by another process",
            "opening gives up as busy");
    (void)child_end(&child, SIGKILL);
    catalogue_busy_ms = 10000;
}

static void become_nobody(void)
{
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        _exit(98);
}

/* What somebody without write permission is told: the first letter of the error's name. */
static void open_as_nobody(void *path, int in, int out)
{
    static const struct {
        int code;
        char letter;
    } letters[] = {{0, '0'}, {ERR_IO, 'i'}, {ERR_BUG, 'b'}, {ERR_CONFIG, 'c'}};
    struct catalogue *cat;
    struct err err = {0};
    become_nobody();
    (void)in;
    for (int mode = CATALOGUE_READ; mode <= (int)CATALOGUE_WRITE; mode++) {
        int rc = catalogue_open(&cat, path, (enum catalogue_mode)mode, &err);
        char letter = '?';
        for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
            if (letters[i].code == rc)
                letter = letters[i].letter;
        tell(out, letter);
        tell(out,
             rc == 0 || strstr(err.msg, "ask its owner") || strstr(err.msg, "must be") ? 'm' : '-');
        catalogue_close(cat);
    }
    _exit(0);
}

static void test_permissions(void)
{
    char *path = new_catalogue("home");
    struct catalogue *keeper = must_open(path, CATALOGUE_WRITE);
    (void)submit(keeper, "backup", 1);
    (void)chmod(in_dir("home"), 0555);
    (void)chmod(path, 0444);
    (void)chmod(in_dir("home/catalogue.db-wal"), 0444);
    (void)chmod(in_dir("home/catalogue.db-shm"), 0444);
    struct child child = child_start(open_as_nobody, path);
    tap_int(hear(child.out), '0', "who may only read can read while the catalogue is in use");
    (void)hear(child.out);
    tap_int(hear(child.out), 'i', "but not open it for writing");
    tap_int(hear(child.out), 'm', "and is told whom to ask");
    tap_int(child_end(&child, 0), 0, "and nothing breaks");
    catalogue_close(keeper);
    (void)unlink(in_dir("home/catalogue.db-shm"));
    (void)unlink(in_dir("home/catalogue.db-wal"));
    child = child_start(open_as_nobody, path);
    tap_int(hear(child.out), 'i', "a reader that would have to make the -shm file is refused");
    tap_int(hear(child.out), 'm', "and is told what must be");
    (void)child_end(&child, 0);
    (void)chmod(in_dir("home"), 0755);
}

static void create_one(void *path, int in, int out)
{
    struct catalogue *cat;
    (void)hear(in); /* all at once */
    if (catalogue_open(&cat, path, CATALOGUE_CREATE, NULL) < 0) {
        tell(out, 'n');
        _exit(1);
    }
    if (write(out, catalogue_uuid(cat), 32) != 32)
        _exit(1);
    catalogue_close(cat);
    _exit(0);
}

static int count_entries(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void test_concurrent_creation(void)
{
    enum { CREATORS = 8, ROUNDS = 5 };
    for (int round = 0; round < ROUNDS; round++) {
        struct child child[CREATORS];
        char uuid[CREATORS][33] = {{0}}, name[64];
        (void)snprintf(name, sizeof name, "many%d", round);
        char *dir = in_dir(name), *path = xasprintf("%s/catalogue.db", dir);
        int same = 0;
        for (int i = 0; i < CREATORS; i++)
            child[i] = child_start(create_one, path);
        for (int i = 0; i < CREATORS; i++)
            tell(child[i].in, 'g');
        for (int i = 0; i < CREATORS; i++) {
            for (int at = 0; at < 32; at++)
                uuid[i][at] = hear(child[i].out);
            (void)child_end(&child[i], 0);
            same += uuid[i][31] && strcmp(uuid[i], uuid[0]) == 0;
        }
        tap_int(same, CREATORS, "eight processes that create at once get one catalogue");
        tap_int(count_entries(dir), 4, "and leave nothing but it (-wal, -shm, output)");
        free(path);
    }
}

static void test_version(void)
{
    char *path = new_catalogue("version");
    struct catalogue *a = must_open(path, CATALOGUE_WRITE), *b = must_open(path, CATALOGUE_WRITE);
    int64_t before = catalogue_version(a);
    (void)submit(a, "backup", 1);
    tap_ok(catalogue_version(a) == before, "an own commit does not change the version");
    (void)submit(b, "backup", 1);
    tap_ok(catalogue_version(a) != before, "another connection's commit does");
    catalogue_close(a);
    catalogue_close(b);
}

int main(void)
{
    /* one child becomes nobody, who may not pass through a private TMPDIR */
    test_begin_in("/tmp");
    test_locked();
    test_permissions();
    test_concurrent_creation();
    test_version();
    return tap_done();
}
