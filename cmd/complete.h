/* complete: what the files of rota complete share. */
#ifndef ROTA_CMD_COMPLETE_H
#define ROTA_CMD_COMPLETE_H

#include <stdbool.h>
#include <stdio.h>

#include "catalogue.h"
#include "completion.h"
#include "config.h"

/* What is asked for, and where the answers come from. */
struct complete {
    const struct completion *completion;
    char *const *words; /* of the command line, n, the last is completed */
    size_t n;
    FILE *out;
    char *head;           /* of the word: stays; owned */
    const char *rest;     /* what of it was typed: a value that begins like it is offered */
    struct config config; /* read when somebody asks for it */
    bool configured, opened;
    struct catalogue *cat; /* NULL: there is none that can be read */
};

/* Prints a value, when it begins with what was typed; does: NULL or what it is. What no rota command
 * makes, as a name that holds `$(…)`, is not printed: a shell would run it when the line is entered. */
void complete_offer(struct complete *complete, const char *value, const char *does);
/* Tells the shell to offer something of its own: "files", "directories". */
void complete_leave(struct complete *complete, const char *what);
/* Offers the values of what a usage text calls `want`. */
void complete_values(struct complete *complete, const struct completion_want *want);

/* complete_job.c: the parameters of the jobs that the command line names, "NAME=" each. */
void complete_parameters(struct complete *complete);

/* The configuration and the catalogue; NULL where there is none. Nothing is said, created or written. */
const struct config *complete_config(struct complete *complete);
struct catalogue *complete_catalogue(struct complete *complete);

#endif
