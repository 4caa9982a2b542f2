#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xalloc.h"

enum { CHUNK = 65536 };

int io_write_all(int fd, const void *p, size_t len, struct err *err)
{
    const char *s = p;
    while (len) {
        ssize_t n = write(fd, s, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot write");
        s += n;
        len -= (size_t)n;
    }
    return 0;
}

int io_write_at(int fd, const void *p, size_t len, off_t offset)
{
    const char *at = p;
    while (len) {
        ssize_t n = pwrite(fd, at, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        len -= (size_t)n;
        offset += n;
    }
    return 0;
}

int io_read_all(int fd, size_t max, struct buf *out, struct err *err)
{
    for (size_t total = 0;;) {
        ssize_t n = read(fd, buf_room(out, CHUNK), CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read");
        if (n == 0)
            return 0;
        buf_grew(out, (size_t)n);
        total += (size_t)n;
        if (total > max)
            return err_set(err, ERR_DATA, "is over the limit of %zu bytes", max);
    }
}

int io_read_file(const char *path, size_t max, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open %s", path);
    int rc = io_read_all(fd, max, out, err);
    close(fd);
    if (rc < 0)
        err_place(err, "%s", path);
    return rc;
}

int io_mkdirs(const char *path, mode_t mode, struct err *err)
{
    char *copy = xstrdup(path);
    int rc = 0;
    for (char *slash = copy; slash && rc == 0;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST)
            rc = err_sys(err, ERR_IO, "cannot make directory %s", copy);
        if (slash)
            *slash = '/';
    }
    free(copy);
    return rc;
}

int io_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return ERR_OS;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? ERR_OS : 0;
}

char *io_expand_home(const char *path)
{
    const char *home = getenv("HOME");
    if (strncmp(path, "~/", 2) != 0 || !home)
        return xstrdup(path);
    return xasprintf("%s/%s", home, path + 2);
}

int io_sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? err_sys(err, ERR_IO, "cannot sync directory %s", path) : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}
