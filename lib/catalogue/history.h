/*
 * history: what the catalogue holds of the past of one run, and of what schedules were due.
 *
 * As everywhere, no read transaction is open while `each` is called; its nonzero return stops and is
 * returned.
 */
#ifndef ROTA_CATALOGUE_HISTORY_H
#define ROTA_CATALOGUE_HISTORY_H

#include "catalogue.h"

/* One try at a run. Texts are borrowed during the call, NULL when there is none. */
struct attempt {
    int attempt;
    const char *host, *reason;
    int64_t claimed_at, started_at, ended_at; /* 0: not yet, or not known */
    enum run_state state;                     /* how it ended; 0: it is not over */
    bool has_exit;
    int exit_code, signal;
};
/* Those of a run, oldest first. */
int attempt_select(struct catalogue *cat, int64_t run, int (*each)(const struct attempt *, void *),
                   void *arg, struct err *err);
/* What people, and policies, asked of a run, oldest first. */
int event_of_run(struct catalogue *cat, int64_t run, int (*each)(const struct event *, void *),
                 void *arg, struct err *err);
/* One occurrence; each is not called when it is not there. */
int occurrence_get(struct catalogue *cat, int64_t id,
                   int (*each)(const struct occurrence *, void *), void *arg, struct err *err);

/* Which occurrences; every part narrows. Zero-initialise for all. */
struct occurrence_query {
    const char *job;      /* GLOB pattern; NULL: any */
    int64_t since, until; /* of due_at, ms; since <= due_at < until; until 0: no end */
    unsigned outcomes;    /* bit 1 << outcome; 0: any */
};
/* By due_at, then job. It costs what it finds and a search for each job, however many other occurrences
 * there are. */
int occurrence_find(struct catalogue *cat, const struct occurrence_query *query,
                    int (*each)(const struct occurrence *, void *), void *arg, struct err *err);

#endif
