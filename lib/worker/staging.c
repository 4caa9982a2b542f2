#include "worker/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "job.h"
#include "sha256.h"
#include "xalloc.h"

enum { PIECE = 32 << 10 };

char *staging_path(const char *spool)
{
    return xasprintf("%s/staging", spool);
}

int staging_open(const char *path)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

void staging_name(enum staging_kind kind, struct message_key key, unsigned index,
                  char name[STAGING_NAME])
{
    (void)snprintf(name, STAGING_NAME, "%c.%" PRIu64 ".%" PRIu32 ".%016" PRIx64 ".%u", (char)kind,
                   key.run, key.attempt, key.token, index);
}

static int use_dir(struct front *front)
{
    if (front->staging < 0) {
        char *path = staging_path(front->spool.dir);
        front->staging = staging_open(path);
        free(path);
    }
    return front->staging;
}

/* ---- what the head puts ---- */

/* -1 and errno. */
static int keep_part(struct front *front, struct message_key key, unsigned index, uint64_t offset,
                     const struct message_field *data)
{
    char name[STAGING_NAME];
    int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (offset ? 0 : O_CREAT | O_TRUNC);
    int dir = use_dir(front);
    staging_name(STAGING_PUT, key, index, name);
    int fd = dir < 0 ? -1 : openat(dir, name, flags, 0600);
    if (fd < 0)
        return -1;
    int rc = io_write_at(fd, data->p, data->len, (off_t)offset), saved = errno;
    if (close(fd) < 0 && rc == 0)
        return -1;
    errno = saved;
    return rc;
}

/* A file may have been put for a run that is begun, by a head that is mad: the shim reads it, or has. */
void staging_take(struct front *front, const struct message *m)
{
    struct message_key key = message_get_key(m);
    struct message_field data;
    uint64_t index = message_get_u64(m, TAG_FILE, JOB_FILES_MAX);
    uint64_t offset = message_get_u64(m, TAG_OFFSET, UINT64_MAX);
    char reason[128] = "";
    if (index >= JOB_FILES_MAX || !message_get(m, TAG_DATA, &data) || offset > JOB_FILE_MAX ||
        data.len > JOB_FILE_MAX - offset || charge_find(&front->charges, key)) {
        (void)snprintf(reason, sizeof reason, "the worker cannot take such a part of a file");
    } else {
        front->staged = true;
        if (keep_part(front, key, (unsigned)index, offset, &data) < 0)
            (void)snprintf(reason, sizeof reason, "cannot keep a file in the spool: %s",
                           strerror(errno));
    }
    struct message_writer w = message_begin(&front->out, MSG_TAKEN);
    message_key(&w, key);
    message_u64(&w, TAG_FILE, index);
    message_str(&w, TAG_REASON, *reason ? reason : NULL);
    message_end(&w);
}

/* ---- what the head gets ---- */

bool staging_has(const struct charge *charge)
{
    return charge->result && charge->file < JOB_FILES_MAX &&
           charge->result->result.files >> charge->file;
}

static void next_file(struct charge *charge)
{
    charge->file++;
    charge->file_at = 0;
}

static void say_gone(struct front *front, struct charge *charge)
{
    struct message_writer w = message_begin(&front->out, MSG_GET);
    message_key(&w, charge->key);
    message_u64(&w, TAG_FILE, charge->file);
    message_str(&w, TAG_REASON, "it was in the worker's spool and is not any more");
    message_end(&w);
    next_file(charge);
}

static void say_part(struct front *front, struct charge *charge, const char *part, size_t len,
                     uint64_t size, const unsigned char *sha)
{
    struct message_writer w = message_begin(&front->out, MSG_GET);
    message_key(&w, charge->key);
    message_u64(&w, TAG_FILE, charge->file);
    message_u64(&w, TAG_OFFSET, charge->file_at);
    message_bytes(&w, TAG_DATA, part, len);
    charge->file_at += len;
    charge->credit -= len;
    if (charge->file_at == size) {
        message_u64(&w, TAG_SIZE, size);
        message_bytes(&w, TAG_SHA256, sha, SHA256_SIZE);
    }
    message_end(&w);
    if (charge->file_at == size)
        next_file(charge);
}

/* Of an open file: false when it is not what a shim left there. */
static bool send_open(struct front *front, struct charge *charge, int fd)
{
    static char part[PIECE];
    unsigned char sha[SHA256_SIZE];
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < SHA256_SIZE)
        return false;
    uint64_t size = (uint64_t)st.st_size - SHA256_SIZE;
    if (charge->file_at > size || pread(fd, sha, sizeof sha, (off_t)size) != (ssize_t)sizeof sha)
        return false;
    uint64_t left = size - charge->file_at;
    size_t len = left < PIECE ? (size_t)left : PIECE;
    if (len > charge->credit)
        len = (size_t)charge->credit;
    if (len && pread(fd, part, len, (off_t)charge->file_at) != (ssize_t)len)
        return false;
    say_part(front, charge, part, len, size, sha);
    return true;
}

bool staging_send(struct front *front, struct charge *charge)
{
    char name[STAGING_NAME];
    while (!(charge->result->result.files >> charge->file & 1))
        charge->file++; /* staging_has: there is one */
    staging_name(STAGING_GET, charge->key, charge->file, name);
    int dir = use_dir(front);
    int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return false; /* too many open files, say: each PING tries again */
    if (fd < 0 || !send_open(front, charge, fd))
        say_gone(front, charge);
    if (fd >= 0)
        close(fd);
    return true;
}

/* ---- what is not wanted any more ---- */

void staging_drop(struct front *front, struct message_key key)
{
    char name[STAGING_NAME];
    int dir = use_dir(front);
    for (unsigned i = 0; dir >= 0 && i < JOB_FILES_MAX; i++) {
        staging_name(STAGING_PUT, key, i, name);
        (void)unlinkat(dir, name, 0);
        staging_name(STAGING_GET, key, i, name);
        (void)unlinkat(dir, name, 0);
    }
}

/* The number between a dot and a dot, and *at moves to the second. False: there is none. */
static bool read_number(const char **at, int base, uint64_t *number)
{
    char *end = NULL;
    if (**at != '.')
        return false;
    *number = strtoull(*at + 1, &end, base);
    *at = end;
    return *end == '.';
}

static struct charge *charge_of_name(const struct front *front, const char *name)
{
    uint64_t run, attempt, token;
    const char *at = *name ? name + 1 : name; /* behind the kind */
    if (!read_number(&at, 10, &run) || !read_number(&at, 10, &attempt) ||
        !read_number(&at, 16, &token))
        return NULL;
    return charge_find(&front->charges, (struct message_key){run, (uint32_t)attempt, token});
}

void staging_sweep(struct front *front)
{
    char *path = staging_path(front->spool.dir);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    free(path);
    if (fd >= 0 && !dir)
        close(fd);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        struct charge *charge = charge_of_name(front, entry->d_name);
        if (charge)
            charge->filed = true;
        else if (*entry->d_name != '.')
            (void)unlinkat(fd, entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}
