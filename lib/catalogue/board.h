/* board: what `rota monitor board` asks of the catalogue besides runs, jobs and hosts. Read only; as
 * everywhere here no read transaction is open when a function returns. Times in ms. */
#ifndef ROTA_CATALOGUE_BOARD_H
#define ROTA_CATALOGUE_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "err.h"
#include "job.h"

/* How many runs of a job ended in a state. */
struct board_tally {
    char *job;
    enum run_state state;
    int64_t runs;
};
struct board_tallies {
    struct board_tally *v;
    size_t n;
};
/* Of the runs with since <= finished_at < until, into *tallies (board_tallies_free). */
int board_tally(struct catalogue *cat, int64_t since, int64_t until, struct board_tallies *tallies,
                struct err *err);
void board_tallies_free(struct board_tallies *tallies);

/* Pairs of numbers, oldest first; v is freed by the caller. */
struct board_pair {
    int64_t a, b;
};
struct board_pairs {
    struct board_pair *v;
    size_t n;
};
/* The occurrences of a job that were missed at or after `since`: a: a quarter of an hour (its first
 * ms: all zones' days begin with one), b: how many within it. */
int board_missed(struct catalogue *cat, const char *job, int64_t since, struct board_pairs *missed,
                 struct err *err);
/* The newest `limit` runs of a job that were over after having started, among its newest few
 * hundred: a: duration, b: state. */
int board_durations(struct catalogue *cat, const char *job, int limit,
                    struct board_pairs *durations, struct err *err);

/* An alert that is open and not told as part of a larger one. */
struct board_alert {
    char *rule, *subject, *detail; /* detail: NULL when there is none */
    int64_t run;                   /* 0: none */
    int64_t parts;                 /* open ones that are told with it */
    int64_t opened_at;
};
struct board_alerts {
    struct board_alert *v;
    size_t n;
};
/* At most `limit`, the newest first, into *alerts (board_alerts_free). */
int board_alerts(struct catalogue *cat, int limit, struct board_alerts *alerts, struct err *err);
void board_alerts_free(struct board_alerts *alerts);

/* Figures besides queue_depth (vitals.h); 0 for none. */
struct board_queue {
    int64_t missed_day; /* occurrences that were missed within the last day */
    int64_t runs;       /* in the catalogue */
    int64_t alerts;     /* open */
    int64_t checked_at; /* the last `rota monitor check` */
};
int board_queue(struct catalogue *cat, int64_t now, struct board_queue *queue, struct err *err);

#endif
