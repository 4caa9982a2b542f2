/* rota monitor health */
#include "monitor_commands.h"

int monitor_health(struct command *command, int argc, char **argv, struct err *err)
{
    (void)command;
    (void)argc;
    (void)argv;
    return err_set(err, ERR_USAGE, "'health' is being written");
}
