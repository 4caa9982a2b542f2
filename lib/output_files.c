#include "output_files.h"

#include <dirent.h>
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
#include "output.h"
#include "xalloc.h"

enum { FILE_MODE = 0660, NAME_SIZE = 64, SYNC_STEP = 1 << 20 };

static void name_dir(int64_t run, int attempt, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "%" PRId64 ".%d.files", run, attempt);
}

/* The directory of the attempt's files; -1 and errno. */
static int open_dir(const char *catalogue, int64_t run, int attempt, bool make)
{
    char name[NAME_SIZE];
    name_dir(run, attempt, name);
    int above = output_run_dir(catalogue, run, make);
    int dir = above < 0 ? -1 : output_step(above, name, make);
    int saved = errno;
    if (above >= 0)
        close(above);
    errno = saved;
    return dir;
}

static int fail(const char *what, int64_t run, const char *name, struct err *err)
{
    return err_sys(err, ERR_IO, "cannot %s the file '%s' of run %" PRId64, what, name, run);
}

static void close_kept(int fd)
{
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
}

/* ---- writing ---- */

/* What is there goes first: a link in its place must lead nowhere, and a fifo stop nobody. */
static int open_file(int dir, const char *name, bool anew)
{
    int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (!anew)
        return openat(dir, name, flags);
    if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
        return -1;
    int fd = openat(dir, name, flags | O_CREAT | O_EXCL, FILE_MODE);
    if (fd >= 0 && fchmod(fd, FILE_MODE) < 0) { /* whatever the umask */
        close_kept(fd);
        return -1;
    }
    return fd;
}

int output_files_write(const char *catalogue, int64_t run, int attempt, const char *name,
                       uint64_t offset, const void *p, size_t len, struct err *err)
{
    int dir = open_dir(catalogue, run, attempt, true);
    int fd = dir < 0 ? -1 : open_file(dir, name, offset == 0);
    int rc =
        fd < 0 || io_write_at(fd, p, len, (off_t)offset) < 0 ? fail("write", run, name, err) : 0;
    uint64_t step = offset / SYNC_STEP, end = (offset + len) / SYNC_STEP;
    if (rc == 0 && end > step) /* begun now: the sync at the end holds all others up less long */
        (void)sync_file_range(fd, (off_t)(step * SYNC_STEP), (off_t)((end - step) * SYNC_STEP),
                              SYNC_FILE_RANGE_WRITE);
    if (fd >= 0 && close(fd) < 0 && rc == 0)
        rc = fail("write", run, name, err);
    close_kept(dir);
    return rc;
}

int output_files_sync(const char *catalogue, int64_t run, int attempt, const char *name,
                      struct err *err)
{
    int above = output_run_dir(catalogue, run, false);
    int dir = open_dir(catalogue, run, attempt, false);
    int fd = dir < 0 ? -1 : open_file(dir, name, false);
    bool good = above >= 0 && fd >= 0 && fsync(fd) == 0 && fsync(dir) == 0 && fsync(above) == 0;
    int rc = good ? 0 : fail("sync", run, name, err);
    close_kept(fd);
    close_kept(dir);
    close_kept(above);
    return rc;
}

/* ---- to its place ---- */

/* The directory of `to`, made on the way; -1 and errno. *last: its last part. */
static int open_place(const char *catalogue, const char *to, const char **last)
{
    const char *slash = strrchr(catalogue, '/');
    char *home = !slash               ? xstrdup(".")
                 : slash == catalogue ? xstrdup("/")
                                      : xstrndup(catalogue, (size_t)(slash - catalogue));
    int at = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(home);
    const char *part = "files/", *next = to;
    while (at >= 0 && part) {
        const char *end = strchr(part, '/');
        if (!end) {
            *last = part;
            return at;
        }
        char *name = xstrndup(part, (size_t)(end - part));
        bool bad = !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        int below = bad ? -1 : output_step(at, name, true);
        if (bad)
            errno = EINVAL;
        free(name);
        close_kept(at);
        at = below;
        part = next ? next : end + 1;
        next = NULL;
    }
    return at;
}

int output_files_place(const char *catalogue, int64_t run, int attempt, const char *name,
                       const char *to, struct err *err)
{
    const char *last = NULL;
    int from = open_dir(catalogue, run, attempt, false);
    int dir = open_place(catalogue, to, &last), rc = 0;
    bool good = from >= 0 && dir >= 0 && *last && strcmp(last, "..") != 0;
    if (!good || renameat(from, name, dir, last) < 0 || fsync(dir) < 0)
        rc = err_sys(err, ERR_IO, "cannot put '%s' to files/%s beside the catalogue", name, to);
    close_kept(from);
    close_kept(dir);
    char left[NAME_SIZE];
    name_dir(run, attempt, left);
    int above = rc == 0 ? output_run_dir(catalogue, run, false) : -1;
    if (above >= 0) {
        (void)unlinkat(above, left, AT_REMOVEDIR); /* when it was the last */
        close(above);
    }
    return rc;
}

/* ---- what is not kept any more ---- */

int output_files_remove(int run_dir, int64_t run, int attempt)
{
    char name[NAME_SIZE];
    name_dir(run, attempt, name);
    int fd = openat(run_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close_kept(fd);
        return -1;
    }
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(fd, entry->d_name, 0);
    closedir(dir);
    return unlinkat(run_dir, name, AT_REMOVEDIR);
}
