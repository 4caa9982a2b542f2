/*
 * need: runs that wait for others, what they are told by them, and workflows.
 *
 * A run waits while its state is blocked (or held) and some clause of its needs does not hold. What changes
 * a parent's state settles its needs in the same transaction (catalogue_commit): those whose
 * needs are all met become queued (event "release"), those for which that can never be become cancelled
 * (event "cancel"), and with them who needs these.
 */
#ifndef ROTA_CATALOGUE_NEED_H
#define ROTA_CATALOGUE_NEED_H

#include "catalogue.h"

enum need_scope {
    NEED_RUN = 1,
    NEED_GROUP,   /* the parent is run.array of all that are meant */
    NEED_ELEMENT, /* one run in the place of its group, the others being run again */
};

struct need {
    int clause; /* of one run, rising from 0; one met need of each is enough */
    enum need_is is;
    enum need_scope scope;
    int64_t parent;  /* 0: there is none yet */
    const char *job; /* of the parent */
    /* without a parent: the day whose run it is to be, and its instants since <= at < until, ms.
     * scope is then NEED_GROUP (any run, or a whole group) or NEED_RUN (the element of the run's own index) */
    const char *day;
    int64_t since, until;
    bool settled; /* counts as met, whatever the parent is */
};

/* In a transaction. Gives a run that was just made, blocked or held, its needs (in the order of their
 * clauses), and looks at once what has become of the parents: it may be queued or cancelled when this
 * returns. ERR_ANSWER when a parent is not there. */
int need_put(struct catalogue *cat, int64_t run, const struct need *needs, size_t n,
             struct err *err);

/* What a parent, as it is now, means for a need of it. */
enum need_verdict { NEED_OPEN = 0, NEED_MET, NEED_NEVER };
enum need_verdict need_judge(enum need_is is, enum run_state state, bool started);
/* "17 (extract) failed, which was to succeed" */
void need_say_never(int64_t parent, const char *job, enum run_state state, enum need_is is,
                    char *text, size_t size);

/* The newest run of a job that belongs to a day: due on it or, without a due time, submitted on it. *id
 * 0: none; *group: its run.array, 0: none. */
int need_find(struct catalogue *cat, const char *job, int64_t since, int64_t until, int64_t *id,
              int64_t *group, struct err *err);
/* In a transaction. A run of a job was made, the first of its group: those that waited for
 * one wait for it now. Costs a search of an index that is mostly empty. */
int need_found(struct catalogue *cat, const char *job, int64_t id, struct err *err);
/* In a transaction. Days that have ended without a run: these needs cannot be met any more; at most
 * `limit`; *n were. */
int need_expire(struct catalogue *cat, int64_t now, int limit, int *n, struct err *err);

/* The runs of a group by their index, or one run (index -1 when it is in none). */
struct need_element {
    int64_t id, index;
};
int need_elements(struct catalogue *cat, int64_t first, int64_t group,
                  int (*each)(const struct need_element *, void *), void *arg, struct err *err);
/* run.array of a run; 0: none. ERR_ANSWER when it is not there. */
int need_group(struct catalogue *cat, int64_t run, int64_t *group, struct err *err);

/* What has become of a group, for who is to come after it; *state: as need_say_never wants it. */
int array_judge(struct catalogue *cat, int64_t array, enum need_is is, enum need_verdict *verdict,
                enum run_state *state, struct err *err);

/* A need as it stands, texts borrowed. */
struct need_row {
    int64_t run, parent;
    int clause;
    enum need_is is;
    enum need_scope scope;
    const char *job, *day;
    enum need_verdict verdict;
    int64_t since, until;
};
/* The needs of a run, in their order. */
int need_of(struct catalogue *cat, int64_t run, int (*each)(const struct need_row *, void *),
            void *arg, struct err *err);
/* The needs of which a run is the parent, or a group of which it is one, by run. */
int need_on(struct catalogue *cat, int64_t run, int64_t group,
            int (*each)(const struct need_row *, void *), void *arg, struct err *err);

/* In a transaction. The runs from `first` to `last` were submitted together: one workflow, whose id is the
 * first. */
int workflow_put(struct catalogue *cat, int64_t first, int64_t last, struct err *err);
/* The ids of all runs of the workflow that a run is in, of its group when it is in none, else its own: in
 * their order. ERR_ANSWER when the run is not there. */
int workflow_runs(struct catalogue *cat, int64_t run, int (*each)(int64_t id, void *), void *arg,
                  struct err *err);

/* Orders n runs of the workflow that `run` is in so that what comes after others stands before them: who
 * cancels or holds them in parts lets nothing go in between. Others are last. */
int workflow_later_first(struct catalogue *cat, int64_t run, int64_t *ids, size_t n,
                         struct err *err);

/* ---- values ---- */

/* In a transaction. What a run that ends has told, as "key=value"; replaces what there is. */
int value_put(struct catalogue *cat, int64_t run, const struct strlist *values, struct err *err);
/* The runs of a group that have told something, by id. */
int value_elements(struct catalogue *cat, int64_t group,
                   int (*each)(const struct need_element *, void *), void *arg, struct err *err);
/* What a run is given by its parents: variables, "ROTA_IN_extract_rows=17", appended; *cut: there are
 * more than a run is given. */
int value_given(struct catalogue *cat, int64_t run, struct strlist *variables, bool *cut,
                struct err *err);

#endif
