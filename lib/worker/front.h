/*
 * front: the front end of a worker: one process a connection, the only one that holds the spool. It
 * takes messages from the head, forks a shim for each run, and sends output and results.
 *
 *   front.c    the loop
 *   dialogue.c what each message of the head does
 *   custody.c  runs begin, are followed, end, are forgotten
 *   verdict.c  how runs end of which no shim tells
 *   recovery.c what the journal says at the start: runs are adopted or given up
 *   stream.c   output and results on their way to the head
 *   staging.c  files on their way between the head and runs
 */
#ifndef ROTA_WORKER_FRONT_H
#define ROTA_WORKER_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "message.h"
#include "worker/account.h"
#include "worker/cell.h"
#include "worker/charge.h"
#include "worker/journal.h"
#include "worker/order.h"
#include "worker/spool.h"

enum { FRONT_ORDERS = 64 };

struct front {
    struct buf in, out;
    struct message_reader reader;
    struct account *own;
    struct accounts accounts;
    struct spool spool;
    char *tickets;         /* where those of carried runs are (ticket.h) */
    pid_t carrier;         /* our child; 0: it lives without us, or not */
    int64_t carrier_began; /* monotonic ms */
    bool carries;          /* some run is carried, or was */
    struct journal journal;
    struct cells cells;
    int staging; /* directory of files on their way; -1: not open */
    bool staged; /* there may be files of runs that are not begun */
    struct charges charges;
    struct order *orders[FRONT_ORDERS]; /* STARTs that were read and are not begun yet */
    size_t norders;
    struct charge *queue_first, *queue_last; /* runs with output to send, round robin */
    uint64_t boot;
    int signals;     /* signalfd */
    int watch;       /* epoll of the pidfds of adopted shims */
    int64_t silence; /* ms after which a head that says nothing is given up */
    int64_t heard;   /* monotonic ms of the head's last whole frame */
    int64_t reaped;  /* monotonic ms of the last look for ended shims */
    bool stamped;    /* the head says our stamps back: what has none is no sign of it */
    bool welcomed;
    int64_t started_due; /* monotonic: when to look for charges with STARTED to be sent; 0: never */
    bool ending;         /* say what is left to say, then end */
    const char *build;
};

/* Speaks with the head on standard input and output until it goes, or we are told to. 0; ERR_DATA:
 * the head sent nonsense; ERR_BUSY: a newer front end took over; ERR_UNREACHABLE: silence. */
int front_serve(const char *nonce, const char *build, struct err *err);

/* ---- dialogue ---- */

/* Takes every whole message of front->in. ERR_DATA. */
int dialogue_take(struct front *front, struct err *err);

/* ---- custody ---- */

/* Opens journal and cells and finds out what became of the runs in them. Under the spool's lock. */
int custody_open(struct front *front, struct err *err);
/* Watches the shim of a live run that is not our child, if it can. */
void custody_adopt(struct front *front, struct charge *charge);
/* Takes what shims have reported. */
void custody_read(struct front *front);
void custody_set_result(struct front *front, struct charge *charge, const struct record *record);
/* Ends a run that no shim reports: with what its cell has of its output. */
void custody_conclude(struct front *front, struct charge *charge, enum message_end end,
                      const char *reason);
/* Ends all bereft runs that have no result. The journal was read since they were marked so. */
void custody_settle(struct front *front);
/* Tells of the end of a process through custody_shim_gone. Takes over the pidfd (-1: none), in place
 * of the one that was followed before. */
void custody_follow(struct front *front, struct charge *charge, int pidfd);
void custody_unfollow(struct front *front, struct charge *charge);
/* Begins the orders that were collected: journal first, then shims. */
void custody_begin(struct front *front);
/* Our child ended: 0 for "some may have". */
void custody_reap(struct front *front);
/* What was followed ended: an adopted shim, or a process that outlived it. The charge is bereft then:
 * custody_read and custody_settle are due. */
void custody_shim_gone(struct front *front, struct charge *charge);
/* Looks again at runs whose shim nothing tells us about; called at each PING. */
void custody_recheck(struct front *front);
/* A notice of a shim about its cell. */
void custody_notice(struct front *front, uint32_t cell);
/* Looks at every cell, as if each had sent a notice. */
void custody_notice_all(struct front *front);
/* Passes a KILL on to the shim. */
void custody_signal(struct front *front, struct charge *charge, int sig);
/* The head has the result safe: forget the run. The journal is told by custody_acked. */
void custody_ack(struct front *front, struct message_key key);
void custody_acked(struct front *front);

/* ---- stream ---- */

/* The run may have something to send. */
void stream_wake(struct front *front, struct charge *charge);
/* STARTED is to be said of it, unless it ends before. */
void stream_started(struct front *front, struct charge *charge);
/* Says STARTED at once, if it is to be said. */
void stream_started_now(struct front *front, struct charge *charge);
/* Takes it out of the queue, before it is removed. */
void stream_forget(struct front *front, struct charge *charge);
/* Adds to front->out: STARTED that are due, results, and output as long as little is pending. */
void stream_fill(struct front *front);

#endif
