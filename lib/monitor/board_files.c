/* Where the board is written, and how: whole files or none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board_internal.h"
#include "io.h"

static const char PAGE[] = "index.html";

/* Who may enter the directory may read what is in it. */
static unsigned mode_of(const struct stat *st)
{
    return 0600 | (st->st_mode & S_IXGRP ? 0040 : 0) | (st->st_mode & S_IXOTH ? 0004 : 0);
}

static int lock(struct board_place *place, struct err *err)
{
    struct stat st;
    if (flock(place->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return err_set(err, ERR_BUSY,
                           "another 'rota monitor board' is writing to %s: try again", place->path);
        return err_sys(err, ERR_IO, "cannot lock %s", place->path);
    }
    if (fstat(place->fd, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at %s", place->path);
    place->mode = mode_of(&st);
    return 0;
}

/* Somebody's own page is not overwritten, nor a pile of text files tidied up. */
static int refuse_foreign(const struct board_place *place, struct err *err)
{
    char head[256];
    int fd = openat(place->fd, PAGE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    if (n >= 0 && (n == 0 || board_page_is_ours(head, (size_t)n)))
        return 0;
    return err_set(err, ERR_IO,
                   "%s/%s was not written by rota: name a directory that is only for the board",
                   place->path, PAGE);
}

/* A directory that gives its files a group (2750) does so through output/ too. Only mkdir passes that
 * bit on for somebody who is not of the group, a chmod would clear it: hence the umask. */
static int open_output(struct board_place *place, struct err *err)
{
    struct stat st;
    mode_t read = place->mode & 0044, want = 0700 | read | read >> 2;
    mode_t mask = umask(0);
    bool made = mkdirat(place->fd, "output", want) == 0;
    umask(mask);
    if (!made && errno != EEXIST)
        return err_sys(err, ERR_IO, "cannot make %s/output", place->path);
    place->output = openat(place->fd, "output", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place->output < 0 || fstat(place->output, &st) < 0 ||
        ((st.st_mode & 0777) != want && fchmod(place->output, want | (st.st_mode & S_ISGID)) < 0))
        return err_sys(err, ERR_IO, "cannot use %s/output", place->path);
    return 0;
}

int board_place_open(struct board_place *place, const char *path, struct err *err)
{
    *place = (struct board_place){.path = path, .fd = -1, .output = -1};
    int rc = io_mkdirs(path, 0700, err);
    if (rc < 0)
        return rc;
    place->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->fd < 0)
        return err_sys(err, ERR_IO, "cannot open %s", path);
    rc = lock(place, err);
    if (rc == 0)
        rc = refuse_foreign(place, err);
    return rc < 0 ? rc : open_output(place, err);
}

void board_place_close(struct board_place *place)
{
    if (place->output >= 0)
        close(place->output);
    if (place->fd >= 0)
        close(place->fd);
    place->fd = place->output = -1;
}

/* The lock makes one temporary name enough; what a killed writer left is taken away first. */
int board_place_write(const struct board_place *place, int at, const char *name, const void *p,
                      size_t len, struct err *err)
{
    static const char NEW[] = ".new";
    const char *below = at == place->output ? "output/" : "";
    if (unlinkat(at, NEW, 0) < 0 && errno != ENOENT)
        return err_sys(err, ERR_IO, "cannot write %s/%s%s", place->path, below, name);
    int fd = openat(at, NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot write %s/%s%s", place->path, below, name);
    bool bad = io_write_all(fd, p, len, NULL) < 0 || fchmod(fd, place->mode) < 0;
    int saved = errno;
    if (close(fd) < 0 && !bad) {
        bad = true;
        saved = errno;
    }
    if (!bad && renameat(at, NEW, at, name) < 0) {
        bad = true;
        saved = errno;
    }
    if (!bad)
        return 0;
    (void)unlinkat(at, NEW, 0);
    errno = saved;
    return err_sys(err, ERR_IO, "cannot write %s/%s%s", place->path, below, name);
}
