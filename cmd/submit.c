/* rota submit: enqueues runs. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "duration.h"
#include "elements.h"
#include "exitcode.h"
#include "expansion.h"
#include "jobfile.h"
#include "log.h"
#include "opt.h"
#include "rerun.h"
#include "selection.h"
#include "submission.h"
#include "submit_after.h"
#include "view.h"
#include "view_run.h"
#include "wait.h"

static const char usage[] =
    "rota submit [-nqv] [--at TIME | --in DURATION] [--hold] [--name NAME]\n"
    "            [--priority N | --top] [--host HOSTS] [--tag TAG] [--slots N] [--timeout "
    "DURATION] [--wait]\n"
    "            [--each FILE | -] [--at-once N] [--stop-after N] [--param NAME=VALUE]\n"
    "            [--after ID[:CONDITION][,ID ...]] [-o FORM] [--format FORMAT] FILE ... | -\n"
    "rota submit [OPTION ...] -- COMMAND [ARGUMENT ...]\n"
    "rota submit [OPTION ...] --rerun [--workflow | --failed] ID ... | last | -\n"
    "rota submit [OPTION ...] --job NAME ... [PARAMETER=VALUE ...]\n";

enum { SLOTS_MAX = 10000 };

struct submit {
    const char *at, *in, *form, *format, *priority, *each;
    bool hold, dry_run, rerun, job, wait, failed, workflow;
    struct strlist after;
    struct need *needs; /* what --after says */
    struct overrides overrides;
    struct submission submission;
    struct submission_terms terms;
    struct strlist parameters; /* NAME=value */
    struct elements elements;  /* of --each */
    struct selection chosen;   /* to be run again */
    struct selection made;     /* the new runs */
    struct view *view;
};

/* ---- the command line ---- */

static bool is_unset_or_within(int64_t number, int64_t most)
{
    return number == OPT_UNSAID || (number >= 1 && number <= most);
}

static int read_options(struct submit *s, int argc, char **argv, int *dashdash, struct err *err)
{
    int64_t slots = OPT_UNSAID, priority = OPT_UNSAID;
    int64_t at_once = OPT_UNSAID, stop_after = OPT_UNSAID;
    const struct option_row options[] = {
        {0, "at", OPT_STRING, &s->at},
        {0, "in", OPT_STRING, &s->in},
        {0, "hold", OPT_FLAG, &s->hold},
        {0, "name", OPT_STRING, &s->overrides.name},
        {0, "priority", OPT_INT, &priority},
        {0, "top", OPT_FLAG, &s->terms.top},
        {0, "host", OPT_STRING, &s->overrides.hosts},
        {0, "tag", OPT_LIST, &s->overrides.tags},
        {0, "slots", OPT_INT, &slots},
        {0, "timeout", OPT_STRING, &s->overrides.timeout},
        {0, "each", OPT_STRING, &s->each},
        {0, "at-once", OPT_INT, &at_once},
        {0, "stop-after", OPT_INT, &stop_after},
        {0, "param", OPT_LIST, &s->parameters},
        {'n', "dry-run", OPT_FLAG, &s->dry_run},
        {0, "rerun", OPT_FLAG, &s->rerun},
        {0, "failed", OPT_FLAG, &s->failed},
        {0, "workflow", OPT_FLAG, &s->workflow},
        {0, "after", OPT_LIST, &s->after},
        {0, "job", OPT_FLAG, &s->job},
        {0, "wait", OPT_FLAG, &s->wait},
        {'o', "output", OPT_STRING, &s->form},
        {0, "format", OPT_STRING, &s->format},
        {0},
    };
    int first = opt_parse(argc, argv, options, usage, dashdash, err);
    if (first < 0)
        return first;
    if (!is_unset_or_within(slots, SLOTS_MAX))
        return err_set(err, ERR_USAGE, "--slots wants a number from 1 to %d", SLOTS_MAX);
    if (priority != OPT_UNSAID && (priority < -JOB_PRIORITY_MAX || priority > JOB_PRIORITY_MAX))
        return err_set(err, ERR_USAGE, "--priority wants a number from %d to %d", -JOB_PRIORITY_MAX,
                       JOB_PRIORITY_MAX);
    if (priority != OPT_UNSAID && s->terms.top)
        return err_set(err, ERR_USAGE, "--priority and --top: write one of them");
    if (!is_unset_or_within(at_once, ARRAY_MAX) || !is_unset_or_within(stop_after, ARRAY_MAX))
        return err_set(err, ERR_USAGE, "--at-once and --stop-after want a number from 1 to %d",
                       ARRAY_MAX);
    s->overrides.at_once = at_once > 0 ? at_once : 0;
    s->overrides.stop_after = stop_after > 0 ? stop_after : 0;
    s->overrides.slots = slots > 0 ? slots : 0;
    s->overrides.has_priority = priority != OPT_UNSAID;
    s->overrides.priority = priority;
    return first;
}

/* --at or --in */
static int read_start(struct submit *s, struct err *err)
{
    int64_t now = clock_now(), ms = 0;
    char ago[DURATION_TEXT];
    if (s->at && s->in)
        return err_set(err, ERR_USAGE, "--at and --in: write one of them");
    if (s->in) {
        if (duration_parse(s->in, &ms, err) < 0) {
            err_place(err, "--in");
            return err->code = ERR_USAGE;
        }
        s->terms.not_before = now + ms;
    }
    if (!s->at)
        return 0;
    if (clock_parse(s->at, now, &s->terms.not_before, err) < 0) {
        err_place(err, "--at");
        return ERR_USAGE;
    }
    if (s->terms.not_before < now)
        return err_set(err, ERR_USAGE, "--at: %s was %s ago: write a time to come", s->at,
                       duration_text(now - s->terms.not_before, ago));
    return 0;
}

/* ---- what is to run ---- */

static int gather_files(struct submit *s, char **files, int n, struct err *err)
{
    struct errlist errors = {0};
    for (int i = 0; i < n; i++)
        submission_add_file(&s->submission, files[i], &errors);
    int rc = errors.n ? command_errors(&errors, err) : 0;
    errlist_free(&errors);
    return rc;
}

static bool overrides_any(const struct overrides *o)
{
    return o->name || o->hosts || o->timeout || o->tags.n || o->slots || o->has_priority ||
           o->at_once || o->stop_after;
}

static int gather_reruns(struct submit *s, struct command *command, char **args, int n,
                         struct err *err)
{
    if (!n)
        return err_set(err, ERR_USAGE, "--rerun wants the ids of runs, 'last' or '-'");
    int rc = command_open(command, s->dry_run ? CATALOGUE_READ : CATALOGUE_WRITE, err);
    if (rc == 0)
        rc = selection_read(&s->chosen, args, n, stdin, command->cat, err);
    if (rc == 0 && !s->chosen.n) {
        /* an empty pipeline is an answer, not a mistake: -q keeps it silent */
        log_warn("standard input names no runs: nothing was submitted");
        err->code = 0;
        return ERR_ANSWER;
    }
    if (rc == 0)
        rc = rerun_choose(&s->chosen,
                          s->failed     ? RERUN_FAILED
                          : s->workflow ? RERUN_WHOLE
                                        : RERUN_THESE,
                          command->cat, err);
    s->submission.whole = s->failed || s->workflow;
    if (rc == 0)
        rc = submission_add_reruns(&s->submission, &s->chosen,
                                   s->dry_run || overrides_any(&s->overrides) || s->parameters.n,
                                   command->cat, err);
    return rc;
}

/* Registered jobs, now; their schedules go on as if nothing had been. */
static int gather_jobs(struct submit *s, struct command *command, char **words, int n,
                       struct err *err)
{
    int rc = command_open(command, s->dry_run ? CATALOGUE_READ : CATALOGUE_WRITE, err);
    for (int i = 0; rc == 0 && i < n; i++)
        if (strchr(words[i], '=')) /* no name has it */
            strlist_add(&s->parameters, words[i]);
        else
            rc = submission_add_job(&s->submission, words[i], command->cat, err);
    if (rc == 0 && !s->submission.n)
        rc = err_set(err, ERR_USAGE, "--job wants the names of registered jobs");
    return rc;
}

static int gather(struct submit *s, struct command *command, char **args, int n, int before,
                  struct err *err)
{
    if (s->job && s->rerun)
        return err_set(err, ERR_USAGE, "--job and --rerun: write one of them");
    if (s->each && s->rerun)
        return err_set(err, ERR_USAGE, "--each and --rerun: write one of them");
    if (s->failed + s->workflow > s->rerun)
        return err_set(err, ERR_USAGE, "--workflow, or --failed, goes with --rerun");
    if (s->job)
        return gather_jobs(s, command, args, n, err);
    if (s->rerun)
        return gather_reruns(s, command, args, n, err);
    if (before < n && before > 0)
        return err_set(err, ERR_USAGE, "files or a command after --, not both");
    if (before < n) {
        submission_add_command(&s->submission, args + before, (size_t)(n - before));
        return jobfile_check(&s->submission.v[0].job, err);
    }
    if (!n)
        return err_set(err, ERR_USAGE,
                       "nothing to submit: name job files, '-', or a command after --");
    return gather_files(s, args, n, err);
}

/* The lines of --each, before anything else takes standard input. */
static int read_each(struct submit *s, char **args, int n, struct err *err)
{
    for (int i = 0; s->each && strcmp(s->each, "-") == 0 && i < n; i++)
        if (strcmp(args[i], "-") == 0)
            return err_set(err, ERR_USAGE,
                           "standard input is either the elements (--each -) or a job file (-)");
    int rc = s->each ? elements_read(&s->elements, s->each, err) : 0;
    if (rc < 0 || !s->each || s->elements.n)
        return rc;
    log_warn("--each: %s has no lines: nothing was submitted",
             strcmp(s->each, "-") == 0 ? "standard input" : s->each);
    err->code = 0;
    return ERR_ANSWER;
}

/* What the command line says of what was gathered. */
static int adapt(struct submit *s, struct err *err)
{
    int rc = 0;
    if (s->each) {
        s->terms.elements = &s->elements;
        rc = submission_each(&s->submission, &s->elements, err);
    }
    if (rc == 0)
        rc = submission_override(&s->submission, &s->overrides, err);
    if (rc == 0)
        rc = submission_check_arrays(&s->submission, s->terms.elements, &s->overrides, err);
    return rc < 0 ? rc : submission_set_parameters(&s->submission, &s->parameters, err);
}

/* What runs come after may be known by the catalogue only: it is opened when it is there. */
static int check(struct submit *s, struct command *command, struct err *err)
{
    struct errlist errors = {0};
    bool after = s->after.n > 0;
    int rc = 0;
    submission_check(&s->submission, &command->config, &errors);
    for (size_t i = 0; i < s->submission.n; i++)
        after = after || s->submission.v[i].job.nafter;
    if (after && !command->cat && access(command->config.catalogue, F_OK) == 0)
        rc = command_open(command, s->dry_run ? CATALOGUE_READ : CATALOGUE_WRITE, err);
    if (rc == 0)
        rc = submission_check_after(&s->submission, command->cat, &errors, err);
    if (rc == 0 && s->after.n)
        rc = submit_after(&s->after, command->cat, &s->needs, &s->terms.nafter, err);
    s->terms.after = s->needs;
    if (rc == 0 && errors.n)
        rc = command_errors(&errors, err);
    errlist_free(&errors);
    return rc;
}

/* ---- doing it ---- */

/* What would be stored, as job files in JSON, one a line. */
static int print_plan(const struct submit *s)
{
    struct buf text = {0};
    for (size_t i = 0; i < s->submission.n; i++) {
        jobfile_write(&s->submission.v[i].job, &text);
        buf_addch(&text, '\n');
    }
    (void)fwrite(buf_data(&text), 1, text.len, stdout);
    buf_free(&text);
    return EXITCODE_DONE;
}

static int print_made(struct submit *s, struct catalogue *cat, struct err *err)
{
    const struct run_query query = {.ids = s->made.ids, .nids = s->made.n};
    int rc = 0;
    if (view_form(s->view) != VIEW_ID)
        rc = run_select(cat, &query, view_add_run, s->view, err);
    for (size_t i = 0; view_form(s->view) == VIEW_ID && i < s->made.n; i++)
        (void)view_add(s->view, &(struct run){.id = s->made.ids[i]});
    /* out before any wait: who reads the ids goes on with them */
    int written = view_end(s->view, rc < 0 ? NULL : err);
    s->view = NULL;
    return rc < 0 ? rc : written;
}

static int store(struct submit *s, struct command *command, struct err *err)
{
    char *actor = command_actor();
    int rc = 0, exitcode = EXITCODE_DONE;
    if (!command->cat)
        rc = command_open(command, CATALOGUE_CREATE, err);
    s->terms.held = s->hold;
    s->terms.submitter = actor;
    if (rc == 0)
        rc = submission_store(&s->submission, &s->terms, &command->config, command->cat, &s->made,
                              err);
    free(actor);
    if (rc == 0)
        rc = print_made(s, command->cat, err);
    if (rc == 0 && s->wait)
        rc = wait_runs(command->cat, s->made.ids, s->made.n, true, err);
    if (rc == 0 && s->wait)
        rc = wait_exitcode(command->cat, s->made.ids, s->made.n, &exitcode, err);
    return rc < 0 ? rc : exitcode;
}

static int run_submit(struct submit *s, struct command *command, int argc, char **argv,
                      struct err *err)
{
    int dashdash;
    int first = read_options(s, argc, argv, &dashdash, err);
    int rc = first < 0 ? first : read_start(s, err);
    if (rc == 0)
        rc = view_new(&s->view, &view_run_record, s->form, VIEW_ID, s->format, stdout, err);
    if (rc == 0)
        rc = read_each(s, argv + first, dashdash - first, err);
    if (rc == 0)
        rc = gather(s, command, argv + first, argc - first, dashdash - first, err);
    if (rc == 0)
        rc = adapt(s, err);
    if (rc == 0)
        rc = command_configure(command, err);
    if (rc == 0)
        rc = check(s, command, err);
    if (rc < 0)
        return rc;
    return s->dry_run ? print_plan(s) : store(s, command, err);
}

static int submit_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct submit s = {0};
    int rc = run_submit(&s, command, argc, argv, err);
    /* nothing was printed: only free it (a TSV header is no answer) */
    view_drop(s.view);
    submission_free(&s.submission);
    selection_free(&s.chosen);
    selection_free(&s.made);
    strlist_free(&s.overrides.tags);
    strlist_free(&s.parameters);
    elements_free(&s.elements);
    strlist_free(&s.after);
    for (size_t i = 0; i < s.terms.nafter; i++)
        free((char *)s.needs[i].job);
    free(s.needs);
    return rc;
}

int submit_command(int argc, char **argv)
{
    return command_main("rota submit", submit_main, argc, argv);
}
