#include "worker/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "io.h"
#include "values.h"
#include "worker/mask.h"
#include "xalloc.h"

enum { FILE_MAX = 4 * VALUES_MAX }; /* read of a file; what is behind it is ignored */

static const char IN_TMP[] = "values"; /* in a directory of its own */

static char *tmp_dir(struct message_key key)
{
    return xasprintf("/tmp/rota-%016" PRIx64 ".%" PRIu64 ".%" PRIu32, key.token, key.run,
                     key.attempt);
}

/* With the token: what a run left behind may write for long after the cell has become another's. */
static void name_written(uint32_t cell, struct message_key key, char name[64])
{
    (void)snprintf(name, 64, "%u.%016" PRIx64 ".set", cell, key.token);
}

char *handover_path_in(const struct order *order, const char *cells)
{
    char name[64];
    name_written((uint32_t)order->cell, order->key, name);
    return xasprintf("%s/%s", cells, name);
}

char *handover_path(const struct order *order, const char *spool)
{
    char *path, *dir;
    if (!order->as) {
        char *cells = xasprintf("%s/cells", spool);
        path = handover_path_in(order, cells);
        free(cells);
        return path;
    }
    dir = tmp_dir(order->key);
    path = xasprintf("%s/%s", dir, IN_TMP);
    free(dir);
    return path;
}

/* It may be another one by now, which its owner put there: but no link, and below it only this name is
 * touched. */
static int open_tmp(struct message_key key)
{
    char *dir = tmp_dir(key);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    free(dir);
    return fd;
}

/* Where a run that becomes another account may write, and nobody else look. Without it, as when /tmp is full,
 * the run cannot tell anything. */
void handover_prepare(const struct order *order)
{
    char *dir = order->as ? tmp_dir(order->key) : NULL;
    if (dir && mkdir(dir, 0700) == 0) {
        int fd = open_tmp(order->key);
        if (fd >= 0 && fchown(fd, order->as->uid, order->as->gid) < 0)
            (void)rmdir(dir);
        if (fd >= 0)
            close(fd);
    }
    free(dir);
}

void handover_drop(int cells, uint32_t cell, struct message_key key)
{
    char name[64], *dir = tmp_dir(key);
    int fd = open_tmp(key);
    if (fd >= 0) {
        (void)unlinkat(fd, IN_TMP, 0);
        (void)rmdir(dir);
        close(fd);
    }
    free(dir);
    name_written(cell, key, name);
    (void)unlinkat(cells, name, 0);
}

static void remove_written(int cells, uint32_t cell, uint64_t token, void *arg)
{
    char name[64];
    (void)arg;
    name_written(cell, (struct message_key){.token = token}, name);
    (void)unlinkat(cells, name, 0);
}

void handover_sweep(int cells, leavings_live *is_live, const void *arg)
{
    leavings_each(cells, ".set", is_live, arg, remove_written, NULL);
}

static void name_kept(uint32_t cell, char name[32])
{
    (void)snprintf(name, 32, "%u.values", cell);
}

/* Whatever is there now: the run, which may be another account's, chose it. Only a plain file of that account
 * is read; where the run may be root by its own means, as with sudo, also one of root. */
static int open_written(const struct order *order, int dir, const char *name)
{
    struct stat st;
    uid_t owner = order->as ? order->as->uid : geteuid();
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
        (st.st_uid == owner || (!order->as && st.st_uid == 0)))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

static int open_output(const struct order *order, int cells)
{
    char name[64];
    name_written((uint32_t)order->cell, order->key, name);
    int dir = order->as ? open_tmp(order->key) : cells;
    int fd = dir < 0 ? -1 : open_written(order, dir, order->as ? IN_TMP : name);
    int saved = errno;
    if (order->as && dir >= 0)
        close(dir);
    errno = saved;
    return fd;
}

static size_t read_written(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

/* The good lines, as far as there is room for them. Returns how many others there are. */
static uint32_t sift(const char *text, size_t len, struct buf *good)
{
    uint32_t ignored = len > FILE_MAX;
    size_t end = len < FILE_MAX ? len : FILE_MAX;
    for (size_t at = 0; at < end;) {
        const char *eol = memchr(text + at, '\n', end - at);
        size_t line = eol ? (size_t)(eol - text) - at : end - at;
        if (line && value_is_valid(text + at, line) && good->len + line + 1 <= VALUES_MAX) {
            buf_add(good, text + at, line);
            buf_addch(good, '\n');
        } else if (line) {
            ignored++;
        }
        at += line + 1;
    }
    return ignored;
}

static int keep(int cells, uint32_t cell, const struct buf *good)
{
    char name[32];
    struct err err;
    name_kept(cell, name);
    int fd = openat(cells, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int rc = io_write_all(fd, buf_data(good), good->len, &err);
    close(fd);
    return rc;
}

void handover_take(const struct order *order, int cells, struct record_result *result)
{
    static char text[FILE_MAX + 1]; /* a shim does this once */
    struct buf good = {0};
    int fd = open_output(order, cells);
    bool none = fd < 0 && errno == ENOENT;
    size_t len = fd < 0 ? 0 : read_written(fd, text, sizeof text);
    len = mask_text(&order->secrets, text, len);
    if (fd >= 0)
        close(fd);
    if (!none || order->as)
        handover_drop(cells, (uint32_t)order->cell, order->key);
    if (none)
        return;
    result->values_ignored = fd < 0 ? 1 : sift(text, len, &good);
    if (!good.len)
        return;
    if (keep(cells, (uint32_t)order->cell, &good) < 0) {
        result->values_ignored++;
        return;
    }
    result->values = (uint32_t)good.len;
    result->values_crc = crc32_update(0, buf_data(&good), good.len);
    buf_free(&good);
}

int handover_read(int cells, uint32_t cell, struct record_result *result, struct buf *text)
{
    char name[32];
    name_kept(cell, name);
    int fd = openat(cells, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return -1;
    uint32_t size = result->values <= VALUES_MAX ? result->values : 0;
    size_t len = fd < 0 ? 0 : read_written(fd, buf_room(text, size + 1), size);
    if (fd >= 0)
        close(fd);
    buf_grew(text, len);
    if (!len || len != result->values ||
        crc32_update(0, buf_data(text), len) != result->values_crc) {
        buf_reset(text);
        result->values = 0;
        result->values_ignored++;
    }
    return 0;
}

void handover_forget(int cells, uint32_t cell)
{
    char name[32];
    name_kept(cell, name);
    (void)unlinkat(cells, name, 0);
}
