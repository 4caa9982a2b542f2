/*
 * pruning: takes away what is not to be kept any more, beside a dispatcher that works.
 *
 * In slices: each is one short transaction, the files of the runs that it took away, and a pause as long as
 * the transaction was, so that others have the write lock at least half of the time. One process
 * prunes a catalogue at a time. The file of the catalogue does not become smaller: SQLite fills the pages that
 * are free with what comes next.
 */
#ifndef ROTA_PRUNING_H
#define ROTA_PRUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "catalogue.h"
#include "catalogue/prune.h"
#include "err.h"

/* What went of a job. */
struct pruned_job {
    char *name;
    int64_t runs, bytes;
};
struct pruned {
    struct pruned_job *jobs; /* by name */
    size_t n;
    int64_t runs, bytes;
    int64_t others; /* instants without runs, events, alerts */
};
void pruned_free(struct pruned *pruned);

/* Prunes; dry: only tells what would go (of the runs). ERR_BUSY: another process prunes, or somebody writes
 * for too long; what went until then is in *pruned. */
int prune(struct catalogue *cat, const struct prune_terms *terms, bool dry, struct pruned *pruned,
          struct err *err);

#endif
