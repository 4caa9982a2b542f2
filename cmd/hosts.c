/* rota hosts: lists workers; drains and resumes them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "exitcode.h"
#include "hostrange.h"
#include "near.h"
#include "opt.h"
#include "roster.h"
#include "view.h"
#include "view_host.h"
#include "xalloc.h"

static const char usage[] =
    "rota hosts [-qv] [--sort FIELD[,FIELD ...]] [-o FORM] [--format FORMAT] [HOSTS ...]\n"
    "rota hosts drain [-nqv] HOSTS [REASON]\n"
    "rota hosts resume [-nqv] HOSTS\n";

struct hosts {
    const char *form, *format, *sort;
    bool dry_run;
    struct strlist names; /* asked for; empty: all */
    struct roster roster;
    struct view *view;
};

/* ---- names ---- */

static const char *const verbs[] = {"drain", "resume"};

static int add_names(struct hosts *h, const struct config *config, const char *text,
                     struct err *err)
{
    int rc = hostrange_expand(text, &h->names, err);
    if (rc < 0)
        return err->code = ERR_USAGE;
    for (size_t i = 0; i < h->names.n; i++)
        if (!config_host(config, h->names.v[i])) {
            (void)command_no_host(config, h->names.v[i], err);
            return err->code = ERR_ANSWER;
        }
    return 0;
}

/* ---- listing ---- */

static int list(struct hosts *h, struct command *command, struct err *err)
{
    bool shown = false;
    int rc = view_new(&h->view, &view_host_record, h->form, VIEW_TABLE, h->format, stdout, err);
    if (rc == 0)
        rc = view_sort(h->view, h->sort, 0, err);
    if (rc < 0)
        return rc;
    roster_new(&command->config, &h->roster);
    /* before the first submit there is no catalogue, and the configuration is worth showing */
    if (access(command->config.catalogue, F_OK) == 0) {
        rc = command_open(command, CATALOGUE_READ, err);
        if (rc == 0)
            rc = roster_read(&h->roster, &command->config, command->cat, err);
    }
    for (size_t i = 0; rc == 0 && i < h->roster.n; i++)
        if (!h->names.n || strlist_has(&h->names, h->roster.v[i].config->name)) {
            (void)view_add(h->view, &h->roster.v[i]);
            shown = true;
        }
    if (rc == 0) {
        rc = view_end(h->view, err);
        h->view = NULL;
    }
    return rc < 0 ? rc : shown ? EXITCODE_DONE : EXITCODE_NO;
}

/* ---- drain and resume ---- */

static int set_drained(struct hosts *h, struct command *command, const char *reason,
                       struct err *err)
{
    int rc = command_open(command, CATALOGUE_CREATE, err);
    if (rc < 0)
        return rc;
    char *actor = command_actor();
    rc = catalogue_begin(command->cat, err);
    for (size_t i = 0; rc == 0 && i < h->names.n; i++)
        rc = host_drain(command->cat, h->names.v[i], reason, actor, err);
    if (rc == 0)
        rc = catalogue_commit(command->cat, err);
    if (rc < 0)
        catalogue_rollback(command->cat);
    free(actor);
    return rc;
}

static int change(struct hosts *h, struct command *command, bool drain, char **args, int n,
                  struct err *err)
{
    if (h->form || h->format)
        return err_set(err, ERR_USAGE, "-o and --format are for the list");
    if (n < 1 || n > 1 + drain)
        return err_set(err, ERR_USAGE,
                       drain ? "drain wants hosts and at most one reason (quote it)"
                             : "resume wants hosts: a name or db[1-4]");
    int rc = add_names(h, &command->config, args[0], err);
    if (rc == 0 && !h->dry_run)
        rc = set_drained(h, command, !drain ? NULL : n > 1 ? args[1] : "drained", err);
    for (size_t i = 0; rc == 0 && i < h->names.n; i++)
        printf("%s\n", h->names.v[i]);
    return rc;
}

static int run_hosts(struct hosts *h, struct command *command, int argc, char **argv,
                     struct err *err)
{
    const struct option_row options[] = {
        {'o', "output", OPT_STRING, &h->form},
        {0, "format", OPT_STRING, &h->format},
        {0, "sort", OPT_STRING, &h->sort},
        {'n', "dry-run", OPT_FLAG, &h->dry_run},
        {0},
    };
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    int rc = first < 0 ? first : command_configure(command, err);
    if (rc < 0)
        return rc;
    char **args = argv + first;
    int n = argc - first;
    if (n && (strcmp(args[0], "drain") == 0 || strcmp(args[0], "resume") == 0))
        return change(h, command, args[0][0] == 'd', args + 1, n - 1, err);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_names(h, &command->config, args[i], err);
    const char *verb = rc == ERR_ANSWER ? near_word(args[0], verbs, 2, sizeof *verbs) : NULL;
    if (verb && !config_host(&command->config, args[0]))
        rc = err_set(err, ERR_USAGE, "no subcommand and no host '%s' (did you mean '%s'?)", args[0],
                     verb);
    return rc < 0 ? rc : list(h, command, err);
}

static int hosts_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct hosts h = {0};
    int rc = run_hosts(&h, command, argc, argv, err);
    view_drop(h.view);
    roster_free(&h.roster);
    strlist_free(&h.names);
    return rc;
}

int hosts_command(int argc, char **argv)
{
    return command_main("rota hosts", hosts_main, argc, argv);
}
