/* rota monitor doctor: becomes rota-doctor, so that what cron runs every minute links no SSH code. */
#include <unistd.h>

#include "monitor_commands.h"
#include "proc.h"

int monitor_doctor(struct command *command, int argc, char **argv, struct err *err)
{
    char *path = proc_find_sibling("rota-doctor");
    (void)command;
    (void)argc;
    if (!path)
        return err_set(err, ERR_OS,
                       "rota-doctor is neither beside this program nor in %s: install it",
                       ROTA_LIBEXECDIR);
    (void)execv(path, argv);
    return err_sys(err, ERR_OS, "cannot run %s", path);
}
