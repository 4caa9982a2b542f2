/* When a WAL gets its generation, and what may lie under it: see lib/catalogue/wal.c. */
#include "test_catalogue.h"

static char *path;

/* What meta says of generations, through the WAL. */
static int64_t number(struct catalogue *cat, const char *sql)
{
    struct err err = {0};
    int64_t n;
    must(statement_int(cat, sql, NO_VALUES, 0, &n, &err), &err);
    return n;
}

static const char GENERATION[] = "SELECT generation FROM meta";
static const char PREVIOUS[] = "SELECT previous FROM meta";

static char *kept_name(const char *name, const char *suffix)
{
    return xasprintf("%s%s", in_dir(name), suffix);
}

static void copy_file(const char *from, const char *to)
{
    char chunk[65536];
    ssize_t n;
    int in = open(from, O_RDONLY | O_CLOEXEC),
        out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    while (in >= 0 && out >= 0 && (n = read(in, chunk, sizeof chunk)) > 0)
        if (write(out, chunk, (size_t)n) != n)
            break;
    close(in);
    close(out);
}

/* The file or the WAL as it is now, under another name: by a child, since a close here drops SQLite's locks. */
static void keep(const char *suffix, const char *name)
{
    char *from = xasprintf("%s%s", path, suffix);
    pid_t pid = fork();
    if (pid == 0) {
        copy_file(from, in_dir(name));
        _exit(0);
    }
    (void)waitpid(pid, NULL, 0);
    free(from);
}

/* The catalogue that is made of a file and a WAL. */
static char *mixed(const char *file, const char *wal)
{
    static int n;
    char name[32];
    (void)snprintf(name, sizeof name, "mix%d", n++);
    char *to = in_dir(name), *log = kept_name(name, "-wal");
    copy_file(in_dir(file), to);
    copy_file(in_dir(wal), log);
    free(log);
    return to;
}

static void accepted(const char *file, const char *wal, const char *what)
{
    struct catalogue *cat;
    struct err err = {0};
    int rc = catalogue_open(&cat, mixed(file, wal), CATALOGUE_READ, &err);
    if (!tap_ok(rc == 0, "%s", what))
        printf("#  %s\n", err.msg);
    catalogue_close(cat);
}

static void test_stamp(void)
{
    struct err err = {0};
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    tap_ok(number(cat, GENERATION) == 0, "a new catalogue has no generation");
    (void)submit(cat, "first", 1);
    int64_t first = number(cat, GENERATION);
    tap_ok(first >= INT64_C(1) << 62 && number(cat, PREVIOUS) == 0, "the first commit gives one");
    (void)submit(cat, "second", 1);
    tap_ok(number(cat, GENERATION) == first, "which stays while the WAL goes on");
    catalogue_checkpoint(cat, 0);
    must(catalogue_begin(cat, &err), &err);
    must(catalogue_commit(cat, &err), &err);
    tap_ok(number(cat, GENERATION) == first, "and when nothing was written");
    (void)submit(cat, "third", 1);
    tap_ok(number(cat, GENERATION) != first && number(cat, PREVIOUS) == first,
           "the first commit after a checkpoint gives another, and says which was before");
    catalogue_close(cat);
}

static void test_reader(void)
{
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    sqlite3 *reader = NULL;
    (void)sqlite3_open(path, &reader);
    (void)sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM run", NULL, NULL, NULL);
    int64_t before = number(cat, GENERATION);
    (void)submit(cat, "later", 1);
    catalogue_checkpoint(cat, 0); /* not of what the reader does not see */
    (void)submit(cat, "later", 1);
    tap_ok(number(cat, GENERATION) == before, "a checkpoint of a part gives none");
    (void)sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_close(reader);
    catalogue_close(cat);
}

/* Two generations, g and h: the file and the WAL of each at its begin and its end. */
static void test_mixes(void)
{
    struct catalogue *cat = must_open(path, CATALOGUE_WRITE);
    catalogue_checkpoint(cat, 0);
    (void)submit(cat, "g", 1);
    keep("", "g0.db");
    keep("-wal", "g.wal");
    catalogue_checkpoint(cat, 0);
    keep("", "g1.db");
    (void)submit(cat, "h", 1);
    keep("-wal", "h.wal");
    catalogue_checkpoint(cat, 0);
    keep("", "h1.db");
    catalogue_close(cat);

    accepted("g0.db", "g.wal", "a file of which nothing was copied");
    accepted("g1.db", "g.wal", "one of which all was copied");
    accepted("g1.db", "h.wal", "one under the WAL that came after it");
    accepted("h1.db", "h.wal", "and under that WAL when it was copied");
    refused(mixed("g0.db", "h.wal"), CATALOGUE_READ, ERR_IO, "not of this catalogue",
            "an older file is refused to a reader");
    refused(mixed("g0.db", "h.wal"), CATALOGUE_WRITE, ERR_IO, "not of this catalogue",
            "and to a writer");
    refused(mixed("h1.db", "g.wal"), CATALOGUE_WRITE, ERR_IO, "not of this catalogue",
            "and so is an older WAL");
}

int main(void)
{
    test_begin();
    path = new_catalogue("own");
    test_stamp();
    test_reader();
    test_mixes();
    return tap_done();
}
