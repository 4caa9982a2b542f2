/*
 * command: what the commands do alike: begin, open configuration and catalogue, tell of an error,
 * end. The commands' half of the library: unlike the rest of it, it prints messages.
 */
#ifndef ROTA_COMMAND_H
#define ROTA_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "catalogue.h"
#include "config.h"
#include "err.h"

struct command {
    struct config config;
    struct catalogue *cat;
    bool configured;
    bool writes; /* the catalogue was opened to be written */
};

/* A command: 0 or an exit code, or a negative ERR_* with *err filled (a code 0 in *err: all was
 * printed). */
typedef int command_fn(struct command *command, int argc, char **argv, struct err *err);

/* Runs a command as main does: `program` is its name in messages ("rota submit"). A reader of our
 * output that goes away is a failed write instead of a signal, and no error. Prints the error, closes
 * what was opened (after writing, a long WAL is checkpointed), flushes; returns the exit code. */
int command_main(const char *program, command_fn *fn, int argc, char **argv);

/* Runs the subcommand that the first word which is no option names, with argv[0] its name and the
 * options before it behind it; `otherwise` where none is named. */
struct command_sub {
    const char *name; /* first: near_word walks the table */
    command_fn *run;
};
int command_run_sub(struct command *command, const struct command_sub *subs, size_t n,
                    command_fn *otherwise, int argc, char **argv, struct err *err);

/* Reads the configuration, once. 0, or ERR_CONFIG: all errors but the last are printed. */
int command_configure(struct command *command, struct err *err);
/* As command_configure, then opens the catalogue that it names. */
int command_open(struct command *command, enum catalogue_mode mode, struct err *err);

/* Prints all errors but the last, which it leaves in *err; returns the first's code. */
int command_errors(struct errlist *errors, struct err *err);

/* Who asks: "user@host", free. */
char *command_actor(void);
/* Errs because no worker is called `name`: ERR_DATA, with a suggestion. */
int command_no_host(const struct config *config, const char *name, struct err *err);

#endif
