/* rota schedule: recurring jobs. */
#include "commands.h"
#include "schedule_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "opt.h"
#include "strlist.h"
#include "xalloc.h"
#include "zone.h"

const char schedule_usage[] =
    "rota schedule [-qv] [--sort FIELD[,FIELD ...]] [-o FORM] [--format FORMAT] [JOB ...]\n"
    "rota schedule add [-nqv] [--prune] FILE ... | DIRECTORY ... | -\n"
    "rota schedule tick [-nqv] [-o FORM] [--format FORMAT]\n"
    "rota schedule next [-qv] [-n N] [--from TIME] [--timezone ZONE]\n"
    "            [-o FORM] [--format FORMAT] JOB | --cron EXPRESSION\n"
    "rota schedule explain [-qv] JOB [TIME]\n"
    "rota schedule pause [-nqv] [--reason TEXT] JOB ...\n"
    "rota schedule resume [-nqv] JOB ...\n"
    "rota schedule skip [-nqv] JOB ...\n"
    "rota schedule remove [-nqv] JOB ...\n"
    "rota schedule backfill [-nqv] --from TIME --to TIME [-o FORM] [--format FORMAT] JOB\n"
    "rota schedule import [-qv] [--system] [--timezone ZONE] FILE ... | -\n";

static const struct command_sub subcommands[] = {
    {"list", schedule_list},         {"add", schedule_add},         {"tick", schedule_tick_command},
    {"next", schedule_next},         {"explain", schedule_explain}, {"pause", schedule_pause},
    {"resume", schedule_resume},     {"skip", schedule_skip},       {"remove", schedule_remove},
    {"backfill", schedule_backfill}, {"import", schedule_import},
};

/* ---- what they share ---- */

char *schedule_zone(const struct config *config)
{
    return config->timezone ? xstrdup(config->timezone) : zone_system();
}

char *schedule_left(int64_t ms, char text[32])
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}};
    int64_t left = ms > 0 ? ms : 0;
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof *units && left < units[i].ms)
        i++;
    int n = snprintf(text, 32, "%lld%s", (long long)(left / units[i].ms), units[i].unit);
    left %= units[i].ms;
    if (i + 1 < sizeof units / sizeof *units && left >= units[i + 1].ms)
        (void)snprintf(text + n, (size_t)(32 - n), "%lld%s", (long long)(left / units[i + 1].ms),
                       units[i + 1].unit);
    return text;
}

/* ---- the command ---- */

const char *schedule_verb_near(const char *word)
{
    return near_word(word, subcommands, sizeof subcommands / sizeof *subcommands,
                     sizeof *subcommands);
}

static int schedule_main(struct command *command, int argc, char **argv, struct err *err)
{
    return command_run_sub(command, subcommands, sizeof subcommands / sizeof *subcommands,
                           schedule_list, argc, argv, err);
}

int schedule_command(int argc, char **argv)
{
    return command_main("rota schedule", schedule_main, argc, argv);
}
