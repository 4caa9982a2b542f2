#include "worker/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32.h"
#include "xalloc.h"

/* "rotajnl" and the version of struct record; no part of it repeats, so that a search finds only whole ones. */
#define RECORD_MAGIC 0x726f74616a6e6c01U

enum {
    RECORDS_A_RUN = 3, /* STARTED, RESULT, ACKED */
    CHUNK = JOURNAL_RECORD * 128,
    RESERVE_STEP = 1 << 16,
    CHECKED_FROM = offsetof(struct record, kind)
};

_Static_assert(sizeof(struct record) == JOURNAL_RECORD, "records have one size");
_Static_assert(sizeof(struct record_result) <= JOURNAL_RECORD - 64, "a result fits");

static uint32_t checksum(const struct record *record)
{
    return crc32_update(0, (const char *)record + CHECKED_FROM, JOURNAL_RECORD - CHECKED_FROM);
}

void record_seal(struct record *record)
{
    record->magic = RECORD_MAGIC;
    record->crc = checksum(record);
}

bool record_is_good(struct record *record)
{
    if (record->magic != RECORD_MAGIC || record->crc != checksum(record))
        return false;
    record->room[sizeof record->room - 1] = '\0';
    if (record->kind == RECORD_RESULT)
        record->result.reason[sizeof record->result.reason - 1] = '\0';
    return true;
}

int record_append(int fd, const struct record *records, size_t n, struct err *err)
{
    size_t len = n * sizeof *records;
    ssize_t done;
    do
        done = write(fd, records, len);
    while (done < 0 && errno == EINTR);
    if (done < 0)
        return err_sys(err, ERR_IO, "cannot write the worker's journal");
    if ((size_t)done < len)
        return err_set(err, ERR_IO, "the worker's spool is full: make room on this host");
    return 0;
}

/* Bytes to the next place where a record may begin, after a bad one at p. */
static size_t resynchronise(const char *p, size_t len)
{
    const uint64_t magic = RECORD_MAGIC;
    const char *next = memmem(p + 1, len - 1, &magic, sizeof magic);
    return next ? (size_t)(next - p) : len - (sizeof magic - 1);
}

/* Hands out the good records of a chunk; returns how many bytes need not be looked at again. */
static size_t walk(const char *chunk, size_t len, struct generation *g, journal_each *each,
                   void *arg)
{
    size_t at = 0;
    while (len - at >= JOURNAL_RECORD) {
        struct record record;
        memcpy(&record, chunk + at, sizeof record);
        if (!record_is_good(&record)) {
            at += resynchronise(chunk + at, len - at);
            continue;
        }
        each(&record, g, arg);
        at += JOURNAL_RECORD;
    }
    return at;
}

/* A piece at the end that is shorter than a record is one that is being written now, or torn for
 * good: it stays for the next reading, which has more bytes behind it in either case. */
static void read_generation(struct generation *g, journal_each *each, void *arg)
{
    static char chunk[CHUNK];
    ssize_t n;
    do {
        n = pread(g->fd, chunk, sizeof chunk, g->read_at);
        if (n >= JOURNAL_RECORD)
            g->read_at += (off_t)walk(chunk, (size_t)n, g, each, arg);
    } while (n == (ssize_t)sizeof chunk);
}

void journal_read(struct journal *j, journal_each *each, void *arg)
{
    for (struct generation *g = j->first; g; g = g->next)
        if (g->live)
            read_generation(g, each, arg);
}

static char *path_of(const struct journal *j, unsigned number)
{
    return xasprintf("%s/journal.%u", j->dir, number);
}

static int add_generation(struct journal *j, unsigned number, struct err *err)
{
    char *path = path_of(j, number);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        (void)err_sys(err, ERR_IO, "cannot open %s", path);
    free(path);
    if (fd < 0)
        return ERR_IO;
    struct generation *g = xcalloc(1, sizeof *g);
    g->number = number;
    g->fd = fd;
    if (j->last)
        j->last->next = g;
    else
        j->first = g;
    j->last = g;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

/* The numbers of the generations that exist, ascending; free. */
static unsigned *list_generations(const char *dir, size_t *n, struct err *err)
{
    unsigned *numbers = xcalloc(1, sizeof *numbers);
    *n = 0;
    DIR *d = opendir(dir);
    if (!d) {
        (void)err_sys(err, ERR_IO, "cannot read %s", dir);
        free(numbers);
        return NULL;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        char *end;
        if (strncmp(entry->d_name, "journal.", 8) != 0)
            continue;
        unsigned long number = strtoul(entry->d_name + 8, &end, 10);
        if (!number || *end || number >= UINT32_MAX)
            continue;
        numbers = xreallocarray(numbers, *n + 1, sizeof *numbers);
        numbers[(*n)++] = (unsigned)number;
    }
    (void)closedir(d);
    qsort(numbers, *n, sizeof *numbers, by_number);
    return numbers;
}

/* Removes a generation in which nothing is unacknowledged; the newest is only emptied. */
static void drop(struct journal *j, struct generation *g)
{
    buf_reset(&g->acks);
    if (g == j->last) {
        if (ftruncate(g->fd, 0) == 0)
            g->read_at = 0;
        g->promised = g->reserved = 0; /* truncation frees what was reserved behind the end */
        return;
    }
    char *path = path_of(j, g->number);
    (void)unlink(path);
    free(path);
    struct generation **link = &j->first;
    while (*link != g)
        link = &(*link)->next;
    *link = g->next;
    close(g->fd);
    buf_free(&g->acks);
    free(g);
}

/* The records of one file are all of one version. Passing over those of another would be forgetting runs
 * that have begun, which the head would then order again. */
static int check_version(const struct journal *j, const struct generation *g, struct err *err)
{
    enum { VERSION = 0xff };
    uint64_t magic;
    if (pread(g->fd, &magic, sizeof magic, 0) != sizeof magic || magic == RECORD_MAGIC ||
        (magic | VERSION) != (RECORD_MAGIC | VERSION))
        return 0;
    return err_set(
        err, ERR_CONFIG,
        "%s/journal.%u was written by another build of rota-worker (version %u of it, "
        "this one's is %u): use that one, or remove the spool when none of its runs lives",
        j->dir, g->number, (unsigned)(magic & VERSION), (unsigned)(RECORD_MAGIC & VERSION));
}

int journal_open(struct journal *j, const char *dir, journal_each *each, void *arg, struct err *err)
{
    size_t n;
    *j = (struct journal){.dir = xstrdup(dir)};
    unsigned *numbers = list_generations(dir, &n, err);
    int rc = numbers ? 0 : ERR_IO;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_generation(j, numbers[i], err);
    if (rc == 0 && !n)
        rc = add_generation(j, 1, err);
    free(numbers);
    for (struct generation *g = j->first; rc == 0 && g; g = g->next)
        rc = check_version(j, g, err);
    for (struct generation *g = j->first; rc == 0 && g; g = g->next) {
        read_generation(g, each, arg);
        g->promised = (size_t)g->read_at + g->unacked * 2 * (size_t)JOURNAL_RECORD;
    }
    return rc;
}

static int reserve(struct generation *g, size_t bytes, struct err *err)
{
    if (g->promised + bytes <= g->reserved)
        return 0;
    size_t want = g->promised + bytes + RESERVE_STEP;
    int rc = fallocate(g->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)want);
    if (rc < 0 && (errno == ENOSPC || errno == EDQUOT)) {
        want = g->promised + bytes;
        rc = fallocate(g->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)want);
    }
    /* a filesystem that cannot reserve leaves us with the checks at each write */
    if (rc < 0 && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR)
        return err_sys(err, ERR_IO, "the worker's spool has no room");
    g->reserved = want;
    return 0;
}

int journal_reserve(struct journal *j, size_t n, struct generation **g, struct err *err)
{
    size_t bytes = n * RECORDS_A_RUN * JOURNAL_RECORD;
    struct generation *full = j->last;
    if (full->promised > JOURNAL_GENERATION) {
        if (add_generation(j, full->number + 1, err) < 0)
            return ERR_IO;
        if (!full->unacked)
            drop(j, full);
    }
    int rc = reserve(j->last, bytes, err);
    if (rc < 0)
        return rc;
    j->last->promised += bytes;
    *g = j->last;
    return 0;
}

void journal_ack(struct generation *g, struct message_key key)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = RECORD_ACKED;
    record.key.run = key.run; /* field by field: a copy may bring padding along */
    record.key.attempt = key.attempt;
    record.key.token = key.token;
    record_seal(&record);
    buf_add(&g->acks, &record, sizeof record);
    g->unacked--;
}

void journal_flush_acks(struct journal *j)
{
    for (struct generation *g = j->first, *next; g; g = next) {
        next = g->next;
        if (!g->unacked && (g->acks.len || g != j->last)) {
            drop(j, g);
        } else if (g->acks.len) {
            struct err err; /* what is written twice is harmless: the second names no run */
            if (record_append(g->fd, (const struct record *)buf_data(&g->acks),
                              g->acks.len / JOURNAL_RECORD, &err) == 0)
                buf_reset(&g->acks);
        }
    }
}

void journal_close(struct journal *j)
{
    for (struct generation *g = j->first, *next; g; g = next) {
        next = g->next;
        close(g->fd);
        buf_free(&g->acks);
        free(g);
    }
    free(j->dir);
    *j = (struct journal){0};
}
