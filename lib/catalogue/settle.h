/* settle: what becomes of those that need a run, when it changes. For the files of lib/catalogue only. */
#ifndef ROTA_CATALOGUE_SETTLE_H
#define ROTA_CATALOGUE_SETTLE_H

#include "internal.h"
#include "need.h"

/* In a transaction. Settles all that changed in it: what it causes as well. Linear in the needs of
 * what changed. */
int settle_all(struct catalogue *cat, struct err *err);

/* In a transaction. One need is met, or never will be; `because` says why not. */
struct need_place {
    int64_t run;
    int clause, place;
};
int settle_met(struct catalogue *cat, const struct need_place *need, struct err *err);
int settle_never(struct catalogue *cat, const struct need_place *need, const char *because,
                 struct err *err);

/* In a transaction. A run that has needs waits no longer: it is queued, or waits for its turn. */
int settle_release(struct catalogue *cat, int64_t run, struct err *err);
int settle_cancel(struct catalogue *cat, int64_t run, const char *because, struct err *err);

/* "waiting for 17 (extract)" of the first need from a place on that is open, in a clause that does not hold:
 * owned by the caller; NULL: none. */
char *settle_waiting(struct catalogue *cat, int64_t run, int clause, int place, struct err *err);

/* Whether a run of the table run has begun, of whose ended attempt it may be that alone knows; for SQL. */
#define RUN_BEGUN                                                                                  \
    "(started_at IS NOT NULL OR EXISTS (SELECT 1 FROM attempt WHERE attempt.run = run.id"          \
    " AND attempt.started_at IS NOT NULL))"

/* The counts of a group that is needed as a whole. */
struct team {
    int64_t unstarted, open, bad, failed, never;
};
/* 1; 0: it is not needed as a whole. */
int team_read(struct catalogue *cat, int64_t group, struct team *team, struct err *err);
enum need_verdict team_judge(enum need_is is, const struct team *team);

#endif
