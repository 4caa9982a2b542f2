/*
 * capture: what a job writes, into the files of its cell: the first limit / 2 bytes of a stream
 * are kept where they fall, the rest goes through a ring behind them, so that head and tail stay
 * and any amount of output takes constant room.
 */
#ifndef ROTA_WORKER_CAPTURE_H
#define ROTA_WORKER_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/cell.h"

struct capture {
    struct cell_stream *to;
    int dir; /* of the cells */
    uint32_t cell;
    int stream; /* 0: out, 1: err */
    uint64_t limit;
    int fd;    /* -1 until the first byte: most jobs write nothing */
    bool full; /* the disk was full: what comes from then on is dropped and counted */
};

static inline uint64_t capture_head(uint64_t limit)
{
    return limit / 2;
}

static inline uint64_t capture_ring(uint64_t limit)
{
    return limit - limit / 2;
}

/* Takes len bytes. True when the head part grew, that is when there is something to stream. */
bool capture_write(struct capture *c, const char *p, size_t len);
/* Bytes kept of a stream. */
uint64_t capture_kept(uint64_t head, uint64_t ring, uint64_t limit);

/* Where byte `at` of the kept output lies in the file: returns its offset, *run is how many bytes follow
 * it there without a break. */
uint64_t capture_locate(uint64_t at, uint64_t kept, uint64_t ring, uint64_t limit, uint64_t *run);

/* The end of what is kept of a stream, at most size - 1 bytes and a NUL; with the counts of its result. */
void capture_tail(const struct capture *stream, uint64_t kept, uint64_t ring, char *text,
                  size_t size);
/* The last line of text that begins with these words, without its newline: *text is cut there. Their end, or
 * NULL when there is no such line. */
char *capture_last_line(char *text, const char *words);

#endif
