/*
 * prune: what the catalogue need not keep any more.
 *
 * A run goes when it has been over for as long as it is to be kept, but never
 * - before all that was made with it: the runs of a workflow, or of a group, are judged and listed together
 *   (a group whose failures are gone would pass for one that succeeded),
 * - while a run that is not over needs it, or its group: it has values for it (schema_need.c),
 * - when it is the newest of a registered job: that is the one of its day for who comes after it.
 *
 * With the last run of an occurrence, of a specification and of a group goes the occurrence, the
 * specification and what was counted of the group. An instant does not become due again by that: next_at of
 * its job is beyond it.
 *
 * Output: the rows go first, and the transaction notes in `discarded` whose files are to follow; a row of
 * `discarded` goes when its files have gone and their directory is synced. Whoever is killed in between
 * leaves neither a run whose output has vanished nor a file that nobody owns: the next prune goes on
 * with what is noted. (Files first would take the output of a run that somebody comes to need meanwhile.)
 */
#ifndef ROTA_CATALOGUE_PRUNE_H
#define ROTA_CATALOGUE_PRUNE_H

#include "catalogue.h"
#include "output.h"

struct prune_terms {
    int64_t now;
    int64_t keep_ms, keep_failed_ms; /* as in struct config */
    bool all;                        /* what jobs say of themselves does not count */
};

/* Where a walk over the runs has come to. Zero-initialise. */
struct prune_walk {
    int64_t spec;         /* whose runs are walked over; 0: all */
    int64_t at, run;      /* those before were looked at: by their end, or (spec) by id */
    int64_t specs, until; /* specifications up to this one are done; of this one: queued before */
};

/* A run that may go, and with which others. */
struct prune_run {
    int64_t id, bundle; /* bundle: the first of those that were made with it */
};
struct prune_runs {
    struct prune_run *v;
    size_t n, cap;
};
void prune_runs_free(struct prune_runs *runs);

/* Adds the next runs that are to go, whole bundles in the order in which they are to. 1; 0: there are no
 * more; ERR_*. Costs what it finds, and a look at each run that ended before the shortest time of the
 * configuration and stays nevertheless. */
int prune_find(struct catalogue *cat, const struct prune_terms *terms, struct prune_walk *walk,
               struct prune_runs *runs, struct err *err);

/* What is told of a run that goes: texts borrowed. */
struct prune_gone {
    int64_t id;
    const char *job;
    int attempts;
    int64_t bytes; /* of output that was kept */
};
/* Looks at a run again. 1: it may go, and *gone tells what it is (job: free it); 0: it has to stay. */
int prune_look(struct catalogue *cat, const struct prune_terms *terms, int64_t id,
               struct prune_gone *gone, struct err *err);
/* In a transaction, after prune_look in it. Takes the run away. */
int prune_remove(struct catalogue *cat, const struct prune_gone *gone, struct err *err);

/* In a transaction. What goes by its own age, at most `limit` of each kind: instants without runs, events
 * of no run, alerts that are over; *n went. */
int prune_old(struct catalogue *cat, const struct prune_terms *terms, int limit, int64_t *n,
              struct err *err);

/* Runs whose files are to go, at most `limit`, by id: *runs is owned by the caller. */
int discarded_list(struct catalogue *cat, int limit, struct output_run **runs, size_t *n,
                   struct err *err);
/* In a transaction. These have gone; and their directories, where no other run's files are or can come to
 * be. */
int discarded_gone(struct catalogue *cat, const struct output_run *runs, size_t n, struct err *err);

/* When the run that has been over for longest ended; 0: none has. */
int prune_oldest(struct catalogue *cat, int64_t *at, struct err *err);
/* When the last prune had nothing left to do; or the catalogue was made. */
int pruned_at(struct catalogue *cat, int64_t *at, struct err *err);
/* In a transaction. */
int pruned_put(struct catalogue *cat, int64_t at, struct err *err);

#endif
