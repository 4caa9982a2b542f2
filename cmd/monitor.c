/* rota monitor: health, doctor, alerts, metrics, board. */
#include "monitor_commands.h"

#include <string.h>

const char monitor_usage[] = "rota monitor [-qv] [-o FORM]\n"
                             "rota monitor doctor [-qv] [-o FORM] [HOSTS ...]\n"
                             "rota monitor check [-nqv] [--test NAME]\n"
                             "rota monitor metrics [-qv] [--output FILE]\n"
                             "rota monitor board [-qv] --output DIRECTORY\n";

static const struct {
    const char *name;
    monitor_fn *run;
} subcommands[] = {
    {"health", monitor_health},   {"doctor", monitor_doctor}, {"check", monitor_check},
    {"metrics", monitor_metrics}, {"board", monitor_board},
};

/* The first word that is no option decides; the options before it come behind it. */
static int monitor_main(struct command *command, int argc, char **argv, struct err *err)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-')
        at++;
    for (size_t i = 0; at < argc && i < sizeof subcommands / sizeof *subcommands; i++)
        if (strcmp(argv[at], subcommands[i].name) == 0) {
            char *name = argv[at];
            memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
            argv[1] = name;
            return subcommands[i].run(command, argc - 1, argv + 1, err);
        }
    return monitor_health(command, argc, argv, err);
}

int main(int argc, char **argv)
{
    return command_main("rota monitor", monitor_main, argc, argv);
}
