/*
 * rota catalogue backup: a copy of the catalogue that can be put back.
 *
 * The copy is made in FILE.part, looked at, synced and then renamed, so that FILE is the backup of before or
 * this one, whole, whatever happens. FILE.part has one name, for that a backup which is killed every night
 * fills no disk; whoever holds its lock writes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue/upkeep.h"
#include "catalogue_commands.h"
#include "duration.h"
#include "io.h"
#include "log.h"
#include "opt.h"
#include "xalloc.h"

/* Whether the file that is open still has the name: another backup may have renamed it meanwhile. */
static bool has_name(int fd, const char *path)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && lstat(path, &named) == 0 &&
           open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

/* Opens and locks the part, empty. */
static int open_part(const char *path, int *fd, struct err *err)
{
    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_sys(err, ERR_IO, "cannot make %s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) < 0 || !has_name(*fd, path))
        return err_set(err, ERR_BUSY, "another backup writes %s", path);
    /* not the mode that a killed one left, nor what is in it */
    if (fchmod(*fd, 0600) == 0 && ftruncate(*fd, 0) == 0)
        return 0;
    int rc = err_sys(err, ERR_IO, "cannot write %s", path);
    (void)unlink(path);
    return rc;
}

static int sync_dir_of(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? xstrndup(path, (size_t)(slash - path + 1)) : xstrdup(".");
    int rc = io_sync_dir(dir, err);
    free(dir);
    return rc;
}

/* Write order: the content, then the mode by which others may read it, all of it on the disk, then the name,
 * and the name on the disk. */
static int publish(struct catalogue *cat, int fd, const char *part, const char *path,
                   struct err *err)
{
    mode_t mode = 0;
    gid_t group = 0;
    int rc = catalogue_copy_mode(cat, &mode, &group, err);
    if (rc == 0 && fchown(fd, (uid_t)-1, group) < 0)
        mode &= S_IRWXU; /* nor is it for another group */
    if (rc == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
        rc = err_sys(err, ERR_IO, "cannot write %s to the disk", part);
    if (rc == 0 && rename(part, path) < 0)
        rc = err_sys(err, ERR_IO, "cannot put %s in place", path);
    return rc < 0 ? rc : sync_dir_of(path, err);
}

static int backup_to_file(struct catalogue *cat, const char *path, struct err *err)
{
    struct stat st = {0};
    char *part = xasprintf("%s.part", path);
    int fd = -1;
    int rc = catalogue_copy_may_replace(cat, path, err);
    if (rc == 0)
        rc = open_part(part, &fd, err);
    bool ours = rc == 0;
    if (rc == 0)
        rc = catalogue_copy(cat, part, err);
    if (rc == 0 && fstat(fd, &st) < 0)
        rc = err_sys(err, ERR_IO, "cannot look at %s", part);
    if (rc == 0)
        rc = publish(cat, fd, part, path, err);
    if (rc < 0 && ours && has_name(fd, part))
        (void)unlink(part);
    if (fd >= 0)
        close(fd);
    free(part);
    char size[DURATION_TEXT];
    if (rc == 0)
        log_info("%s: %s", path, size_text(st.st_size, size));
    return rc;
}

/* ---- standard output ---- */

static int pour(int fd, struct err *err)
{
    char chunk[65536];
    ssize_t n;
    off_t at = 0;
    while ((n = pread(fd, chunk, sizeof chunk, at)) > 0) {
        at += n;
        if (fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n)
            return err_sys(err, ERR_IO, "cannot write the backup to standard output");
    }
    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read the copy again");
    return fflush(stdout) == 0 ? 0
                               : err_sys(err, ERR_IO, "cannot write the backup to standard output");
}

/* A copy is written in no order, so it is made in a file first. */
static int backup_to_output(struct catalogue *cat, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    if (isatty(STDOUT_FILENO))
        return err_set(err, ERR_USAGE,
                       "a backup is nothing for a terminal: rota catalogue backup - | zstd >FILE");
    char *path = xasprintf("%s/rota-backup.XXXXXX", tmp && tmp[0] == '/' ? tmp : "/var/tmp");
    int fd = mkostemp(path, O_CLOEXEC);
    int rc = fd < 0 ? err_sys(err, ERR_IO, "cannot make %s", path) : 0;
    if (rc == 0)
        rc = catalogue_copy(cat, path, err);
    if (fd >= 0)
        (void)unlink(path);
    if (rc == 0)
        rc = pour(fd, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

int catalogue_backup(struct command *command, int argc, char **argv, struct err *err)
{
    const struct option_row options[] = {{0}};
    int first = opt_parse(argc, argv, options, catalogue_usage, NULL, err);
    if (first < 0)
        return first;
    if (first == argc || !argv[first][0])
        return err_set(err, ERR_USAGE, "say where to: rota catalogue backup FILE, or -");
    if (first + 1 < argc)
        return err_set(err, ERR_USAGE, "'%s' is one argument too many", argv[first + 1]);
    int rc = command_open(command, CATALOGUE_READ, err);
    if (rc < 0)
        return rc;
    return strcmp(argv[first], "-") == 0 ? backup_to_output(command->cat, err)
                                         : backup_to_file(command->cat, argv[first], err);
}
