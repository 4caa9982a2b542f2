#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "internal.h"
#include "netfs.h"
#include "output.h"
#include "xalloc.h"

int (*catalogue_statfs)(const char *path, struct statfs *fs) = statfs;

static int refuse_remote(const char *path, const char *place, struct err *err)
{
    struct statfs fs;
    if (catalogue_statfs(place, &fs) < 0)
        return err_sys(err, ERR_IO, "cannot look at the filesystem of %s", path);
    const char *name = netfs_name(&fs);
    if (!name)
        return 0;
    return err_set(err, ERR_CONFIG,
                   "the catalogue %s is on a network filesystem (%s), where its locks cannot be "
                   "trusted: name a path on a local disk (catalogue = in rota.ini, or "
                   "$ROTA_CATALOGUE)",
                   path, name);
}

/* The nearest directory above `path` that exists; free. */
static char *existing_above(const char *path)
{
    struct stat st;
    char *dir = xstrdup(path);
    for (char *slash; (slash = strrchr(dir, '/')) && slash != dir;) {
        *slash = '\0';
        if (stat(dir, &st) == 0)
            return dir;
    }
    free(dir);
    return xstrdup("/");
}

/* What a catalogue that is gone leaves behind; NULL when there is nothing. Static. */
static const char *find_trace(const char *path)
{
    struct stat st;
    char *wal = xasprintf("%s-wal", path);
    char *output = output_dir(path);
    const char *trace = lstat(wal, &st) == 0      ? "write-ahead log"
                        : lstat(output, &st) == 0 ? "output directory"
                                                  : NULL;
    free(wal);
    free(output);
    return trace;
}

static int refuse_file(const char *path, enum catalogue_mode mode, const struct stat *st,
                       struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_IO, "the catalogue %s is no regular file: name another path", path);
    /* SQLite would take an empty file for an empty database; a catalogue never is one */
    if (st->st_size == 0)
        return err_set(
            err, ERR_IO,
            "the catalogue %s is an empty file: restore it from a backup, or remove it to "
            "start anew",
            path);
    if (mode != CATALOGUE_READ && (st->st_mode & S_IWOTH))
        return err_set(err, ERR_IO,
                       "the catalogue %s can be written by everybody, who could so run anything as "
                       "its owner: chmod o-w it",
                       path);
    return 0;
}

int catalogue_inspect(const char *path, enum catalogue_mode mode, bool *there, struct err *err)
{
    struct stat st;
    *there = false;
    if (path[0] != '/')
        return err_set(err, ERR_CONFIG, "the catalogue's path '%s' is not absolute", path);
    /* First the traces, then the file. A creator makes the file first and its output directory
     * after it, so a trace seen now without a file afterwards was not left by a creator at work. */
    const char *trace = find_trace(path);
    int rc = stat(path, &st);
    int reason = rc < 0 ? errno : 0;
    if (reason && reason != ENOENT) {
        errno = reason;
        return err_sys(err, ERR_IO, "cannot look at the catalogue %s", path);
    }
    *there = reason == 0;
    char *place = *there ? xstrdup(path) : existing_above(path);
    rc = refuse_remote(path, place, err);
    free(place);
    if (rc < 0)
        return rc;
    if (*there)
        return refuse_file(path, mode, &st, err);
    if (trace)
        return err_set(err, ERR_IO,
                       "the catalogue %s is gone, but its %s is still there: restore it from a "
                       "backup, move that away to start anew, or name a path in another directory",
                       path, trace);
    if (mode != CATALOGUE_CREATE)
        return err_set(err, ERR_IO, "there is no catalogue %s yet: rota submit makes it", path);
    return 0;
}
