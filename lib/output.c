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

#include "xalloc.h"

enum { DIR_MODE = 02770, FILE_MODE = 0660, NAME_SIZE = 64, RUNS_PER_DIR = 1000 };

/* The two names below output/. */
struct names {
    char dir[NAME_SIZE];
    char file[NAME_SIZE];
};

static struct names names_of(int64_t run, int attempt, enum output_stream stream)
{
    struct names names;
    (void)snprintf(names.dir, sizeof names.dir, "%" PRId64, run / RUNS_PER_DIR);
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

char *output_path(const char *catalogue, int64_t run, int attempt, enum output_stream stream)
{
    struct names names = names_of(run, attempt, stream);
    char *home = home_of(catalogue);
    char *path =
        xasprintf("%s/output/%s/%s", strcmp(home, "/") == 0 ? "" : home, names.dir, names.file);
    free(home);
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
static int open_dir(int at, const char *name, bool make)
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
        int next = open_dir(at, steps[i], make);
        int saved = errno;
        close(at);
        errno = saved;
        at = next;
    }
    return at;
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

static int write_at(int fd, const char *p, size_t len, int64_t offset)
{
    while (len) {
        ssize_t n = pwrite(fd, p, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        len -= (size_t)n;
        offset += n;
    }
    return 0;
}

int output_write(const char *catalogue, int64_t run, int attempt, enum output_stream stream,
                 int64_t offset, const void *p, size_t len, struct err *err)
{
    if (offset < 0 || len > (size_t)(INT64_MAX - offset))
        return err_set(err, ERR_BUG, "output of run %" PRId64 " at the impossible offset %" PRId64,
                       run, offset);
    if (!len)
        return 0;
    struct names names = names_of(run, attempt, stream);
    int dir = open_run_dir(catalogue, &names, true);
    int fd = dir < 0 ? -1 : open_file(dir, names.file);
    int rc = fd < 0 || write_at(fd, p, len, offset) < 0 ? -1 : 0;
    int saved = errno;
    if (fd >= 0 && close(fd) < 0 && rc == 0) { /* some filesystems tell of a full disk only here */
        saved = errno;
        rc = -1;
    }
    if (dir >= 0)
        close(dir);
    errno = saved;
    return rc < 0 ? fail(catalogue, run, attempt, stream, "write", err) : 0;
}

int output_sync(const char *catalogue, int64_t run, int attempt, enum output_stream stream,
                struct err *err)
{
    struct names names = names_of(run, attempt, stream);
    int dir = open_run_dir(catalogue, &names, false);
    int fd = dir < 0 ? -1 : openat(dir, names.file, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool bad = fd < 0 ? errno != ENOENT : fsync(fd) < 0 || fsync(dir) < 0;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    errno = saved;
    return bad ? fail(catalogue, run, attempt, stream, "sync", err) : 0;
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
    if (out_went || err_went) /* nor after a crash does it come back */
        (void)fsync(dir);
    close(dir);
}

int64_t output_size(const char *catalogue, int64_t run, int attempt, enum output_stream stream)
{
    struct stat st;
    char *path = output_path(catalogue, run, attempt, stream);
    int rc = lstat(path, &st);
    free(path);
    return rc == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}
