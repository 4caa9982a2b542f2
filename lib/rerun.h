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

/* A run, or a group, and the one in its place. */
struct again {
    int64_t was; /* first: found by it */
    int64_t is;
};
struct again_list {
    struct again *v; /* by `was`, each once */
    size_t n;
};
void again_sort(struct again_list *list);
/* NULL: there is none. */
struct again *again_find(const struct again_list *list, int64_t was);

enum rerun_part {
    RERUN_THESE,
    RERUN_WHOLE,  /* all of the workflows, or arrays, that they are in */
    RERUN_FAILED, /* what of these ended badly, and all that comes after that */
};
/* Puts in place of the chosen runs what is to be run again, by id. ERR_ANSWER: a run is not there or not
 * over yet (but RERUN_THESE), or nothing ended badly. */
int rerun_choose(struct selection *chosen, enum rerun_part part, struct catalogue *cat,
                 struct err *err);

/* What became of a submission. */
struct rerun_terms {
    const struct after_made *made;   /* of each entry */
    const struct again_list *groups; /* of runs that are run again */
    const struct need *also;         /* needs of each besides */
    size_t nalso;
};
/* In a transaction. Gives the runs again, which are made already, their needs. *linked: some of them wait
 * for others of them. */
int rerun_link(const struct submission *submission, const struct rerun_terms *terms,
               struct catalogue *cat, bool *linked, struct err *err);

#endif
