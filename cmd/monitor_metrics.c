/* rota monitor metrics */
#include "monitor_commands.h"

int monitor_metrics(struct command *command, int argc, char **argv, struct err *err)
{
    (void)command;
    (void)argc;
    (void)argv;
    return err_set(err, ERR_USAGE, "'metrics' is being written");
}
