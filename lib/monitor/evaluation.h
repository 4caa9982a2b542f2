/* evaluation: what evaluate.c and the rules share while alerts are opened and closed. */
#ifndef ROTA_MONITOR_EVALUATION_H
#define ROTA_MONITOR_EVALUATION_H

#include "monitor/check.h"

struct evaluation {
    struct check *check;
    struct err *err;
    struct seen {
        int64_t alert, due;
    } * seen; /* alerts that a rule found present */
    size_t nseen, cap;
    int64_t spec; /* whose notify is here: of many runs it is the same */
    char *notify;
    int64_t news; /* the last that was taken */
};

/* A trouble as a rule sees it. */
struct trouble {
    enum alert_rule rule;
    const char *subject, *detail, *host; /* NULL ok but for subject */
    int64_t run, spec;                   /* 0: none */
    int count;                           /* 0: one more than before */
};

/* The trouble is there: opens its alert, or brings it up to date. 0, or e->err's code. */
int evaluation_present(struct evaluation *e, const struct trouble *trouble);
/* The alert is to stay as it is. What becomes part of it in this check is told at `due`. */
void evaluation_note(struct evaluation *e, int64_t alert, int64_t due);
/* Nobody looks at the subject any more, so nothing is known to be well: an alert that is open is closed
 * without a word to anybody, and keeps why as its detail. */
int evaluation_set_aside(struct evaluation *e, enum alert_rule rule, const char *subject,
                         const char *why);

/* The rules that look at how things are; the others hear of news. Dead hosts come first: they are
 * the parents of what is lost there. Ends with a row without look. */
struct check_rule {
    enum alert_rule rule;
    /* Calls evaluation_present for each trouble there is. */
    int (*look)(struct evaluation *e);
};
extern const struct check_rule check_rules[];

#endif
