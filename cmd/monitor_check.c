/* rota monitor check */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "exitcode.h"
#include "log.h"
#include "monitor/channel.h"
#include "monitor/check.h"
#include "monitor_commands.h"
#include "near.h"
#include "opt.h"

static void say(const char *what, const char *line, void *arg)
{
    (void)arg;
    printf("%-11s %s\n", what, line);
}

static int test_section(struct command *command, const char *name, struct err *err)
{
    const struct config *config = &command->config;
    int rc = command_configure(command, err);
    if (rc < 0)
        return rc;
    const struct alert_config *section = config_alert(config, name);
    if (!section) {
        const char *near = NULL;
        if (config->nalerts)
            near =
                near_word(name, &config->alerts[0].name, config->nalerts, sizeof *config->alerts);
        return err_set(err, ERR_USAGE, "--test: there is no [alert %s] in the configuration%s%s%s",
                       name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
    rc = check_sample(config, section, clock_now(), err);
    if (rc == 0 && log_level() >= LOG_WARN) {
        char *how = channel_describe(section);
        printf("sent        %s: a sample %s\n", name, how);
        free(how);
    }
    return rc;
}

/* The alerts are one thing, and whether they could be told another: only the second is our answer. */
int monitor_check(struct command *command, int argc, char **argv, struct err *err)
{
    const char *test = NULL;
    bool dry_run = false;
    const struct option_row rows[] = {
        {'n', "dry-run", OPT_FLAG, &dry_run}, {0, "test", OPT_STRING, &test}, {0}};
    int at = opt_parse(argc, argv, rows, monitor_usage, NULL, err);
    if (at < 0)
        return at;
    if (at < argc)
        return err_set(err, ERR_USAGE, "'%s' is one argument too many (did you mean --test %s?)",
                       argv[at], argv[at]);
    if (test && dry_run)
        return err_set(err, ERR_USAGE, "--test and --dry-run exclude each other");
    if (test)
        return test_section(command, test, err);
    int rc = command_open(command, CATALOGUE_WRITE, err);
    struct check check = {.config = &command->config,
                          .cat = command->cat,
                          .now = clock_now(),
                          .dry_run = dry_run,
                          .say = log_level() >= LOG_WARN ? say : NULL};
    if (rc == 0)
        rc = check_evaluate(&check, err);
    if (rc == 0)
        rc = check_send(&check, err);
    return rc < 0 ? rc : check.untold ? EXITCODE_NO : EXITCODE_DONE;
}
