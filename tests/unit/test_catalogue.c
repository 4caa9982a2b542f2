/* Making, opening and refusing a catalogue. */
#include "test_catalogue.h"

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
    char want[128];
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
    foreign_sql(path, "PRAGMA user_version = 1000");
    (void)snprintf(want, sizeof want,
                   "was written by a newer rota (schema 1000, this program knows %d): upgrade rota",
                   CATALOGUE_SCHEMA);
    refused(path, CATALOGUE_READ, ERR_CONFIG, want, "a newer catalogue is refused");
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
    tap_int(version, CATALOGUE_SCHEMA,
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
    return tap_done();
}
