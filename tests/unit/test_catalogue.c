/* Making, opening and refusing a catalogue. */
#include "test_catalogue.h"

#include <dirent.h>
#include <sys/resource.h>

static mode_t mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? -1 : st.st_size;
}

static void write_file(const char *path, const void *p, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);
    if (fd < 0 || write(fd, p, len) != (ssize_t)len || fchmod(fd, 0660) < 0)
        exit(1);
    close(fd);
}

/* A catalogue in a directory of its own, closed and with everything in the one file. */
static char *new_catalogue(const char *name)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s/catalogue.db", name);
    char *path = in_dir(file);
    catalogue_close(must_open(path, CATALOGUE_CREATE));
    foreign_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    return path;
}

static void test_create(void)
{
    char *path = in_dir("new/deep/catalogue.db");
    mode_t old = umask(077);
    struct catalogue *cat = must_open(path, CATALOGUE_CREATE);
    (void)submit(cat, "backup", 1);
    tap_int(mode_of(in_dir("new/deep")), 02770, "a new directory is open to its group");
    tap_int(mode_of(path), 0660, "so is the catalogue");
    tap_int(mode_of(in_dir("new/deep/catalogue.db-wal")), 0660, "and its write-ahead log");
    tap_int(mode_of(in_dir("new/deep/catalogue.db-shm")), 0660, "and its shared memory");
    tap_int(mode_of(in_dir("new/deep/output")), 02770, "and the output directory");
    umask(old);
    char *uuid = xstrdup(catalogue_uuid(cat));
    tap_ok(strlen(uuid) == 32 && strspn(uuid, "0123456789abcdef") == 32,
           "a catalogue has a uuid of 32 hexadecimal digits");
    tap_int(catalogue_epoch(cat), 1, "its first epoch is 1");
    tap_int(catalogue_owner(cat), geteuid(), "who made it owns it");
    tap_str(catalogue_path(cat), path, "it knows its path");
    catalogue_close(cat);
    tap_ok(size_of(in_dir("new/deep/catalogue.db-wal")) > 0, "closing does not checkpoint");
    cat = must_open(path, CATALOGUE_READ);
    tap_str(catalogue_uuid(cat), uuid, "opening again finds the same catalogue");
    struct err err;
    tap_int(catalogue_begin(cat, &err) < 0 ? 0 : event_add(cat, 1, 0, "submit", NULL, NULL, &err),
            ERR_IO, "a reader cannot write");
    catalogue_close(cat);
    free(uuid);
}

static void test_absent(void)
{
    refused(in_dir("none/catalogue.db"), CATALOGUE_READ, ERR_IO, "there is no catalogue",
            "a reader does not make a catalogue");
    refused(in_dir("none/catalogue.db"), CATALOGUE_WRITE, ERR_IO, "rota submit makes it",
            "a writer that expects one does not either");
    tap_int(mode_of(in_dir("none")), 0, "nothing was made");
    struct catalogue *cat;
    tap_int(catalogue_open(&cat, "catalogue.db", CATALOGUE_CREATE, NULL), ERR_CONFIG,
            "a relative path is refused");
    char *path = new_catalogue("gone");
    (void)unlink(path);
    refused(path, CATALOGUE_CREATE, ERR_IO, "its output directory is still there",
            "a catalogue that was lost is not made again beside its output");
    (void)rmdir(in_dir("gone/output"));
    write_file(in_dir("gone/catalogue.db-wal"), "x", 1);
    refused(path, CATALOGUE_CREATE, ERR_IO, "its write-ahead log is still there",
            "nor beside its write-ahead log");
    tap_int(size_of(path), -1, "no file was made there");
}

static void test_garbage(void)
{
    static char garbage[8192];
    memset(garbage, 'x', sizeof garbage);
    write_file(in_dir("garbage.db"), garbage, sizeof garbage);
    refused(in_dir("garbage.db"), CATALOGUE_CREATE, ERR_IO, "is not a rota catalogue",
            "garbage is refused");
    write_file(in_dir("short.db"), "SQLite format 3", 16);
    refused(in_dir("short.db"), CATALOGUE_CREATE, ERR_IO, "is not a rota catalogue",
            "a file of a few bytes is refused");
    tap_int(size_of(in_dir("short.db")), 16, "and left as it was");
    write_file(in_dir("empty.db"), "", 0);
    refused(in_dir("empty.db"), CATALOGUE_CREATE, ERR_IO, "is an empty file",
            "an empty file is refused");
    tap_int(size_of(in_dir("empty.db")), 0, "and left empty");
    (void)mkdir(in_dir("dir.db"), 0755);
    refused(in_dir("dir.db"), CATALOGUE_CREATE, ERR_IO, "is no regular file",
            "a directory is refused");
    foreign_sql(in_dir("other.db"), "CREATE TABLE t (x); PRAGMA application_id = 77");
    (void)chmod(in_dir("other.db"), 0660);
    refused(in_dir("other.db"), CATALOGUE_CREATE, ERR_IO, "a database of another program",
            "another program's database is refused");
}

static void test_damaged(void)
{
    static char noise[4096];
    memset(noise, 0xA5, sizeof noise);
    char *path = new_catalogue("truncated");
    if (truncate(path, 5000) < 0)
        exit(1);
    refused(path, CATALOGUE_WRITE, ERR_IO, "is damaged: restore it", "a truncated one is refused");
    path = new_catalogue("noise");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    for (int64_t at = 4096, size = size_of(path); at < size; at += 4096)
        if (pwrite(fd, noise, sizeof noise, at) != sizeof noise)
            exit(1);
    close(fd);
    refused(path, CATALOGUE_READ, ERR_IO, "is damaged: restore it", "damaged pages are noticed");
    path = new_catalogue("newer");
    foreign_sql(path, "PRAGMA user_version = 7");
    refused(path, CATALOGUE_READ, ERR_CONFIG,
            "was written by a newer rota (schema 7, this program knows 1): upgrade rota",
            "a newer catalogue is refused");
    path = new_catalogue("open");
    (void)chmod(path, 0666);
    refused(path, CATALOGUE_WRITE, ERR_IO, "can be written by everybody",
            "a catalogue that everybody can write is refused");
}

static void test_older(enum catalogue_mode mode, const char *name)
{
    char *path = in_dir(name);
    foreign_sql(path, "PRAGMA journal_mode = WAL; PRAGMA application_id = 0x726f7461");
    (void)chmod(path, 0660);
    struct catalogue *cat = must_open(path, mode);
    int64_t version = 0;
    struct err err;
    must(schema_version(cat, &version, &err), &err);
    tap_int(version, 1,
            mode == CATALOGUE_READ ? "opening for reading migrates an older catalogue"
                                   : "opening for writing migrates an older catalogue");
    catalogue_close(cat);
}

static int statfs_nfs(const char *path, struct statfs *fs)
{
    int rc = statfs(path, fs);
    fs->f_type = 0x6969;
    return rc;
}

static int statfs_cifs(const char *path, struct statfs *fs)
{
    int rc = statfs(path, fs);
    fs->f_type = (__typeof__(fs->f_type))0xFF534D42;
    return rc;
}

static void test_network(void)
{
    char *path = new_catalogue("remote");
    catalogue_statfs = statfs_nfs;
    refused(path, CATALOGUE_READ, ERR_CONFIG, "is on a network filesystem (NFS)",
            "a catalogue on NFS is refused");
    refused(in_dir("far/away/catalogue.db"), CATALOGUE_CREATE, ERR_CONFIG, "network filesystem",
            "none is made on NFS");
    tap_int(mode_of(in_dir("far")), 0, "not even its directory");
    catalogue_statfs = statfs_cifs;
    refused(path, CATALOGUE_WRITE, ERR_CONFIG, "(CIFS)",
            "a type with its highest bit set is known");
    catalogue_statfs = statfs;
}

/* ---- other processes ---- */

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

/* ---- faults ---- */

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
    test_begin();
    test_create();
    test_absent();
    test_garbage();
    test_damaged();
    test_older(CATALOGUE_READ, "older-r.db");
    test_older(CATALOGUE_WRITE, "older-w.db");
    test_network();
    test_locked();
    test_permissions();
    test_concurrent_creation();
    test_crash();
    test_full();
    test_version();
    return tap_done();
}
