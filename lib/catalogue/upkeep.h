/* upkeep: whether the catalogue is whole, and a copy of it. */
#ifndef ROTA_CATALOGUE_UPKEEP_H
#define ROTA_CATALOGUE_UPKEEP_H

#include <stdint.h>
#include <sys/types.h>

#include "catalogue.h"
#include "err.h"

/* Copies the catalogue, as it is at one moment, over what is in the file at `path`, which is there and
 * private to the caller, and makes sure that the copy can be read. Others may write the catalogue
 * meanwhile. The caller syncs the file. ERR_IO, ERR_BUSY. */
int catalogue_copy(struct catalogue *cat, const char *path, struct err *err);
/* The mode of a copy and the group that it is for: the catalogue's own, but nothing for others. */
int catalogue_copy_mode(struct catalogue *cat, mode_t *mode, gid_t *group, struct err *err);
/* Whether a file that is to be replaced by a copy is one, or empty, or not there; else it refuses: ERR_USAGE,
 * ERR_IO. */
int catalogue_copy_may_replace(struct catalogue *cat, const char *path, struct err *err);

/* Something that is wrong: texts borrowed. */
struct fault {
    const char *place; /* "run 17" */
    const char *what;  /* "succeeded, but has no end" */
    const char *mend;
};
typedef int fault_each(const struct fault *fault, void *arg);

/* Whether SQLite finds the file whole, and its tables refer to nothing that is not there. *faults counts.
 * Reads all of it in one transaction: nobody who writes waits, but the WAL grows meanwhile. */
int integrity_check(struct catalogue *cat, fault_each *each, void *arg, int64_t *faults,
                    struct err *err);
/* Whether its tables, indices, triggers and views are those of this version. */
int integrity_anatomy(struct catalogue *cat, fault_each *each, void *arg, int64_t *faults,
                      struct err *err);
/* Whether what it says can be: each invariant is one statement, and so about one moment, also while others
 * write. */
int integrity_invariants(struct catalogue *cat, fault_each *each, void *arg, int64_t *faults,
                         struct err *err);

/* Runs that are over and that output was kept of, by id after `after`, at most `limit`. */
struct kept_output {
    int64_t run;
    int attempt;
    int64_t out, err; /* bytes */
};
int kept_output_list(struct catalogue *cat, int64_t after, int limit,
                     int (*each)(const struct kept_output *, void *), void *arg, struct err *err);
/* Whether a file of this attempt of a run may be there: *owned. */
int kept_output_owned(struct catalogue *cat, int64_t run, int64_t attempt, bool *owned,
                      struct err *err);

#endif
