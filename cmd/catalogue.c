/* rota catalogue: looks after the catalogue: check, backup, prune. */
#include "catalogue_commands.h"
#include "commands.h"

#include <string.h>

#include "exitcode.h"
#include "near.h"
#include "opt.h"

const char catalogue_usage[] = "rota catalogue check [-qv] [-o FORM] [--format FORMAT]\n"
                               "rota catalogue backup [-qv] FILE | -\n"
                               "rota catalogue prune [-nqv] [--older-than DURATION] [-o FORM]\n"
                               "            [--format FORMAT]\n";

static const struct command_sub subcommands[] = {
    {"check", catalogue_check},
    {"backup", catalogue_backup},
    {"prune", catalogue_prune},
};
enum { NSUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

/* None of them is what somebody means who names none: that would be the one that takes away, or not. */
static int no_subcommand(struct command *command, int argc, char **argv, struct err *err)
{
    (void)command;
    const struct option_row options[] = {{0}};
    int first = opt_parse(argc, argv, options, catalogue_usage, NULL, err);
    if (first < 0)
        return first;
    const char *word = first < argc ? argv[first] : "";
    const char *near = near_word(word, subcommands, NSUBCOMMANDS, sizeof *subcommands);
    if (near)
        return err_set(err, ERR_USAGE, "no subcommand '%s' (did you mean '%s'?)", word, near);
    return err_set(err, ERR_USAGE, "say what to do: check, backup FILE or prune");
}

static int catalogue_main(struct command *command, int argc, char **argv, struct err *err)
{
    return command_run_sub(command, subcommands, NSUBCOMMANDS, no_subcommand, argc, argv, err);
}

int catalogue_command(int argc, char **argv)
{
    return command_main("rota catalogue", catalogue_main, argc, argv);
}
