#include "replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "xalloc.h"

/* A reader of the directory that chooses by the end of a name (*.prom) does not choose it. */
static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return xasprintf("%.*s.%s.XXXXXX", (int)(name - path), path, name);
}

/* The sync is there so that after a crash of the machine the name does not lead to an empty file. */
static int fill(int fd, const void *p, size_t len, mode_t mode, struct err *err)
{
    int rc = io_write_all(fd, p, len, err);
    if (rc == 0 && fchmod(fd, mode) < 0)
        rc = err_sys(err, ERR_IO, "cannot set its mode");
    if (rc == 0 && fsync(fd) < 0 && errno != EINVAL) /* EINVAL: a filesystem that has no sync */
        rc = err_sys(err, ERR_IO, "cannot write it to the disk");
    return rc;
}

static int put_over(const char *temporary, const char *path, struct err *err)
{
    return rename(temporary, path) < 0 ? err_sys(err, ERR_IO, "cannot put %s in place", path) : 0;
}

/* A link, unlike a rename, takes no other's place. */
static int put_new(const char *temporary, const char *path, struct err *err)
{
    if (link(temporary, path) < 0)
        return errno == EEXIST
                   ? err_set(err, ERR_BUSY, "%s appeared in the meantime: look at it", path)
                   : err_sys(err, ERR_IO, "cannot put %s in place", path);
    (void)unlink(temporary);
    return 0;
}

static int write_and_put(const char *path, const void *p, size_t len, mode_t mode,
                         int (*put)(const char *temporary, const char *path, struct err *err),
                         struct err *err)
{
    char *temporary = temporary_name(path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    int rc = fd < 0 ? err_sys(err, ERR_IO, "cannot make a file beside %s", path) : 0;
    if (rc == 0) {
        rc = fill(fd, p, len, mode, err);
        if (rc < 0)
            err_place(err, "%s", path);
        if (close(fd) < 0 && rc == 0)
            rc = err_sys(err, ERR_IO, "cannot write %s", path);
        if (rc == 0)
            rc = put(temporary, path, err);
        if (rc < 0)
            (void)unlink(temporary);
    }
    free(temporary);
    return rc;
}

int replace_file(const char *path, const void *p, size_t len, mode_t mode, struct err *err)
{
    return write_and_put(path, p, len, mode, put_over, err);
}

int replace_nothing(const char *path, const void *p, size_t len, mode_t mode, struct err *err)
{
    return write_and_put(path, p, len, mode, put_new, err);
}
