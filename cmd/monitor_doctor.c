/* rota monitor doctor */
#include "monitor_commands.h"

int monitor_doctor(struct command *command, int argc, char **argv, struct err *err)
{
    (void)command;
    (void)argc;
    (void)argv;
    return err_set(err, ERR_USAGE, "'doctor' is being written");
}
