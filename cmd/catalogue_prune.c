/* rota catalogue prune: takes away runs that have been over for long enough, and their output. */
#include <inttypes.h>
#include <stdio.h>

#include "catalogue_commands.h"
#include "clock.h"
#include "duration.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "pruning.h"
#include "view.h"

static struct view_value job_name(const void *record)
{
    return view_text(((const struct pruned_job *)record)->name);
}

static struct view_value job_runs(const void *record)
{
    return view_int(((const struct pruned_job *)record)->runs);
}

static struct view_value job_bytes(const void *record)
{
    return view_int(((const struct pruned_job *)record)->bytes);
}

static const struct view_column columns[] = {
    {"job", "JOB", true, true, false, false, job_name, VIEW_IS(TEXT)},
    {"runs", "RUNS", true, true, true, false, job_runs, VIEW_IS(INT)},
    {"bytes", "BYTES", true, true, true, false, job_bytes, VIEW_IS(INT)},
};
static const struct view_record pruned_record = VIEW_RECORD("pruned", 1, columns);

static int show(struct view *view, const struct pruned *pruned, struct err *err)
{
    for (size_t i = 0; i < pruned->n; i++)
        if (view_add(view, &pruned->jobs[i]))
            break;
    return view_end(view, err);
}

static void sum_up(const struct pruned *pruned, bool dry)
{
    char size[DURATION_TEXT];
    log_info("%s: %" PRId64 " run%s of %zu job%s, %s of output%s", dry ? "would go" : "gone",
             pruned->runs, pruned->runs == 1 ? "" : "s", pruned->n, pruned->n == 1 ? "" : "s",
             size_text(pruned->bytes, size), dry ? "; nothing was changed" : "");
    if (pruned->others)
        log_info("gone: %" PRId64 " instants without runs, events and alerts", pruned->others);
}

static int terms_of(const struct config *config, const char *older, struct prune_terms *terms,
                    struct err *err)
{
    *terms = (struct prune_terms){.now = clock_now(),
                                  .keep_ms = config->keep_ms,
                                  .keep_failed_ms = config->keep_failed_ms,
                                  .all = older != NULL};
    if (!older)
        return 0;
    if (duration_parse(older, &terms->keep_ms, err) < 0) {
        err->code = ERR_USAGE;
        return err_place(err, "--older-than");
    }
    terms->keep_failed_ms = terms->keep_ms;
    return 0;
}

/* A number that does not stand for runs is no id of theirs. */
static int open_view(struct view **view, const char *form, const char *format, struct err *err)
{
    int rc = view_new(view, &pruned_record, form, VIEW_TABLE, format, stdout, err);
    if (rc == 0 && view_form(*view) == VIEW_ID) {
        view_drop(*view);
        *view = NULL;
        return err_set(err, ERR_USAGE, "what has gone has no ids: choose table, tsv or json");
    }
    return rc;
}

int catalogue_prune(struct command *command, int argc, char **argv, struct err *err)
{
    const char *older = NULL, *form = NULL, *format = NULL;
    bool dry = false;
    struct pruned pruned = {0};
    struct prune_terms terms;
    struct view *view = NULL;
    const struct option_row options[] = {{'n', "dry-run", OPT_FLAG, &dry},
                                         {0, "older-than", OPT_STRING, &older},
                                         {'o', "output", OPT_STRING, &form},
                                         {0, "format", OPT_STRING, &format},
                                         {0}};
    int first = opt_parse(argc, argv, options, catalogue_usage, NULL, err);
    if (first < 0)
        return first;
    if (first < argc)
        return err_set(err, ERR_USAGE, "'%s' is one argument too many", argv[first]);
    int rc = open_view(&view, form, format, err);
    if (rc == 0)
        rc = command_open(command, dry ? CATALOGUE_READ : CATALOGUE_WRITE, err);
    if (rc == 0)
        rc = terms_of(&command->config, older, &terms, err);
    if (rc == 0)
        rc = prune(command->cat, &terms, dry, &pruned, err);
    /* what has gone is told also where the rest could not go */
    if (pruned.n && log_level() >= LOG_WARN) {
        int shown = show(view, &pruned, rc < 0 ? NULL : err);
        rc = rc < 0 ? rc : shown;
    } else {
        view_drop(view);
    }
    if (rc == 0)
        sum_up(&pruned, dry);
    pruned_free(&pruned);
    return rc;
}
