/*
 * journal: what this worker promised and what became of it, in append-only files `journal.N`.
 *
 * A record has a fixed size and a checksum and is written with one write(2) under O_APPEND, so that
 * front end and shims append to the same file without asking each other. All records of a run are
 * in one generation: STARTED (by the front end, before it forks), RESULT (by the shim, which
 * inherited the descriptor, or by the front end for a run that never got a shim or lost it), ACKED
 * (by the front end). A record that is torn counts as absent. There is no fsync: after a power
 * failure the head learns "lost", which is true.
 *
 * A generation is cut to nothing (the newest) or unlinked (an older one) when every run in it is
 * acknowledged: until then some shim may still hold its descriptor.
 */
#ifndef ROTA_WORKER_JOURNAL_H
#define ROTA_WORKER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "message.h"
#include "worker/moment.h"

enum { JOURNAL_RECORD = 384, JOURNAL_GENERATION = 1 << 20 };

enum record_kind { RECORD_STARTED = 1, RECORD_RESULT, RECORD_ACKED };

struct record_started {
    uint32_t cell; /* 0: none, the run never had a shim */
    uint64_t out_limit;
};

struct record_result {
    uint32_t end; /* enum message_end */
    int32_t code, signal;
    int64_t duration;              /* ms */
    int64_t utime, stime;          /* µs */
    int64_t maxrss;                /* KiB */
    uint64_t total[2], dropped[2]; /* bytes of the two streams */
    uint64_t ring[2];              /* bytes that went through the ring behind the head part */
    char reason[184];              /* NUL-terminated; "" none */
    uint32_t values, values_crc;   /* bytes kept in the cell of what it told, and their checksum */
    uint32_t values_ignored;       /* lines of that which were no good */
    uint64_t files;                /* bit N: file N that it was to give us is in the staging */
    uint32_t files_failed;         /* 1: one is not, and reason says why */
};

/* Zero one before filling it: the padding is under the checksum too. */
struct record {
    uint64_t magic; /* set by record_seal, as is crc */
    uint32_t crc;
    uint32_t kind; /* enum record_kind */
    struct message_key key;
    struct moment at; /* of the start, of the end */
    union {
        struct record_started started;
        struct record_result result;
        char room[JOURNAL_RECORD - 64];
    };
};

void record_seal(struct record *record);
/* Whether it was sealed and is as it was then; its texts end. */
bool record_is_good(struct record *record);
/* Appends sealed records in one write. For shims too. ERR_IO: not, or not wholly, written. */
int record_append(int fd, const struct record *records, size_t n, struct err *err);

struct generation {
    unsigned number;
    int fd;
    off_t read_at;   /* what lies before was handed out */
    size_t promised; /* bytes that its runs will need at most */
    size_t reserved; /* bytes known to be allocated */
    size_t unacked;  /* runs not yet acknowledged */
    size_t live;     /* of these, without RESULT */
    struct buf acks; /* ACKED records to be appended by journal_flush_acks */
    struct generation *next;
};

struct journal {
    char *dir;
    struct generation *first, *last; /* oldest and newest; never empty */
};

typedef void journal_each(const struct record *record, struct generation *g, void *arg);

/* Opens every generation in dir and calls each for every good record, oldest generation first. The
 * callee keeps the counts `unacked` and `live`. */
int journal_open(struct journal *j, const char *dir, journal_each *each, void *arg,
                 struct err *err);
/* Calls each for the records that came to generations with live runs since the last reading. */
void journal_read(struct journal *j, journal_each *each, void *arg);
/* The generation for n more runs, with room reserved for all that they will write. ERR_IO: no room. */
int journal_reserve(struct journal *j, size_t n, struct generation **g, struct err *err);
/* Takes a run out of g: its ACKED record is written by the next journal_flush_acks. */
void journal_ack(struct generation *g, struct message_key key);
/* Writes the ACKED records of each generation in one write, or drops the generation when nothing
 * unacknowledged is left in it. What could not be written stays for the next call. Should it never
 * come to that, the next front end announces the run again and the head acknowledges it again. */
void journal_flush_acks(struct journal *j);
void journal_close(struct journal *j);

#endif
