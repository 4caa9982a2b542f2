/* rota monitor board */
#include "monitor_commands.h"

int monitor_board(struct command *command, int argc, char **argv, struct err *err)
{
    (void)command;
    (void)argc;
    (void)argv;
    return err_set(err, ERR_USAGE, "'board' is being written");
}
