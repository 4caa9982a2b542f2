/*
 * vitals: what the monitor reads of the catalogue. Nothing here walks over runs that are over: what
 * grows with them is counted by triggers (schema.c), and the rest goes through partial indexes.
 *
 * As everywhere, no read transaction is open while `each` is called; its nonzero return stops and is
 * returned. Texts are borrowed during the call.
 */
#ifndef ROTA_CATALOGUE_VITALS_H
#define ROTA_CATALOGUE_VITALS_H

#include <stdbool.h>
#include <stdint.h>

#include "catalogue.h"

/* Runs that ended: one row for each job and state, since the catalogue began. */
enum { TALLY_BOUNDS = 7 };
extern const int tally_bounds[TALLY_BOUNDS]; /* of the buckets, seconds, rising */
struct tally {
    const char *job;
    enum run_state state;
    int64_t runs, duration_ms, bytes; /* bytes: written to standard output and error */
    int64_t within[TALLY_BOUNDS];     /* up to this bound and over the one before */
    int64_t last_at;                  /* 0: none */
};
/* By job, then state. */
int tally_select(struct catalogue *cat, int (*each)(const struct tally *, void *), void *arg,
                 struct err *err);

/* A job whose last end was bad. */
struct failing {
    const char *job;
    int64_t streak; /* bad ends in a row */
    int64_t since, run, last_at;
    const char *state, *reason; /* of that run; NULL: it is gone, none */
    int exit_code;              /* -1: none */
    bool registered, paused;    /* in the table of jobs */
};
/* The longest failing first. */
int failing_select(struct catalogue *cat, int (*each)(const struct failing *, void *), void *arg,
                   struct err *err);

/* An alert that is open, and how many belong to it and are told with it. */
struct alert_open {
    const char *rule, *subject, *detail; /* detail NULL: none */
    int64_t run, parts;
    int64_t opened_at, reminded_at;
};
/* Those that belong to no other that is open, oldest first. */
int alert_open_select(struct catalogue *cat, int (*each)(const struct alert_open *, void *),
                      void *arg, struct err *err);

/* What could not be told to a channel. */
struct undelivered {
    const char *channel, *error; /* error NULL: not said */
    int64_t waiting,
        given_up; /* tried in vain and to be tried again; of open alerts: not any more */
    int64_t since;
};
int undelivered_select(struct catalogue *cat, int (*each)(const struct undelivered *, void *),
                       void *arg, struct err *err);

/* The runs that are not over. */
struct queue_depth {
    int64_t runs[RUN_STATE_LAST + 1]; /* by state; 0 where it is over */
    int64_t oldest;                   /* the queued run that waiting_find tells; 0: none */
    int64_t oldest_at;                /* since when it could start */
    int64_t ended;                    /* runs that ended at or after `recent` */
};
int queue_depth(struct catalogue *cat, int64_t now, int64_t recent, struct queue_depth *depth,
                struct err *err);

/* The registered jobs. */
struct schedule_counts {
    int64_t jobs, scheduled, paused, aside;
    int64_t overdue;    /* due at or before `now` and not recorded yet */
    int64_t overdue_at; /* the longest of these; 0: none */
    int64_t missed;     /* occurrences missed, not for being paused, and due at or after `recent` */
    int64_t missed_at;  /* when the latest of all such was due; 0: none */
};
int schedule_count(struct catalogue *cat, int64_t now, int64_t recent,
                   struct schedule_counts *counts, struct err *err);

/* A registered job that missed an occurrence at or after some time, but not for being paused, and has
 * neither run nor succeeded since. */
struct missing {
    const char *job, *reason;
    int64_t due_at, times; /* the latest; how many */
};
int missing_select(struct catalogue *cat, int64_t since,
                   int (*each)(const struct missing *, void *), void *arg, struct err *err);

/* When `monitor check` last looked; 0: never. */
int monitor_checked_at(struct catalogue *cat, int64_t *at, struct err *err);
/* Why the last heartbeat was not taken, free; NULL: it was, or there was none. */
int monitor_heartbeat_error(struct catalogue *cat, char **why, struct err *err);

#endif
