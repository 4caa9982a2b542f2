#include "worker/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job.h"
#include "worker/executor.h"
#include "worker/launch.h"
#include "worker/staging.h"
#include "xalloc.h"

enum { PART = 65536, TEMPORARY = 64 };

/* ---- of an order ---- */

static void add(struct order *order, struct order_files *files, const struct message_field *f)
{
    if (files->n == JOB_FILES_MAX || !f->len || memchr(f->p, '\0', f->len)) {
        order_refuse(order, "its files are over what a worker takes, or one has no name");
        return;
    }
    files->v = xreallocarray(files->v, files->n + 1, sizeof *files->v);
    files->v[files->n++] = (struct order_file){.path = xstrndup((const char *)f->p, f->len)};
}

void files_take_field(struct order *order, const struct message_field *f)
{
    struct order_file *put = order->put.n ? &order->put.v[order->put.n - 1] : NULL;
    struct order_file *get = order->get.n ? &order->get.v[order->get.n - 1] : NULL;
    if (f->tag == TAG_PUT_TO)
        add(order, &order->put, f);
    else if (f->tag == TAG_GET_FROM)
        add(order, &order->get, f);
    else if (f->tag == TAG_MODE && put)
        put->mode = message_field_u64(f) & 0777;
    else if (f->tag == TAG_SIZE && put)
        put->size = message_field_u64(f);
    else if (f->tag == TAG_SHA256 && put && f->len == SHA256_SIZE)
        memcpy(put->sha, f->p, SHA256_SIZE);
    else if (f->tag == TAG_OPTIONAL && get)
        get->optional = message_field_u64(f) == 1;
}

void files_check(struct order *order)
{
    if ((order->put.n || order->get.n) && order->executor && order->executor->carried)
        order_refuse(order, "a run that is carried elsewhere cannot be given files");
}

static void free_list(struct order_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->v[i].path);
    free(files->v);
}

void files_free(struct order *order)
{
    free_list(&order->put);
    free_list(&order->get);
    free(order->staging);
}

/* ---- in the child ---- */

struct copier {
    const struct order *order;
    struct files_told *told;
    pid_t shim;
    int staged[JOB_FILES_MAX]; /* descriptors of files in the staging; -1: none */
    int dir[JOB_FILES_MAX];    /* directories of targets, with a temporary file in each */
};

__attribute__((format(printf, 2, 3))) static int fail(struct copier *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!*c->told->reason)
        (void)vsnprintf(c->told->reason, sizeof c->told->reason, fmt, ap);
    va_end(ap);
    return -1;
}

/* The long part of a path is its beginning. */
static const char *short_path(const char *path)
{
    size_t len = strlen(path);
    return len > 80 ? path + len - 80 : path;
}

static bool is_told_to_end(const struct copier *c)
{
    sigset_t pending;
    return getppid() != c->shim ||
           (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1);
}

/* Copies to the end of a file, at most `max` bytes. The size; -1: told to end, or errno. */
static int64_t copy(const struct copier *c, int from, int to, uint64_t max,
                    unsigned char sha[SHA256_SIZE])
{
    static char part[PART];
    struct sha256 hash;
    uint64_t size = 0;
    sha256_begin(&hash);
    for (;;) {
        if (is_told_to_end(c)) {
            errno = EINTR;
            return -1;
        }
        ssize_t n = read(from, part, sizeof part);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        size += (uint64_t)n;
        if (size > max) {
            errno = EFBIG;
            return -1;
        }
        sha256_add(&hash, part, (size_t)n);
        for (ssize_t at = 0, done; at < n; at += done)
            if ((done = write(to, part + at, (size_t)(n - at))) < 0)
                return -1;
    }
    sha256_end(&hash, sha);
    return (int64_t)size;
}

/* ---- put ---- */

static void name_temporary(const struct order *order, size_t i, char name[TEMPORARY])
{
    (void)snprintf(name, TEMPORARY, ".rota-%016" PRIx64 ".%zu", order->key.token, i);
}

static int open_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = !slash          ? xstrdup(".")
                : slash == path ? xstrdup("/")
                                : xstrndup(path, (size_t)(slash - path));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    return fd;
}

static int fill(struct copier *c, size_t i, int fd)
{
    const struct order_file *file = &c->order->put.v[i];
    unsigned char sha[SHA256_SIZE];
    int64_t size = copy(c, c->staged[i], fd, JOB_FILE_MAX, sha);
    if (size < 0)
        return fail(c, "files.put: %s: %s", short_path(file->path), strerror(errno));
    if ((uint64_t)size != file->size || memcmp(sha, file->sha, sizeof sha) != 0)
        return fail(c, "files.put: %s did not arrive as it was sent", short_path(file->path));
    if (fchmod(fd, file->mode) < 0)
        return fail(c, "files.put: %s: %s", short_path(file->path), strerror(errno));
    return 0;
}

static int put_beside(struct copier *c, size_t i)
{
    const char *path = c->order->put.v[i].path;
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    char name[TEMPORARY];
    name_temporary(c->order, i, name);
    if (c->staged[i] < 0)
        return fail(c, "files.put: %s is not in the spool of the worker", short_path(path));
    int dir = open_parent(path);
    int fd = dir < 0 ? -1 : openat(dir, name, flags, 0600);
    if (fd < 0) {
        (void)fail(c, "files.put: %s: %s", short_path(path), strerror(errno));
        if (dir >= 0)
            close(dir);
        return -1;
    }
    c->dir[i] = dir;
    int rc = fill(c, i, fd);
    if (close(fd) < 0 && rc == 0)
        rc = fail(c, "files.put: %s: %s", short_path(path), strerror(errno));
    return rc;
}

/* A directory in the place of a file is refused by the kernel, a link is replaced. */
static int put_in_place(struct copier *c, size_t i)
{
    const char *path = c->order->put.v[i].path, *slash = strrchr(path, '/');
    char name[TEMPORARY];
    name_temporary(c->order, i, name);
    if (is_told_to_end(c))
        return fail(c, "files.put: told to end");
    if (renameat(c->dir[i], name, c->dir[i], slash ? slash + 1 : path) < 0)
        return fail(c, "files.put: %s: %s", short_path(path), strerror(errno));
    close(c->dir[i]);
    c->dir[i] = -1;
    return 0;
}

static int put_all(struct copier *c)
{
    size_t n = c->order->put.n;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_beside(c, i);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_in_place(c, i);
    for (size_t i = 0; i < n; i++) {
        char name[TEMPORARY];
        name_temporary(c->order, i, name);
        if (c->dir[i] >= 0)
            (void)unlinkat(c->dir[i], name, 0);
    }
    return rc;
}

/* ---- get ---- */

static int open_wanted(struct copier *c, const struct order_file *file)
{
    struct stat st = {0};
    int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && file->optional)
        return -1;
    if (fd < 0)
        return fail(c, "files.get: %s: %s", short_path(file->path),
                    errno == ELOOP ? "it is a symbolic link" : strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= JOB_FILE_MAX)
        return fd;
    close(fd);
    if (S_ISREG(st.st_mode))
        return fail(c, "files.get: %s is over %d MiB", short_path(file->path), JOB_FILE_MAX >> 20);
    return fail(c, "files.get: %s is no file", short_path(file->path));
}

static void get_one(struct copier *c, size_t i)
{
    const struct order_file *file = &c->order->get.v[i];
    unsigned char sha[SHA256_SIZE];
    int fd = open_wanted(c, file);
    if (fd < 0)
        return;
    int64_t size = c->staged[i] < 0 ? -1 : copy(c, fd, c->staged[i], JOB_FILE_MAX, sha);
    if (size >= 0 && write(c->staged[i], sha, sizeof sha) == (ssize_t)sizeof sha)
        c->told->got |= UINT64_C(1) << i;
    else
        (void)fail(c, "files.get: %s: %s", short_path(file->path), strerror(errno));
    close(fd);
}

/* The others are got although one is not. */
static int get_all(struct copier *c)
{
    for (size_t i = 0; i < c->order->get.n && !is_told_to_end(c); i++)
        get_one(c, i);
    return *c->told->reason ? -1 : 0;
}

/* ---- both ---- */

/* While it may: the staging is closed to the run's account. */
static void open_staged(struct copier *c, enum files_work work, size_t n)
{
    int dir = staging_open(c->order->staging);
    for (size_t i = 0; i < JOB_FILES_MAX; i++) {
        char name[STAGING_NAME];
        staging_name(work == FILES_PUT ? STAGING_PUT : STAGING_GET, c->order->key, (unsigned)i,
                     name);
        int flags = work == FILES_PUT ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
        c->staged[i] =
            i < n && dir >= 0 ? openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
        c->dir[i] = -1;
    }
    if (dir >= 0)
        close(dir);
}

static bool has_relative(const struct order_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (*files->v[i].path != '/')
            return true;
    return false;
}

static int enter(struct copier *c, const struct order_files *files)
{
    bool is_home;
    char *dir = order_directory(c->order, &is_home);
    if (launch_become(c->order->as) < 0)
        return fail(c, "cannot become user '%s': %s", c->order->as->name, strerror(errno));
    /* after launch_become, which takes the wish back */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || is_told_to_end(c))
        return fail(c, "told to end");
    if (chdir(dir) < 0 && has_relative(files))
        return fail(c, "cannot enter %s: %s", short_path(dir), strerror(errno));
    (void)umask(0077);
    free(dir);
    return 0;
}

pid_t files_begin(const struct order *order, enum files_work work, struct files_told **told,
                  struct err *err)
{
    struct copier c = {.order = order, .shim = getpid()};
    c.told = mmap(NULL, sizeof *c.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c.told == MAP_FAILED)
        return err_sys(err, ERR_OS, "cannot get memory for copying files on this host");
    *told = c.told;
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(err, ERR_OS, "cannot start a process on this host");
    if (pid > 0) {
        (void)setpgid(pid, pid);
        return pid;
    }
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_NAME, "rota-files");
    const struct order_files *files = work == FILES_PUT ? &order->put : &order->get;
    open_staged(&c, work, files->n);
    _exit(enter(&c, files) < 0 || (work == FILES_PUT ? put_all(&c) : get_all(&c)) < 0);
}

void files_drop_put(const struct order *order)
{
    int dir = staging_open(order->staging);
    for (size_t i = 0; dir >= 0 && i < order->put.n; i++) {
        char name[STAGING_NAME];
        staging_name(STAGING_PUT, order->key, (unsigned)i, name);
        (void)unlinkat(dir, name, 0);
    }
    if (dir >= 0)
        close(dir);
}
