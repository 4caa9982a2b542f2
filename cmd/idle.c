/* rota dispatch with nothing to do: most of those that cron starts. To find that out, and to start what
 * tells of alerts, needs no SSH code, whose libraries take longer to link than the whole look. */
#include <string.h>

#include "catalogue.h"
#include "commands.h"
#include "config.h"
#include "dispatch/checkup.h"
#include "dispatch/dispatch.h"

/* What no dispatcher without work heeds; any other argument has to be looked at. */
static bool are_plain(char **argv)
{
    for (; *argv; argv++)
        if (strcmp(*argv, "-q") != 0 && strcmp(*argv, "--once") != 0)
            return false;
    return true;
}

bool dispatch_command_is_idle(int argc, char **argv)
{
    struct config config;
    struct errlist errors = {0};
    struct catalogue *cat = NULL;
    struct err err;
    bool idle = false, due = false;
    if (argc < 1 || !are_plain(argv + 1))
        return false;
    if (config_load(&config, &errors) == 0) {
        if (catalogue_open(&cat, config.catalogue, CATALOGUE_READ, &err) == 0)
            (void)dispatch_is_idle(cat, &idle, &err);
        if (idle)
            (void)checkup_is_due(&config, cat, &due, &err);
        catalogue_close(cat);
        config_free(&config);
    }
    errlist_free(&errors);
    if (due)
        checkup_await(checkup_last(), 0);
    return idle;
}
