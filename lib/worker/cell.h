/*
 * cell: a place in the spool for the output of one live run: the files `cells/N.out`, `cells/N.err`
 * and a slot in `cells/table`, which every process of the worker maps. Cells are used again and again.
 *
 * The table says how much of a stream is there; what a file holds beyond that is of no meaning.
 * Sign of life of a shim: an OFD lock on byte N of the table, on an open file description that the
 * front end makes, locks and lets the shim inherit: there is no moment between fork and lock.
 * OFD locks end with the last copy of the descriptor, hence with the shim (a job never has one:
 * O_CLOEXEC).
 */
#ifndef ROTA_WORKER_CELL_H
#define ROTA_WORKER_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "message.h"
#include "worker/moment.h"

enum { CELL_SLOT = 256, CELL_MAX = 16384, CELL_STREAMS = 2 };

/* One stream of a run. Written by the shim, read by the front end; kept bytes are `head` bytes from
 * the start of the file, then a ring at offset limit / 2. */
struct cell_stream {
    _Atomic uint64_t total; /* bytes that the job wrote */
    _Atomic uint64_t head;  /* of these, bytes kept in the head part */
    _Atomic uint64_t ring;  /* of these, bytes that went through the ring */
};

struct cell {
    uint64_t run; /* 0: none, or one that was acknowledged */
    uint64_t token;
    uint32_t attempt;
    _Atomic int32_t shim;      /* pid; 0: the shim has not come so far */
    _Atomic uint32_t notified; /* a notice is on its way to the front end */
    _Atomic uint32_t ended;    /* the RESULT is in the journal */
    struct cell_stream stream[CELL_STREAMS];
    _Atomic int64_t heartbeat; /* slot 0 only: of the last sign of a head, ms of CLOCK_BOOTTIME */
    uint64_t version;          /* slot 0 only */
    /* what the front end asks of the shim, which takes it out (shim.h): */
    _Atomic uint64_t signals; /* bit n - 1: send signal n */
    _Atomic uint32_t cancel;  /* end the run */
    /* as in STARTED, should that be lost (recovery.c): */
    struct moment started;
    uint64_t out_limit;
    char fill[CELL_SLOT - 144];
};

struct cells {
    struct cell *slot; /* CELL_MAX slots mapped; slot 0 is the table's own */
    int dir;           /* of cells/; borrowed */
    int table;
    uint32_t made; /* slots below this have room in the file */
    uint32_t *free;
    size_t nfree;
};

/* Opens or makes the table under the directory descriptor. ERR_IO. */
int cells_open(struct cells *cells, int dir, struct err *err);
void cells_close(struct cells *cells);
/* Takes a free cell for a run: its number, with its slot zeroed and *lock a locked descriptor for
 * the shim. Negative: ERR_IO (full) or ERR_OS. */
int cells_take(struct cells *cells, struct message_key key, int *lock, struct err *err);
/* Marks a cell that the journal names as not free; for recovery, before any cells_take. */
void cells_keep(struct cells *cells, uint32_t n);
/* Builds the list of free cells from what was not kept. */
void cells_ready(struct cells *cells);
void cells_give_back(struct cells *cells, uint32_t n);
/* Whether a shim holds the cell. */
bool cells_is_locked(const struct cells *cells, uint32_t n);
/* Whether the slot is the run's own, and not that of a later or an earlier one. */
bool cell_is_of(const struct cell *cell, struct message_key key);

/* Opens the file of stream 0 (out) or 1 (err) of a cell; -1. */
int cell_open(int dir, uint32_t n, int stream, int flags);

#endif
