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

#endif
