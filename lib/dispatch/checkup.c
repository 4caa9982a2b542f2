#include "dispatch/checkup.h"

#include <stdlib.h>
#include <unistd.h>

#include "catalogue/vitals.h"
#include "clock.h"
#include "log.h"
#include "proc.h"

enum { AGE_MS = 50000 }; /* of the last check: a minute, less what it may have begun late */

pid_t checkup_start(struct err *err)
{
    char check[] = "check", quiet[] = "-q";
    char *program = proc_find_sibling("rota-monitor");
    if (!program)
        return err_set(err, ERR_OS, "cannot find rota-monitor (is rota installed?)");
    char *argv[] = {program, check, quiet, NULL};
    pid_t pid = proc_spawn_apart(argv, -1, -1, -1, err);
    free(program);
    return pid;
}

int checkup_is_due(const struct config *config, struct catalogue *cat, bool *due, struct err *err)
{
    int64_t now = clock_now(), at;
    *due = false;
    if (!config_is_monitored(config) || catalogue_owner(cat) != geteuid())
        return 0;
    int rc = monitor_checked_at(cat, &at, err);
    /* one in the future was before the clock was set back */
    *due = rc == 0 && (now - at >= AGE_MS || at > now);
    return rc;
}

void checkup_last(void)
{
    struct err err;
    if (checkup_start(&err) < 0)
        log_warn("alerts are not sent from here: %s", err.msg);
}
