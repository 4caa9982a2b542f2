/* rota monitor check */
#include "monitor_commands.h"

int monitor_check(struct command *command, int argc, char **argv, struct err *err)
{
    (void)command;
    (void)argc;
    (void)argv;
    return err_set(err, ERR_USAGE, "'check' is being written");
}
