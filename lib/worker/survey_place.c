/* survey: the home, the spools, the workers that were pushed. */
#include "worker/survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "netfs.h"
#include "worker/spool.h"
#include "xalloc.h"

enum { PROBE_BYTES = 16384, FILES_MAX = 5000 };

static const char *network_of(const char *path)
{
    struct statfs fs;
    const char *seam = getenv("ROTA_TEST_NETFS"); /* a path that is to be taken for one on NFS */
    if (seam && strncmp(path, seam, strlen(seam)) == 0)
        return "NFS";
    return statfs(path, &fs) == 0 ? netfs_name(&fs) : NULL;
}

/* ---- a file of ours there ---- */

static int open_probe(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL))
        return fd;
    char *path = xasprintf("%s/.rota-probe-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    free(path);
    return fd;
}

/* Why no file can be written into a directory (full, over quota, read-only, not ours); 0: it can. Only
 * writing tells: access(2) knows of no quota, and for root nothing. */
static int write_probe(const char *dir)
{
    static const char bytes[PROBE_BYTES];
    int fd = open_probe(dir), error = 0;
    if (fd < 0)
        return errno;
    ssize_t n = write(fd, bytes, sizeof bytes);
    if (n < 0)
        error = errno;
    else if (n < (ssize_t)sizeof bytes)
        error = ENOSPC;
    if (close(fd) < 0 && !error)
        error = errno; /* NFS says it here */
    return error;
}

/* The facts of a directory's filesystem, under names that begin with `prefix`. */
static void tell_place(struct survey *survey, const char *prefix, const char *dir)
{
    struct statvfs fs;
    char key[64];
#define KEY(name) ((void)snprintf(key, sizeof key, "%s_%s", prefix, name), key)
    survey_text(survey, KEY("network"), network_of(dir));
    int error = write_probe(dir);
    if (error)
        survey_text(survey, KEY("error"), strerror(error));
    if (statvfs(dir, &fs) < 0)
        return;
    survey_number(survey, KEY("noexec"), (fs.f_flag & ST_NOEXEC) != 0);
    survey_number(survey, KEY("free_kb"), (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize / 1024));
    if (fs.f_files) /* btrfs and its like have none to run out of */
        survey_number(survey, KEY("free_inodes"), (int64_t)fs.f_favail);
#undef KEY
}

void survey_home(struct survey *survey)
{
    survey_text(survey, "home", survey->own->home);
    tell_place(survey, "home", survey->own->home);
}

/* ---- spools ---- */

/* Whether somebody holds a lock of a kind on a file. */
static bool is_locked(const char *dir, const char *name, int cmd)
{
    char *path = xasprintf("%s/%s", dir, name);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool held = fd >= 0 && fcntl(fd, cmd, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    free(path);
    return held;
}

struct extent {
    int64_t newest; /* s since the epoch */
    int64_t bytes;
    size_t files;
};

/* What a directory's files take, and when one last changed; the directories in it too, one level deep. */
static void measure(const char *dir, int depth, struct extent *extent)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    while (d && (entry = readdir(d)) && extent->files++ < FILES_MAX) {
        struct stat st;
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        extent->bytes += (int64_t)st.st_blocks * 512;
        if (st.st_mtime > extent->newest)
            extent->newest = st.st_mtime;
        if (S_ISDIR(st.st_mode) && depth > 0) {
            char *path = xasprintf("%s/%s", dir, entry->d_name);
            measure(path, depth - 1, extent);
            free(path);
        }
    }
    if (d)
        (void)closedir(d);
}

/* "held UUID WORKER AGE_S LIVE BYTES"; LIVE: a front end or a shim holds it. */
static void tell_spool(struct survey *survey, const char *base, const char *uuid, const char *name)
{
    char *dir = xasprintf("%s/%s/%s", base, uuid, name);
    struct extent extent = {0};
    measure(dir, 1, &extent);
    bool live = is_locked(dir, "lock", F_GETLK) || is_locked(dir, "cells/table", F_OFD_GETLK);
    int64_t age = extent.newest ? (int64_t)time(NULL) - extent.newest : 0;
    char *value = xasprintf("%s %s %lld %d %lld", uuid, name, (long long)(age > 0 ? age : 0), live,
                            (long long)extent.bytes);
    survey_text(survey, "held", value);
    free(value);
    free(dir);
}

/* Names we made have no blanks. */
static bool is_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !strpbrk(entry->d_name, " \t\n");
}

static void tell_spools(struct survey *survey, const char *base)
{
    DIR *all = opendir(base);
    struct dirent *uuid, *name;
    size_t n = 0;
    while (all && (uuid = readdir(all))) {
        char *path = xasprintf("%s/%s", base, uuid->d_name);
        DIR *one = is_entry(uuid) ? opendir(path) : NULL;
        while (one && (name = readdir(one)))
            if (is_entry(name) && n++ < SURVEY_LIST_MAX)
                tell_spool(survey, base, uuid->d_name, name->d_name);
        if (one)
            (void)closedir(one);
        free(path);
    }
    if (all)
        (void)closedir(all);
}

/* The base itself, or what is there of the path to it. */
static char *deepest_there(const char *path)
{
    char *there = xstrdup(path);
    while (access(there, F_OK) < 0 && strcmp(there, "/") != 0) {
        char *slash = strrchr(there, '/');
        if (!slash)
            break;
        slash[slash == there] = '\0';
    }
    return there;
}

void survey_spool(struct survey *survey)
{
    char *base = spool_base(survey->spool, survey->own->home), *there = deepest_there(base);
    survey_text(survey, "spool", base);
    tell_place(survey, "spool", there);
    tell_spools(survey, base);
    free(there);
    free(base);
}

/* ---- pushed workers ---- */

/* "pushed NAME AGE_S BYTES" */
void survey_pushed(struct survey *survey)
{
    static const char prefix[] = "worker-";
    char *path = xasprintf("%s/.cache/rota", survey->own->home);
    DIR *d = opendir(path);
    struct dirent *entry;
    size_t n = 0;
    while (d && (entry = readdir(d)) && n < SURVEY_LIST_MAX) {
        struct stat st;
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0 || !is_entry(entry) ||
            fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        char *value =
            xasprintf("%s %lld %lld", entry->d_name + sizeof prefix - 1,
                      (long long)((int64_t)time(NULL) - st.st_mtime), (long long)st.st_size);
        survey_text(survey, "pushed", value);
        free(value);
        n++;
    }
    if (d)
        (void)closedir(d);
    free(path);
}
