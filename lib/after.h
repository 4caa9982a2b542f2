/*
 * after: what `after` in a job means for the runs that it is made into: needs (catalogue/need.h), on
 * runs of jobs that were submitted with it or, by the name of a registered job, on the run of that job for
 * the same day.
 */
#ifndef ROTA_AFTER_H
#define ROTA_AFTER_H

#include "catalogue.h"
#include "config.h"
#include "err.h"
#include "job.h"

/* The runs that one job was made into in one go: their ids follow each other. */
struct after_made {
    const char *name; /* of the job; borrowed */
    int64_t first;
    size_t n;
};

/* What else one knows who asks for needs. */
struct after_terms {
    const struct config *config; /* whose time zone says which day it is, where the job does not */
    const struct after_made *with; /* what was made together with it, by name; NULL: nothing */
    size_t nwith;
    const struct need *also; /* needs of all of the runs besides (`submit --after`) */
    size_t nalso;
};

/* In a transaction. Gives the runs of a job, made blocked or held, what it comes after. `at`: when they are
 * due, else now, ms; it says which day is theirs. ERR_DATA: element by element, and there is no such
 * element. May change the zone in force (zone_use). */
int after_put(struct catalogue *cat, const struct job *job, const struct after_made *made,
              int64_t at, const struct after_terms *terms, struct err *err);
/* Orders what is in with. */
void after_sort(struct after_made *made, size_t n);

/* A job whose `after` is to be looked at. */
struct after_job {
    const struct job *job;
    const char *place; /* its file, for messages */
};
/* Whether all names are known, among these jobs or in the catalogue (NULL: there is none), and whether some
 * wait for each other: among these jobs or by way of what is in the catalogue.
 * Errors are added to the list. Negative: the catalogue cannot be read. */
int after_check(const struct after_job *jobs, size_t n, struct catalogue *cat,
                struct errlist *errors, struct err *err);

#endif
