/* status_commands: what the files of `rota status` share. One file for each thing that is asked. */
#ifndef ROTA_CMD_STATUS_H
#define ROTA_CMD_STATUS_H

#include "command.h"
#include "err.h"
#include "selection.h"
#include "view.h"

/* What the command line says; operands are argv[first…]. */
struct status_words {
    struct narrowing narrowing;
    const char *form, *format, *outcomes, *sort;
    int64_t limit; /* OPT_UNSAID: not said */
    bool events, occurrences, why, tree, joblog;
    const char *workflow; /* a run of it; NULL: not said */
    char **operands;
    int n;
};

/* Print, and return an exit code or a negative ERR_*. The form is checked before the catalogue is
 * opened. */
int status_events(struct command *command, const struct status_words *words, struct err *err);
int status_why(struct command *command, const struct status_words *words, struct err *err);
int status_joblog(struct command *command, const struct status_words *words, struct err *err);
int status_tree(struct command *command, const struct status_words *words, struct err *err);
int status_occurrences(struct command *command, const struct status_words *words, struct err *err);

/* The fields of --why. */
extern const struct view_record status_why_record;

/* Opens the catalogue, and says which runs the words mean: *query, which borrows from *named
 * (selection_free). Nothing named, nothing narrowed: all. */
int status_choose(struct command *command, const struct status_words *words,
                  struct run_query *query, struct selection *named, struct err *err);

/* Of runs that were named: how many are not in the catalogue; warns of them. */
int status_absent(struct catalogue *cat, const struct selection *named, size_t *absent,
                  struct err *err);
/* Warns of them, when there are any. */
void status_tell_absent(const struct selection *named, size_t absent);

/* For what takes ids only, and tells of one run at a time. */
struct status_ids {
    const char *option; /* as it is written */
    const struct view_record *record;
    bool is_text; /* where no form is asked for there is no view (NULL) */
    int (*begin)(struct command *command, void *arg, struct err *err); /* NULL ok */
    int (*show)(struct command *command, int64_t id, struct view *view, void *arg,
                struct err *err); /* ERR_ANSWER: there is no such run */
    void *arg;
};
/* Runs that are not there are counted, and told at the end. Returns as the above. */
int status_each_id(const struct status_ids *ids, struct command *command,
                   const struct status_words *words, struct err *err);

#endif
