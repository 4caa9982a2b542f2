/* rota status: queries runs. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "commands.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "selection.h"
#include "status_commands.h"
#include "view.h"
#include "view_run.h"

static const char usage[] =
    "rota status [-qv] [--state STATE[,STATE ...]] [--job PATTERN] [--host PATTERN]\n"
    "            [--tag TAG] [--array ID] [--workflow ID] [--since TIME] [--until TIME]\n"
    "            [--limit N] [--sort FIELD[,FIELD ...]] [-o FORM] [--format FORMAT]\n"
    "            [ID ... | last | -]\n"
    "rota status --tree [-qv] [--state STATE[,STATE ...]] [--job PATTERN]\n"
    "            [--host PATTERN] [--tag TAG] [--array ID] [--workflow ID] [--since TIME]\n"
    "            [--until TIME] [--limit N] [ID ... | last | -]\n"
    "rota status --joblog [-qv] [--state STATE[,STATE ...]] [--job PATTERN]\n"
    "            [--host PATTERN] [--tag TAG] [--array ID] [--workflow ID] [--since TIME]\n"
    "            [--until TIME] [--limit N] [ID ... | last | -]\n"
    "rota status --events [-qv] [-o FORM] [--format FORMAT] ID ... | last | -\n"
    "rota status --why [-qv] [-o FORM] [--format FORMAT] ID ... | last | -\n"
    "rota status --occurrences [-qv] [--outcome OUTCOME[,OUTCOME ...]]\n"
    "            [--since TIME] [--until TIME] [--sort FIELD[,FIELD ...]]\n"
    "            [-o FORM] [--format FORMAT] [JOB]\n";

enum { NEWEST = 50 }; /* runs in a table that nothing narrows */

struct status {
    struct narrowing narrowing;
    struct selection selection;
    struct run_query query;
    struct view *view;
    size_t found;
    bool all; /* nothing narrows */
};

static int print(const struct run *run, void *arg)
{
    struct status *status = arg;
    status->found++;
    return view_add_run(run, status->view);
}

static int count(const struct run *run, void *n)
{
    (void)run;
    ++*(size_t *)n;
    return 0;
}

int status_absent(struct catalogue *cat, const struct selection *named, size_t *absent,
                  struct err *err)
{
    const struct run_query query = {.ids = named->ids, .nids = named->n};
    size_t found = 0;
    int rc = named->n ? run_select(cat, &query, count, &found, err) : 0;
    *absent = named->n - found;
    if (rc == 0)
        status_tell_absent(named, *absent);
    return rc;
}

void status_tell_absent(const struct selection *named, size_t absent)
{
    if (absent && named->n == 1)
        log_warn("there is no run %lld", (long long)named->ids[0]);
    else if (absent)
        log_warn("%zu of the %zu runs named are not in the catalogue", absent, named->n);
}

/* What the rows themselves do not say. It goes to standard error, where it harms no form. */
static int conclude(struct command *command, const struct status *status, struct err *err)
{
    size_t absent = 0;
    int rc = status->found < status->selection.n
                 ? status_absent(command->cat, &status->selection, &absent, err)
                 : 0;
    if (rc < 0 || absent)
        return rc < 0 ? rc : EXITCODE_NO;
    if (!status->found)
        log_warn("%s",
                 status->all ? "there are no runs yet: rota submit makes them" : "no run matches");
    if (status->all && status->query.limit == NEWEST && status->found == NEWEST &&
        isatty(STDOUT_FILENO))
        log_warn("these are the newest %d runs; --limit 0 shows all", NEWEST);
    return status->found ? EXITCODE_DONE : EXITCODE_NO;
}

static int ask(struct command *command, struct status *status, struct err *err)
{
    const struct selection *selection = &status->selection;
    if (selection_is_nothing(selection))
        return EXITCODE_NO;
    status->all = !selection->n && !narrowing_any(&status->narrowing);
    if (status->query.limit < 0)
        status->query.limit = status->all && view_is_for_people(status->view) ? NEWEST : 0;
    int rc = run_select(command->cat, &status->query, print, status, err);
    if (rc > 0)
        return EXITCODE_DONE; /* whoever reads us has had enough */
    return rc < 0 ? rc : conclude(command, status, err);
}

static int read_words(struct status_words *words, int argc, char **argv, struct err *err)
{
    struct narrowing *narrowing = &words->narrowing;
    const struct option_row options[] = {
        {0, "state", OPT_STRING, &narrowing->states},
        {0, "job", OPT_STRING, &narrowing->job},
        {0, "host", OPT_STRING, &narrowing->host},
        {0, "tag", OPT_STRING, &narrowing->tag},
        {0, "array", OPT_STRING, &narrowing->array},
        {0, "since", OPT_STRING, &narrowing->since},
        {0, "until", OPT_STRING, &narrowing->until},
        {0, "limit", OPT_INT, &words->limit},
        {0, "outcome", OPT_STRING, &words->outcomes},
        {0, "events", OPT_FLAG, &words->events},
        {0, "occurrences", OPT_FLAG, &words->occurrences},
        {0, "why", OPT_FLAG, &words->why},
        {0, "tree", OPT_FLAG, &words->tree},
        {0, "joblog", OPT_FLAG, &words->joblog},
        {0, "workflow", OPT_STRING, &words->workflow},
        {0, "sort", OPT_STRING, &words->sort},
        {'o', "output", OPT_STRING, &words->form},
        {0, "format", OPT_STRING, &words->format},
        {0},
    };
    words->limit = OPT_UNSAID;
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    if (first < 0)
        return first;
    words->operands = argv + first;
    words->n = argc - first;
    if (words->limit != OPT_UNSAID && words->limit < 0)
        return err_set(err, ERR_USAGE, "--limit wants a number from 0 (all)");
    if (words->events + words->occurrences + words->why + words->tree + words->joblog > 1)
        return err_set(err, ERR_USAGE,
                       "--events, --occurrences, --why, --tree and --joblog exclude each other");
    if (words->sort && (words->events || words->why || words->tree))
        return err_set(err, ERR_USAGE,
                       "--sort is for lists: --events, --why and --tree have an order");
    if (words->outcomes && !words->occurrences)
        return err_set(err, ERR_USAGE, "--outcome goes with --occurrences (did you mean --state?)");
    return 0;
}

int status_choose(struct command *command, const struct status_words *words,
                  struct run_query *query, struct selection *named, struct err *err)
{
    int64_t id;
    int rc = narrowing_read(&words->narrowing, clock_now(), query, err);
    if (rc == 0)
        rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = narrowing_tag(&words->narrowing, &command->config, query, err);
    if (rc == 0)
        rc = narrowing_array(&words->narrowing, command->cat, query, err);
    if (rc == 0)
        rc = selection_read(named, words->operands, words->n, stdin, command->cat, err);
    if (rc == 0 && words->workflow)
        rc = selection_one("--workflow", words->workflow, command->cat, &id, err);
    if (rc == 0 && words->workflow)
        rc = selection_workflow(named, id, command->cat, err);
    query->ids = named->n ? named->ids : NULL;
    query->nids = named->n;
    return rc;
}

static int run_status(struct command *command, struct status *status,
                      const struct status_words *words, struct err *err)
{
    status->narrowing = words->narrowing;
    int rc = view_new(&status->view, &view_run_record, words->form, VIEW_TABLE, words->format,
                      stdout, err);
    if (rc == 0)
        rc = status_choose(command, words, &status->query, &status->selection, err);
    /* the first of those that are sorted, not the newest of all */
    if (rc == 0)
        rc = view_sort(status->view, words->sort, words->limit, err);
    status->query.limit = words->sort ? 0 : words->limit;
    return rc < 0 ? rc : ask(command, status, err);
}

static int status_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct status status = {0};
    struct status_words words = {0};
    int rc = read_words(&words, argc, argv, err);
    if (rc < 0)
        return rc;
    if (words.events)
        return status_events(command, &words, err);
    if (words.why)
        return status_why(command, &words, err);
    if (words.tree)
        return status_tree(command, &words, err);
    if (words.joblog)
        return status_joblog(command, &words, err);
    if (words.occurrences)
        return status_occurrences(command, &words, err);
    rc = run_status(command, &status, &words, err);
    if (rc < 0)
        view_drop(status.view);
    else if (view_end(status.view, err) < 0)
        rc = ERR_IO;
    selection_free(&status.selection);
    free(status.query.hosts);
    return rc;
}

int status_command(int argc, char **argv)
{
    return command_main("rota status", status_main, argc, argv);
}
