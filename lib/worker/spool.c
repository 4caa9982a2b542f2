#include "worker/spool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "netfs.h"
#include "worker/shim.h"
#include "worker/tree.h"
#include "xalloc.h"

/* A front end ends at once on SIGTERM; one that is stopped or stuck is killed, which costs no run
 * anything. */
enum { TAKE_MS = 10000, TERM_MS = 2000, TICK_US = 50000 };

/* ---- where ---- */

/* Locks, shared mappings and FIFOs do not work between hosts. */
static bool is_network(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && netfs_name(&fs);
}

static bool is_uuid(const char *s)
{
    size_t n = strspn(s, "0123456789abcdefABCDEF-");
    return n >= 8 && n <= 64 && !s[n];
}

/* The rule of name_is_valid: a part of a path must not lead elsewhere. */
static bool is_name(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || (s[n] && strchr("._-", s[n])))
        n++;
    return n > 0 && n <= 64 && !s[n] && (isalpha((unsigned char)*s) || *s == '_');
}

/* In /var/tmp anybody may have made the name before us: it must be a directory, ours and closed. */
static int check_own(const char *dir, struct err *err)
{
    struct stat st;
    if (lstat(dir, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at the spool %s", dir);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
        return err_set(err, ERR_CONFIG,
                       "%s is not a directory that only this user writes: remove it, or set "
                       "'spool' for this worker",
                       dir);
    return 0;
}

char *spool_base(const char *base, const char *home)
{
    if (base)
        return strncmp(base, "~/", 2) != 0 ? xstrdup(base) : xasprintf("%s/%s", home, base + 2);
    if (!is_network(home))
        return xasprintf("%s/.local/state/rota-worker", home);
    return xasprintf("/var/tmp/rota-worker-%u", (unsigned)geteuid());
}

static char *choose_base(const char *base, const char *home, struct err *err)
{
    if (base && *base != '/' && strncmp(base, "~/", 2) != 0) {
        (void)err_set(err, ERR_CONFIG, "the spool '%s' is no absolute path", base);
        return NULL;
    }
    char *dir = spool_base(base, home);
    if (base || !is_network(home))
        return dir;
    if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || check_own(dir, err) < 0) {
        if (!err->code)
            (void)err_sys(err, ERR_IO, "cannot make %s", dir);
        free(dir);
        return NULL;
    }
    return dir;
}

int spool_open(struct spool *spool, const char *base, const char *home, const char *uuid,
               const char *worker, struct err *err)
{
    *spool = (struct spool){.lock = -1};
    *err = (struct err){0};
    if (!uuid || !is_uuid(uuid))
        return err_set(err, ERR_CONFIG, "the head sent no valid catalogue id");
    if (!worker || !is_name(worker))
        return err_set(err, ERR_CONFIG, "the head sent no valid worker name");
    char *chosen = choose_base(base, home, err);
    if (!chosen)
        return err->code;
    spool->dir = xasprintf("%s/%s/%s", chosen, uuid, worker);
    char *cells = xasprintf("%s/cells", spool->dir);
    /* looked at before anything is made in it: it may be a link to a place that is none of ours */
    int rc = io_mkdirs(spool->dir, 0700, err);
    if (rc == 0)
        rc = check_own(spool->dir, err);
    if (rc == 0)
        rc = io_mkdirs(cells, 0700, err);
    if (rc == 0 && is_network(spool->dir))
        rc = err_set(err, ERR_CONFIG,
                     "the spool %s is on a network filesystem: set 'spool' to a local directory",
                     spool->dir);
    free(cells);
    free(chosen);
    return rc;
}

static int open_in(const struct spool *spool, const char *name, int flags)
{
    char *path = xasprintf("%s/%s", spool->dir, name);
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(path);
    return fd;
}

static int place(int fd, int want)
{
    if (fd < 0 || dup3(fd, want, O_CLOEXEC) < 0)
        return -1;
    close(fd);
    return 0;
}

/* Read and write, so that the FIFO never ends for us and no shim ever waits for, or dies of, the
 * absence of a front end. */
int spool_open_fixed(const struct spool *spool, struct err *err)
{
    char *path = xasprintf("%s/notify", spool->dir);
    int rc = mkfifo(path, 0600) < 0 && errno != EEXIST ? -1 : 0;
    free(path);
    if (rc < 0 || place(open_in(spool, "notify", O_RDWR | O_NONBLOCK), FD_NOTIFY) < 0 ||
        place(open_in(spool, "cells", O_RDONLY | O_DIRECTORY), FD_CELLS) < 0)
        return err_sys(err, ERR_IO, "cannot open the spool %s", spool->dir);
    return 0;
}

/* ---- who ---- */

static void wake(int sig)
{
    (void)sig; /* its coming interrupts F_SETLKW: that is all */
}

static pid_t holder_of(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

/* A pid that the kernel names as the holder is alive: asked again once a pidfd holds it, it is the one. */
static bool still_holds(pid_t pid, const void *arg)
{
    return holder_of(*(const int *)arg) == pid;
}

static void end_holder(int fd, int sig)
{
    pid_t pid = holder_of(fd);
    if (pid > 0 && pid != getpid())
        (void)tree_kill_checked(pid, sig, 0, still_holds, &fd);
}

/* Waits for the lock until a monotonic time; a ticking timer bounds the wait, and again, should a
 * tick come before the call. */
static bool await_lock(int fd, int64_t until)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    while (clock_mono() < until) {
        if (fcntl(fd, F_SETLKW, &lock) == 0)
            return true;
        if (errno != EINTR)
            return false;
    }
    return false;
}

/* The lock is of the kind that belongs to a process and not to a descriptor: shims do not
 * inherit it, and it ends with the front end however that ends. It would also end if this process
 * closed any other descriptor of the file, so the file is opened here and nowhere else. */
int spool_lock(struct spool *spool, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int64_t begin = clock_mono();
    spool->lock = open_in(spool, "lock", O_RDWR | O_CREAT);
    if (spool->lock < 0)
        return err_sys(err, ERR_IO, "cannot open the lock of the spool %s", spool->dir);
    if (fcntl(spool->lock, F_SETLK, &lock) == 0)
        return 0;
    struct sigaction tick = {.sa_handler = wake}, before;
    struct itimerval every = {{0, TICK_US}, {0, TICK_US}}, never = {{0, 0}, {0, 0}};
    (void)sigaction(SIGALRM, &tick, &before);
    (void)setitimer(ITIMER_REAL, &every, NULL);
    end_holder(spool->lock, SIGTERM);
    bool got = await_lock(spool->lock, begin + TERM_MS);
    if (!got) {
        end_holder(spool->lock, SIGKILL);
        got = await_lock(spool->lock, begin + TAKE_MS);
    }
    (void)setitimer(ITIMER_REAL, &never, NULL);
    (void)sigaction(SIGALRM, &before, NULL);
    if (!got)
        return err_set(err, ERR_BUSY, "another rota-worker holds the spool %s and does not end",
                       spool->dir);
    return 0;
}

/* ---- which head ---- */

/* A file that cannot be read as two numbers was torn by a crash of the host and counts as absent. */
static void read_fence(const struct spool *spool, uint64_t seen[2])
{
    struct buf text = {0};
    char *path = xasprintf("%s/fence", spool->dir), *end;
    seen[0] = seen[1] = 0;
    if (io_read_file(path, 256, &text, NULL) == 0) {
        uint64_t epoch = strtoull(buf_str(&text), &end, 10);
        if (*end == ' ') {
            seen[0] = epoch;
            seen[1] = strtoull(end, NULL, 10);
        }
    }
    free(path);
    buf_free(&text);
}

int spool_check_fence(const struct spool *spool, uint64_t epoch, uint64_t fence, struct err *err)
{
    uint64_t seen[2];
    read_fence(spool, seen);
    if (epoch > seen[0] || (epoch == seen[0] && fence >= seen[1]))
        return 0;
    return err_set(err, ERR_ANSWER,
                   "a newer dispatcher (epoch %" PRIu64 ", fence %" PRIu64
                   ") has spoken to this worker, this one is of epoch %" PRIu64 ", fence %" PRIu64
                   " (if this catalogue was restored from a backup: rota dispatch --take-over)",
                   seen[0], seen[1], epoch, fence);
}

/* Writes a small file whole before it has its name: who dies amid it leaves the old one. */
static int write_whole(const struct spool *spool, const char *name, const char *text, size_t len,
                       struct err *err)
{
    char *fresh = xasprintf("%s/%s.new", spool->dir, name),
         *path = xasprintf("%s/%s", spool->dir, name);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = fd < 0 ? ERR_IO : io_write_all(fd, text, len, err);
    if (fd >= 0)
        close(fd);
    if (rc < 0 || rename(fresh, path) < 0)
        rc = err_sys(err, ERR_IO, "cannot write %s", path);
    free(fresh);
    free(path);
    return rc;
}

int spool_identify(struct spool *spool, struct err *err)
{
    struct buf text = {0};
    char *path = xasprintf("%s/id", spool->dir);
    int rc = io_read_file(path, SPOOL_ID, &text, NULL);
    free(path);
    if (rc == 0 && text.len == SPOOL_ID) {
        memcpy(spool->id, buf_data(&text), SPOOL_ID);
    } else {
        unsigned char random[SPOOL_ID / 2];
        if (getrandom(random, sizeof random, 0) != sizeof random)
            rc = err_sys(err, ERR_OS, "cannot get random bytes");
        else
            rc = 0;
        for (size_t i = 0; i < sizeof random; i++)
            (void)snprintf(spool->id + 2 * i, 3, "%02x", random[i]);
        if (rc == 0)
            rc = write_whole(spool, "id", spool->id, SPOOL_ID, err);
    }
    spool->id[SPOOL_ID] = '\0';
    buf_free(&text);
    return rc;
}

int spool_raise_fence(const struct spool *spool, uint64_t epoch, uint64_t fence, struct err *err)
{
    uint64_t seen[2];
    int rc = spool_check_fence(spool, epoch, fence, err);
    if (rc < 0)
        return rc;
    read_fence(spool, seen);
    if (seen[0] == epoch && seen[1] == fence)
        return 0;
    char line[64];
    int len = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 "\n", epoch, fence);
    return write_whole(spool, "fence", line, (size_t)len, err);
}

void spool_close(struct spool *spool)
{
    if (spool->lock >= 0)
        close(spool->lock);
    free(spool->dir);
    *spool = (struct spool){.lock = -1};
}
