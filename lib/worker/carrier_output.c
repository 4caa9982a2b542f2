#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/capture.h"
#include "worker/carrier_internal.h"
#include "worker/shim.h"
#include "xalloc.h"

/*
 * The batch keeps output as a shim does, in the directory of the run: the head where it falls, the tail in a ring behind it. The
 * files of the cell become the same, byte for byte at the same places; the table of cells says how much of it is
 * there, which for a node we can only see by the length of its file.
 */

enum { CHUNK = 65536, CELL = 1 };

static int open_kept(const struct carrier *c, const struct load *load, const char *file)
{
    char *path = xasprintf("%s/%s/run/%s", c->task->base, load->name, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    return fd;
}

/* Copies bytes from `at` to `end`, as far as there are any; returns how far it came. */
static uint64_t copy(int from, int to, uint64_t at, uint64_t end)
{
    static char chunk[CHUNK];
    while (at < end) {
        size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        ssize_t n = pread(from, chunk, want, (off_t)at);
        if (n <= 0 || pwrite(to, chunk, (size_t)n, (off_t)at) != n)
            break;
        at += (uint64_t)n;
    }
    return at;
}

/* The stream from what the cell has of its head to `end`; returns how far it came. */
static uint64_t bring(const struct carrier *c, const struct load *load, int stream, uint64_t end)
{
    uint64_t at = atomic_load(&load->slot->stream[stream].head);
    int from = load->cell ? open_kept(c, load, stream ? "1.err" : "1.out") : -1;
    int to = from < 0 ? -1 : cell_open(FD_CELLS, load->cell, stream, O_RDWR | O_CREAT);
    struct stat st;
    if (from >= 0 && to >= 0 && fstat(from, &st) == 0)
        at = copy(from, to, at, (uint64_t)st.st_size < end ? (uint64_t)st.st_size : end);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return at;
}

/* The counters follow the bytes (capture.c). */
void output_follow(struct carrier *c, struct load *load)
{
    bool grew = false;
    for (int i = 0; i < CELL_STREAMS; i++) {
        struct cell_stream *stream = &load->slot->stream[i];
        uint64_t before = atomic_load(&stream->head);
        uint64_t head = bring(c, load, i, capture_head(load->out_limit));
        if (head <= before)
            continue;
        atomic_store(&stream->total, head);
        atomic_store(&stream->head, head);
        grew = true;
    }
    if (grew)
        load_notify(load);
}

/* What cannot be brought counts as dropped. */
static void finish_stream(struct carrier *c, struct load *load, int i, struct record_result *result)
{
    struct cell_stream *stream = &load->slot->stream[i];
    uint64_t kept = result->total[i] - result->dropped[i];
    uint64_t came = bring(c, load, i, kept);
    if (came < kept) {
        uint64_t head = capture_head(load->out_limit);
        result->ring[i] = 0;
        result->dropped[i] = result->total[i] - (came < head ? came : head);
    }
    atomic_store(&stream->total, result->total[i]);
    atomic_store(&stream->ring, result->ring[i]);
    atomic_store(&stream->head,
                 came < capture_head(load->out_limit) ? came : capture_head(load->out_limit));
}

void output_finish(struct carrier *c, struct load *load, struct record_result *result)
{
    for (int i = 0; i < CELL_STREAMS; i++)
        finish_stream(c, load, i, result);
    char name[32];
    (void)snprintf(name, sizeof name, "%u.values", load->cell);
    int from = result->values && load->cell ? open_kept(c, load, "1.values") : -1;
    int to = from < 0 ? -1 : openat(FD_CELLS, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to >= 0)
        (void)copy(from, to, 0, result->values); /* short: the front end says that it was ignored */
    if (to >= 0)
        close(to);
    if (from >= 0)
        close(from);
}
