/* commands: those that are part of `rota` itself, because they link no SSH code. */
#ifndef ROTA_CMD_COMMANDS_H
#define ROTA_CMD_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

/* As main: argv[0] is the command's name; returns the exit code. */
typedef int command_main_fn(int argc, char **argv);
command_main_fn submit_command, schedule_command, status_command, logs_command, cancel_command,
    hosts_command, catalogue_command, complete_command;

/* A command that the map shows. */
struct command_row {
    const char *name;     /* first: near_word walks the table */
    const char *does;     /* NULL: no person types it, and the map does not show it */
    command_main_fn *run; /* NULL: a program of its own */
};
extern const struct command_row command_rows[];
extern const size_t command_nrows;
/* Runs the command, or becomes rota-NAME, with the arguments. Returns the exit code. */
int command_run(const char *name, int argc, char **argv);

/* The i-th signal that rota cancel knows by name; NULL: there are no more. */
const char *cancel_signal_name(size_t i);

/* Whether `rota dispatch` with these arguments would find nothing to do. Says nothing: what is wrong is
 * told by rota-dispatch. */
bool dispatch_command_is_idle(int argc, char **argv);

#endif
