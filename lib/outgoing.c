#include "outgoing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "job.h"
#include "message.h"
#include "sha256.h"

static int flush(int to, struct buf *out, struct err *err)
{
    int rc = io_write_all(to, buf_data(out), out->len, err);
    buf_reset(out);
    return rc;
}

static ssize_t read_part(int fd, char *part, size_t size)
{
    ssize_t n;
    do
        n = read(fd, part, size);
    while (n < 0 && errno == EINTR);
    return n;
}

static int say_part(int to, size_t file, uint64_t at, const char *part, size_t len, struct err *err)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_PUT);
    message_u64(&w, TAG_FILE, file);
    message_u64(&w, TAG_OFFSET, at);
    message_bytes(&w, TAG_DATA, part, len);
    message_end(&w);
    int rc = flush(to, &out, err);
    buf_free(&out);
    return rc;
}

static int say_end(int to, size_t file, uint64_t size, struct sha256 *sha, struct err *err)
{
    struct buf out = {0};
    unsigned char hash[SHA256_SIZE];
    sha256_end(sha, hash);
    struct message_writer w = message_begin(&out, MSG_PUT);
    message_u64(&w, TAG_FILE, file);
    message_u64(&w, TAG_SIZE, size);
    message_bytes(&w, TAG_SHA256, hash, sizeof hash);
    message_end(&w);
    int rc = flush(to, &out, err);
    buf_free(&out);
    return rc;
}

static int say_wrong(int to, size_t file, const struct err *why, struct err *err)
{
    struct buf out = {0};
    struct message_writer w = message_begin(&out, MSG_PUT);
    message_u64(&w, TAG_FILE, file);
    message_str(&w, TAG_REASON, why->msg);
    message_end(&w);
    int rc = flush(to, &out, err);
    buf_free(&out);
    return rc;
}

static int open_source(const char *path, struct stat *st, struct err *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc = 0;
    if (fd < 0 || fstat(fd, st) < 0)
        rc = err_sys(why, ERR_IO, "cannot read %s", path);
    else if (!S_ISREG(st->st_mode))
        rc = err_set(why, ERR_DATA, "%s is no file", path);
    else if (st->st_size > JOB_FILE_MAX)
        rc = err_set(why, ERR_DATA, "%s is over %d MiB", path, JOB_FILE_MAX >> 20);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

/* One that is written while it is read would arrive half old, half new. */
static bool changed(int fd, const struct stat *before, uint64_t size)
{
    struct stat now;
    return fstat(fd, &now) < 0 || (uint64_t)before->st_size != size ||
           now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

/* 0; ERR_IO: nobody reads; *why is set when something is wrong with the file. */
static int send_open(int to, int fd, const char *path, size_t file, const struct stat *before,
                     struct err *why, struct err *err)
{
    static char part[OUTGOING_PART];
    struct sha256 sha;
    uint64_t at = 0;
    ssize_t n;
    int rc = 0;
    sha256_begin(&sha);
    do {
        n = read_part(fd, part, sizeof part);
        if (n < 0) {
            (void)err_sys(why, ERR_IO, "cannot read %s", path);
            return 0;
        }
        sha256_add(&sha, part, (size_t)n);
        if (n || !at) /* an empty file is one part */
            rc = say_part(to, file, at, part, (size_t)n, err);
        at += (uint64_t)n;
    } while (rc == 0 && n && at <= (uint64_t)before->st_size);
    if (rc == 0 && changed(fd, before, at))
        (void)err_set(why, ERR_DATA, "%s changed while it was read", path);
    return rc == 0 && !why->code ? say_end(to, file, at, &sha, err) : rc;
}

int outgoing_write(int to, char *const paths[], size_t n, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct err why = {0};
        struct stat st;
        int fd = open_source(paths[i], &st, &why);
        if (fd >= 0) {
            rc = send_open(to, fd, paths[i], i, &st, &why, err);
            close(fd);
        }
        if (why.code)
            return say_wrong(to, i, &why, err);
    }
    return rc;
}
