/* status_commands: what the files of `rota status` share. One file for each thing that is asked. */
#ifndef ROTA_CMD_STATUS_H
#define ROTA_CMD_STATUS_H

#include "command.h"
#include "err.h"
#include "selection.h"

/* What the command line says; operands are argv[first…]. */
struct status_words {
    struct narrowing narrowing;
    const char *form, *format, *outcomes;
    int64_t limit; /* -1: not said */
    bool events, occurrences, why, tree;
    int64_t workflow; /* a run of it; -1: not said */
    char **operands;
    int n;
};

/* Print, and return an exit code or a negative ERR_*. The form is checked before the catalogue is
 * opened. */
int status_events(struct command *command, const struct status_words *words, struct err *err);
int status_why(struct command *command, const struct status_words *words, struct err *err);
int status_tree(struct command *command, const struct status_words *words, struct err *err);
int status_occurrences(struct command *command, const struct status_words *words, struct err *err);

/* Opens the catalogue, and says which runs the words mean: *query, which borrows from *named
 * (selection_free). Nothing named, nothing narrowed: all. */
int status_choose(struct command *command, const struct status_words *words,
                  struct run_query *query, struct selection *named, struct err *err);

#endif
