#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "output_files.h"
#include "xalloc.h"

enum { DIR_MODE = 02770, FILE_MODE = 0660, NAME_SIZE = 64 };

/* The two names below output/. */
struct names {
    char dir[NAME_SIZE];
    char file[NAME_SIZE];
};

static struct names names_of(int64_t run, int attempt, enum output_stream stream)
{
    struct names names;
    (void)snprintf(names.dir, sizeof names.dir, "%" PRId64, run / OUTPUT_RUNS_PER_DIR);
    (void)snprintf(names.file, sizeof names.file, "%" PRId64 ".%d.%s", run, attempt,
                   stream == OUTPUT_OUT ? "out" : "err");
    return names;
}

/* "/var/lib/rota" of "/var/lib/rota/catalogue.db"; free. */
static char *home_of(const char *catalogue)
{
    const char *slash = strrchr(catalogue, '/');
    if (!slash)
        return xstrdup(".");
    return slash == catalogue ? xstrdup("/") : xstrndup(catalogue, (size_t)(slash - catalogue));
}

char *output_dir(const char *catalogue)
{
    char *home = home_of(catalogue);
    char *dir = xasprintf("%s/output", strcmp(home, "/") == 0 ? "" : home);
    free(home);
    return dir;
}

char *output_path(const char *catalogue, int64_t run, int attempt, enum output_stream stream)
{
    struct names names = names_of(run, attempt, stream);
    char *dir = output_dir(catalogue);
    char *path = xasprintf("%s/%s/%s", dir, names.dir, names.file);
    free(dir);
    return path;
}

static int fail(const char *catalogue, int64_t run, int attempt, enum output_stream stream,
                const char *what, struct err *err)
{
    int saved = errno;
    char *path = output_path(catalogue, run, attempt, stream);
    errno = saved;
    int rc = err_sys(err, ERR_IO, "cannot %s %s", what, path);
    free(path);
    return rc;
}

/* ---- the steps down, none through a symbolic link ---- */

/* A directory that is missing is made where `make` says so. A new name is durable only after a sync
 * of the directory that holds it: that is paid here, once a directory, not at every output_sync. */
int output_step(int at, const char *name, bool make)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(at, name, flags);
    if (fd >= 0 || errno != ENOENT || !make)
        return fd;
    bool made = mkdirat(at, name, 0700) == 0;
    if (!made && errno != EEXIST)
        return -1;
    fd = openat(at, name, flags);
    if (fd >= 0 && made && (fchmod(fd, DIR_MODE) < 0 || fsync(at) < 0)) {
        int saved = errno;
        close(fd);
        (void)unlinkat(at, name, AT_REMOVEDIR); /* so that the next one makes and syncs it */
        errno = saved;
        return -1;
    }
    return fd;
}

/* The directory of a run's files; -1 and errno. */
static int open_run_dir(const char *catalogue, const struct names *names, bool make)
{
    char *home = home_of(catalogue);
    int at = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(home);
    const char *const steps[] = {"output", names->dir};
    for (size_t i = 0; at >= 0 && i < sizeof steps / sizeof *steps; i++) {
        int next = output_step(at, steps[i], make);
        int saved = errno;
        close(at);
        errno = saved;
        at = next;
    }
    return at;
}

int output_run_dir(const char *catalogue, int64_t run, bool make)
{
    struct names names = names_of(run, 1, OUTPUT_OUT);
    return open_run_dir(catalogue, &names, make);
}

/* O_NONBLOCK: a fifo in the file's place must not stop us, and is no regular file. */
static int open_file(int dir, const char *name)
{
    const int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    struct stat st;
    int fd = openat(dir, name, flags);
    bool missing = fd < 0 && errno == ENOENT;
    if (missing)
        fd = openat(dir, name, flags | O_CREAT, FILE_MODE);
    if (fd < 0)
        return -1;
    int bad = fstat(fd, &st) < 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
    if (!bad && missing && fchmod(fd, FILE_MODE) < 0) /* whatever the umask */
        bad = errno;
    if (!bad)
        return fd;
    close(fd);
    errno = bad;
    return -1;
}

/* ---- what is kept open ---- */

/*
 * A chunk of output would cost twenty system calls if its file were found anew for each. So a file stays
 * open from its first write to its sync, in the one place of the table that its run and stream have; where
 * another one is there, it is opened and closed for each write, since nothing is closed unsynced: some
 * filesystems tell of a full disk only at the close.
 *
 * The directory is synced when a file in it was opened after its last sync. A sync that fails is told to
 * everyone it was for, because the kernel tells it once.
 */
struct file {
    int fd; /* -1: the place is free */
    int64_t run;
    int attempt;
    enum output_stream stream;
    uint64_t opened;
};

struct output {
    char *catalogue;
    struct file files[OUTPUT_FILES];
    size_t nfiles; /* so many places are used */
    char dir_name[NAME_SIZE];
    int dir;         /* of the run that was written to last; -1: none */
    uint64_t opened; /* counts files that were opened */
    uint64_t synced,
        failed; /* that count at the last sync of the directory, and at one that failed */
};

struct output *output_open(const char *catalogue)
{
    struct output *o = xcalloc(1, sizeof *o);
    o->catalogue = xstrdup(catalogue);
    o->dir = -1;
    o->nfiles = OUTPUT_FILES;
    for (size_t i = 0; i < OUTPUT_FILES; i++)
        o->files[i].fd = -1;
    return o;
}

size_t output_keep(struct output *o, size_t files)
{
    if (!o->opened) /* else what is open would not be found in its place */
        o->nfiles = files < 1 ? 1 : files < OUTPUT_FILES ? files : OUTPUT_FILES;
    return o->nfiles;
}

void output_close(struct output *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < OUTPUT_FILES; i++)
        if (o->files[i].fd >= 0)
            close(o->files[i].fd);
    if (o->dir >= 0)
        close(o->dir);
    free(o->catalogue);
    free(o);
}

/* Somebody may have taken away what is open here: what is written there now would be nowhere. */
static bool is_there(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* The directory of a run's files, which stays open; -1 and errno. */
static int use_dir(struct output *o, const struct names *names, bool make)
{
    if (strcmp(o->dir_name, names->dir) == 0 && is_there(o->dir))
        return o->dir;
    if (o->dir >= 0)
        close(o->dir);
    o->synced = o->failed = 0;
    (void)snprintf(o->dir_name, sizeof o->dir_name, "%s", names->dir);
    return o->dir = open_run_dir(o->catalogue, names, make);
}

static struct file *place_of(struct output *o, int64_t run, enum output_stream stream)
{
    return &o->files[((uint64_t)run * 2 + (stream == OUTPUT_ERR)) % o->nfiles];
}

static bool is_of(const struct file *f, int64_t run, int attempt, enum output_stream stream)
{
    return f->fd >= 0 && f->run == run && f->attempt == attempt && f->stream == stream;
}

/* A descriptor to write with, and whether it is to be closed after that; -1 and errno. */
static int use_file(struct output *o, int64_t run, int attempt, enum output_stream stream,
                    bool *passing)
{
    struct file *f = place_of(o, run, stream);
    *passing = false;
    if (is_of(f, run, attempt, stream)) {
        if (is_there(f->fd))
            return f->fd;
        close(f->fd);
        f->fd = -1;
    }
    struct names names = names_of(run, attempt, stream);
    int dir = use_dir(o, &names, true);
    int fd = dir < 0 ? -1 : open_file(dir, names.file);
    *passing = fd >= 0 && f->fd >= 0;
    if (fd >= 0 && !*passing)
        *f = (struct file){fd, run, attempt, stream, ++o->opened};
    return fd;
}

int output_write(struct output *o, int64_t run, int attempt, enum output_stream stream,
                 int64_t offset, const void *p, size_t len, struct err *err)
{
    bool passing;
    if (offset < 0 || len > (size_t)(INT64_MAX - offset))
        return err_set(err, ERR_BUG, "output of run %" PRId64 " at the impossible offset %" PRId64,
                       run, offset);
    if (!len)
        return 0;
    int fd = use_file(o, run, attempt, stream, &passing);
    int rc = fd < 0 || io_write_at(fd, p, len, offset) < 0 ? -1 : 0;
    int saved = errno;
    if (passing && close(fd) < 0 && rc == 0) {
        saved = errno;
        rc = -1;
    }
    errno = saved;
    return rc < 0 ? fail(o->catalogue, run, attempt, stream, "write", err) : 0;
}

static int sync_dir(struct output *o, int dir, uint64_t opened)
{
    if (opened && opened <= o->synced)
        return 0;
    if (opened && opened <= o->failed) {
        errno = EIO;
        return -1;
    }
    if (fsync(dir) < 0) {
        o->failed = o->opened;
        return -1;
    }
    o->synced = o->opened;
    return 0;
}

/* Makes the file that fd has open durable, and its name; opened: its place in the count, 0: unknown. */
static int sync_named(struct output *o, int dir, int fd, uint64_t opened)
{
    if (!is_there(fd)) { /* what was written has no name any more */
        errno = ENOENT;
        return -1;
    }
    return dir < 0 || fsync(fd) < 0 || sync_dir(o, dir, opened) < 0 ? -1 : 0;
}

int output_sync(struct output *o, int64_t run, int attempt, enum output_stream stream,
                struct err *err)
{
    const int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    struct names names = names_of(run, attempt, stream);
    struct file *f = place_of(o, run, stream);
    bool kept = is_of(f, run, attempt, stream);
    int dir = use_dir(o, &names, false), fd = -1;
    if (kept)
        fd = f->fd;
    else if (dir >= 0)
        fd = openat(dir, names.file, flags);
    if (fd < 0)
        return errno == ENOENT ? 0 : fail(o->catalogue, run, attempt, stream, "sync", err);
    int rc = sync_named(o, dir, fd, kept ? f->opened : 0), saved = errno;
    if (close(fd) < 0 && rc == 0) {
        saved = errno;
        rc = -1;
    }
    if (kept)
        f->fd = -1;
    errno = saved;
    return rc < 0 ? fail(o->catalogue, run, attempt, stream, "sync", err) : 0;
}

/* What cannot be taken away is in the way of output_write, which says so. */
void output_clear(const char *catalogue, int64_t run, int attempt)
{
    struct names out = names_of(run, attempt, OUTPUT_OUT), err = names_of(run, attempt, OUTPUT_ERR);
    int dir = open_run_dir(catalogue, &out, false);
    if (dir < 0)
        return;
    bool out_went = unlinkat(dir, out.file, 0) == 0;
    bool err_went = unlinkat(dir, err.file, 0) == 0;
    bool files_went = output_files_remove(dir, run, attempt) == 0;
    if (out_went || err_went || files_went) /* nor after a crash does it come back */
        (void)fsync(dir);
    close(dir);
}

/* ---- what is not kept any more ---- */

int64_t output_first(int64_t run)
{
    return run / OUTPUT_RUNS_PER_DIR * OUTPUT_RUNS_PER_DIR;
}

static int remove_files(const char *catalogue, int dir, const struct output_run *run,
                        struct err *err)
{
    static const enum output_stream streams[] = {OUTPUT_OUT, OUTPUT_ERR};
    for (int attempt = 1; attempt <= run->attempts; attempt++)
        for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
            struct names names = names_of(run->run, attempt, streams[i]);
            if (unlinkat(dir, names.file, 0) < 0 && errno != ENOENT)
                return fail(catalogue, run->run, attempt, streams[i], "remove", err);
            if (!i && output_files_remove(dir, run->run, attempt) < 0 && errno != ENOENT)
                return fail(catalogue, run->run, attempt, streams[i], "remove the files beside",
                            err);
        }
    return 0;
}

int output_remove(const char *catalogue, const struct output_run *runs, size_t n, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n;) {
        struct names names = names_of(runs[i].run, 1, OUTPUT_OUT);
        int64_t beyond = output_first(runs[i].run) + OUTPUT_RUNS_PER_DIR;
        int64_t first = runs[i].run;
        int dir = open_run_dir(catalogue, &names, false);
        if (dir < 0 && errno != ENOENT)
            return fail(catalogue, first, 1, OUTPUT_OUT, "remove", err);
        for (; rc == 0 && i < n && runs[i].run < beyond; i++)
            rc = dir < 0 ? 0 : remove_files(catalogue, dir, &runs[i], err);
        if (rc == 0 && dir >= 0 && fsync(dir) < 0)
            rc = fail(catalogue, first, 1, OUTPUT_OUT, "sync the directory of", err);
        if (dir >= 0)
            close(dir);
    }
    return rc;
}

void output_remove_dir(const char *catalogue, int64_t run)
{
    char *home = home_of(catalogue);
    char *path = xasprintf("%s/output/%" PRId64, home, run / OUTPUT_RUNS_PER_DIR);
    (void)rmdir(path);
    free(path);
    free(home);
}

int64_t output_size(const char *catalogue, int64_t run, int attempt, enum output_stream stream)
{
    struct stat st;
    char *path = output_path(catalogue, run, attempt, stream);
    int rc = lstat(path, &st);
    free(path);
    return rc == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}
