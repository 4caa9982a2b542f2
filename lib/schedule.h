/*
 * schedule: what becomes of due instants (DESIGN sections 4, 6 and 9): each gets one occurrence, and
 * those that ran get runs.
 */
#ifndef ROTA_SCHEDULE_H
#define ROTA_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "config.h"
#include "err.h"

/* A tick is one transaction, in the loop of a dispatcher: that has to be short. */
enum {
    SCHEDULE_SLICE = 200,       /* due instants looked at in one go of a dispatcher */
    SCHEDULE_ARRAY_MAX = 10000, /* elements of an array that a schedule makes: 0.1 s */
    SCHEDULE_RUNS = 10000,      /* runs after which a tick looks at no further instant */
};

struct schedule_tick {
    const struct config *config; /* for jobs whose runs it counts: see making.h */
    int64_t now;                 /* ms */
    const char *actor;           /* of the runs; NULL: none */
    int64_t
        missed_until; /* what was due until then is missed: it may have run elsewhere; 0: nothing */
    int limit;        /* due instants, at most so many */
    /* Called with each new run; NULL ok. */
    void (*made)(int64_t run, void *arg);
    void *arg;
    /* what it found: */
    int instants, runs, expired, unblocked;
    bool more; /* a limit was reached: tick again */
};

/* In a transaction. Turns due instants into occurrences and runs, runs past their deadline into missed
 * ones, and queues those that an overlap policy blocked and blocks no more. A job whose timetable
 * cannot be read is said in the log, set aside until schedule_take_back, and stops no other. */
int schedule_tick(struct catalogue *cat, struct schedule_tick *tick, struct err *err);

/* Jobs that were set aside take part again: what they lacked may be there now. A transaction of its
 * own, where there are such; of a dispatcher with its fence check, and else without (holder NULL). */
int schedule_take_back(struct catalogue *cat, struct holder *holder, struct err *err);

/* In a transaction. Gives what is due of one job until `now` the outcome that it has before the job is
 * changed, however much that is. The row is brought up to date. */
int schedule_settle(struct catalogue *cat, const struct config *config, struct job_row *row,
                    int64_t now, struct err *err);
/* In a transaction. The same, and then the job is gone. */
int schedule_retire(struct catalogue *cat, const struct config *config, struct job_row *row,
                    int64_t now, struct err *err);

/* In a transaction. A run for an instant that is past, and has no deadline any more; `blocked`: after
 * the job's other runs. */
int schedule_fill(struct catalogue *cat, const struct job_row *row, int64_t due_at,
                  int64_t occurrence, bool blocked, struct schedule_tick *tick, struct err *err);

/* What the row's next_at is to be, after the job was added or changed: the first due instant after both
 * `now` and what already has an occurrence; 0: never. ERR_DATA. */
int schedule_first(const struct job_row *row, int64_t now, int64_t *next_at, struct err *err);

#endif
