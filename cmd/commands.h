/* commands: those that are part of `rota` itself, because they link no SSH code. */
#ifndef ROTA_CMD_COMMANDS_H
#define ROTA_CMD_COMMANDS_H

#include <stdbool.h>

/* As main: argv[0] is the command's name; returns the exit code. */
typedef int command_main_fn(int argc, char **argv);
command_main_fn submit_command, schedule_command, status_command, logs_command, cancel_command,
    hosts_command, catalogue_command;

/* Whether `rota dispatch` with these arguments would find nothing to do. Says nothing: what is wrong is
 * told by rota-dispatch. */
bool dispatch_command_is_idle(int argc, char **argv);

#endif
