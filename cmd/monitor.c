/* rota monitor: health, doctor, alerts, metrics, board. */
#include "monitor_commands.h"

#include <string.h>

#include "near.h"

const char monitor_usage[] = "rota monitor [-qv] [-o FORM]\n"
                             "rota monitor doctor [-qv] [-o FORM] [--format FORMAT] [HOSTS ...]\n"
                             "rota monitor check [-nqv] [--test NAME]\n"
                             "rota monitor metrics [-qv] [--output FILE]\n"
                             "rota monitor board [-qv] --output DIRECTORY\n";

static const struct command_sub subcommands[] = {
    {"health", monitor_health},   {"doctor", monitor_doctor}, {"check", monitor_check},
    {"metrics", monitor_metrics}, {"board", monitor_board},
};

const char *monitor_verb_near(const char *word)
{
    return near_word(word, subcommands, sizeof subcommands / sizeof *subcommands,
                     sizeof *subcommands);
}

static int monitor_main(struct command *command, int argc, char **argv, struct err *err)
{
    return command_run_sub(command, subcommands, sizeof subcommands / sizeof *subcommands,
                           monitor_health, argc, argv, err);
}

int main(int argc, char **argv)
{
    return command_main("rota monitor", monitor_main, argc, argv);
}
