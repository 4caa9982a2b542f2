/*
 * rerun: runs again that belong together: which, and what they wait for then.
 *
 * A run again comes after the runs again of those it came after, where these are run again with it; else what
 * the old ones became, and left as values, counts.
 */
#ifndef ROTA_RERUN_H
#define ROTA_RERUN_H

#include "after.h"
#include "catalogue/need.h"
#include "selection.h"
#include "submission.h"

enum rerun_part {
    RERUN_THESE,
    RERUN_WHOLE,  /* all of the workflows, or arrays, that they are in */
    RERUN_FAILED, /* what of these ended badly, and all that comes after that */
};
/* Puts in place of the chosen runs what is to be run again, by id. ERR_ANSWER: a run is not there or not
 * over yet, or nothing ended badly. */
int rerun_choose(struct selection *chosen, enum rerun_part part, struct catalogue *cat,
                 struct err *err);

/* In a transaction. Gives the runs again, which are made already, their needs, and `also` those. *linked:
 * some of them wait for others of them. */
int rerun_link(const struct submission *submission, const struct after_made *made,
               const struct need *also, size_t nalso, struct catalogue *cat, bool *linked,
               struct err *err);

#endif
