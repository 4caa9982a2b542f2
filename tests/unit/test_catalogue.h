/* What the tests of the catalogue share: a directory that goes away, and children that are waited for. */
#ifndef ROTA_TEST_CATALOGUE_H
#define ROTA_TEST_CATALOGUE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalogue.h"
#include "catalogue/internal.h"
#include "clock.h"
#include "tap.h"
#include "xalloc.h"

static char test_dir[256];
static pid_t test_owner;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_dir(void)
{
    if (getpid() == test_owner)
        (void)nftw(test_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* An empty directory for this test in `parent`, removed at exit. */
static void test_begin_in(const char *parent)
{
    (void)snprintf(test_dir, sizeof test_dir, "%s/rota-catalogue.XXXXXX", parent);
    test_owner = getpid();
    if (!mkdtemp(test_dir) || chmod(test_dir, 0755) < 0 || atexit(remove_dir) != 0) {
        perror(test_dir);
        exit(1);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

__attribute__((unused)) static void test_begin(void)
{
    const char *tmp = getenv("TMPDIR");
    test_begin_in(tmp ? tmp : "/tmp");
}

/* A path below the test's directory; never freed: it is a test. */
static char *in_dir(const char *name)
{
    static char *kept[256];
    static size_t n;
    return kept[n++ % 256] = xasprintf("%s/%s", test_dir, name);
}

__attribute__((unused)) static struct catalogue *must_open(const char *path,
                                                           enum catalogue_mode mode)
{
    struct catalogue *cat;
    struct err err = {0};
    if (catalogue_open(&cat, path, mode, &err) < 0) {
        printf("Bail out! %s\n", err.msg);
        exit(1);
    }
    return cat;
}

/* Opening must fail like this. */
__attribute__((unused)) static void refused(const char *path, enum catalogue_mode mode, int code,
                                            const char *part, const char *what)
{
    struct catalogue *cat;
    struct err err = {0};
    int rc = catalogue_open(&cat, path, mode, &err);
    if (!tap_ok(rc == code && err.code == code && !cat && strstr(err.msg, part) &&
                    strstr(err.msg, path),
                "%s", what))
        printf("#  code %d (want %d): %s\n#  want: %s\n", rc, code, err.msg, part);
    catalogue_close(cat);
}

__attribute__((unused)) static void must(int rc, const struct err *err)
{
    if (rc >= 0)
        return;
    printf("Bail out! %d: %s\n", rc, err->msg);
    exit(1);
}

/* Runs SQL on a connection of its own, as another program would. */
__attribute__((unused)) static void foreign_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *msg = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, sql, NULL, NULL, &msg) != SQLITE_OK) {
        printf("Bail out! %s: %s\n", sql, msg ? msg : "cannot open");
        exit(1);
    }
    (void)sqlite3_close(db);
}

/* A catalogue in a directory of its own, closed and with everything in the one file. */
__attribute__((unused)) static char *new_catalogue(const char *name)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s/catalogue.db", name);
    char *path = in_dir(file);
    catalogue_close(must_open(path, CATALOGUE_CREATE));
    foreign_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
    return path;
}

/* Submits n runs of a job in one transaction; returns the first one's id. */
__attribute__((unused)) static int64_t submit(struct catalogue *cat, const char *job, int n)
{
    struct err err = {0};
    int64_t spec, id = 0, first = 0;
    must(catalogue_begin(cat, &err), &err);
    must(spec_put(cat, "{shell: true}", 13, &spec, &err), &err);
    for (int i = 0; i < n; i++) {
        must(run_insert(cat,
                        &(struct run_new){.spec = spec,
                                          .job = job,
                                          .state = RUN_QUEUED,
                                          .queued_at = 1000 + i,
                                          .submitter = "ann"},
                        &id, &err),
             &err);
        if (!first)
            first = id;
    }
    must(catalogue_commit(cat, &err), &err);
    return first;
}

/* ---- children ---- */

struct child {
    pid_t pid;
    int in, out; /* ours: write to `in` to let it go on, read from `out` to hear from it */
};

/* Starts work(arg, in, out) in a child; it must end with _exit. */
__attribute__((unused)) static struct child child_start(void (*work)(void *arg, int in, int out),
                                                        void *arg)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        exit(1);
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        close(in[1]);
        close(out[0]);
        work(arg, in[0], out[1]);
        _exit(0);
    }
    close(in[0]);
    close(out[1]);
    return (struct child){pid, in[1], out[0]};
}

/* Waits for a byte from the other side: the only way these tests wait. 0 at its end. */
__attribute__((unused)) static char hear(int fd)
{
    char c = 0;
    while (read(fd, &c, 1) < 0 && errno == EINTR)
        ;
    return c;
}

__attribute__((unused)) static void tell(int fd, char c)
{
    if (write(fd, &c, 1) != 1)
        _exit(99);
}

/* The wait status of a child that is killed, or told to end (sig 0). Telling takes a byte: later
 * children hold copies of the pipe, so closing it would not be noticed. */
__attribute__((unused)) static int child_end(struct child *child, int sig)
{
    int status = 0;
    if (sig)
        (void)kill(child->pid, sig);
    else if (write(child->in, "q", 1) < 0 && errno != EPIPE)
        exit(1);
    close(child->in);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(child->out);
    return status;
}

#endif
