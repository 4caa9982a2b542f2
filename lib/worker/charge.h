/*
 * charge: a run in the charge of this worker, as its front end sees it: live, or ended and not yet
 * acknowledged.
 */
#ifndef ROTA_WORKER_CHARGE_H
#define ROTA_WORKER_CHARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "worker/cell.h"
#include "worker/journal.h"

struct charge {
    struct message_key key;
    struct generation *generation; /* where its records are */
    uint32_t cell;                 /* 0: none */
    uint64_t out_limit;
    struct moment started;
    pid_t child;           /* its shim, when it is our child; 0: adopted or gone */
    int pidfd;             /* of an adopted shim, or of what haunts it; -1: none */
    bool bereft;           /* the shim is gone; the journal is to be asked before that is judged */
    bool haunted;          /* the shim is gone, processes of the run are not */
    pid_t clearing;        /* the process that clears what the run left (relic.h); 0: none */
    bool cleared;          /* it did */
    bool carried;          /* it has a ticket in place of a shim (carried.h) */
    char *note;            /* what the head was told of it last; NULL: nothing */
    bool filed;            /* files of it may be in the staging */
    bool ousted;           /* it had a cell, which is a later run's now */
    struct record *result; /* NULL: live */
    /* on this connection: */
    bool streaming; /* its output and result are to be sent */
    bool started_due;
    bool result_sent;
    bool queued;
    uint64_t credit;
    uint64_t sent[CELL_STREAMS]; /* bytes of the kept output that the head has */
    int fd[CELL_STREAMS];        /* files of the cell; -1: not open */
    unsigned file;               /* of the files that the head wants: the one that is sent, */
    uint64_t file_at;            /* and bytes of it that were */
    struct charge *next;         /* in its bucket */
    struct charge *next_queued;
};

enum { CHARGE_BUCKETS = 4096 };

struct charges {
    struct charge *bucket[CHARGE_BUCKETS];
    struct charge **by_cell; /* CELL_MAX */
    size_t n;
};

void charges_init(struct charges *charges);
void charges_free(struct charges *charges);
struct charge *charge_new(struct charges *charges, struct message_key key);
/* NULL: not known. */
struct charge *charge_find(const struct charges *charges, struct message_key key);
/* The one with this run and attempt that is streaming, for messages without token. */
struct charge *charge_find_streaming(const struct charges *charges, uint64_t run, uint32_t attempt);
/* Who had the cell before has it no more: only what was acknowledged leaves its cell to another. */
void charge_set_cell(struct charges *charges, struct charge *charge, uint32_t cell);
/* Takes it out of the table, closes what it holds and frees it. */
void charge_remove(struct charges *charges, struct charge *charge);
/* Calls each for every charge; each may remove the one it was called for. */
void charges_each(struct charges *charges, void (*each)(struct charge *, void *), void *arg);

#endif
