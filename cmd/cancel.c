/* rota cancel: cancels, holds, releases runs. */
#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalogue/need.h"
#include "clock.h"
#include "command.h"
#include "commands.h"
#include "exitcode.h"
#include "log.h"
#include "near.h"
#include "opt.h"
#include "selection.h"

static const char usage[] =
    "rota cancel [-nqv] [--hold | --release | --lost | --signal SIGNAL]\n"
    "            [--state STATE[,STATE ...]] [--job PATTERN] [--host PATTERN]\n"
    "            [--tag TAG] [--array ID] [--workflow ID] [ID ... | last | -]\n";

enum {
    BATCH = 500, /* requests a transaction: others may write in between */
    TOLD = 10
}; /* refusals told one by one */

struct cancel {
    bool hold, release, lost, dry_run;
    const char *in_workflow; /* as it was written; NULL: not said */
    int64_t workflow;        /* a run of it; 0: not said */
    const char *signal_name;
    struct narrowing narrowing;
    enum request request;
    int signal;
    struct selection selection;
    size_t done, refused;
};

#define BIT(state) (1U << (state))

/* The states in which a request means something; for choosing. The catalogue decides. */
static unsigned states_for(enum request request)
{
    static const unsigned states[] = {
        [REQUEST_CANCEL] = BIT(RUN_HELD) | BIT(RUN_BLOCKED) | BIT(RUN_QUEUED) | BIT(RUN_STARTING) |
                           BIT(RUN_RUNNING),
        [REQUEST_SIGNAL] = BIT(RUN_STARTING) | BIT(RUN_RUNNING),
        [REQUEST_HOLD] = BIT(RUN_BLOCKED) | BIT(RUN_QUEUED),
        [REQUEST_RELEASE] = BIT(RUN_HELD),
        [REQUEST_LOST] = BIT(RUN_STARTING) | BIT(RUN_RUNNING),
    };
    return states[request];
}

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"ABRT", SIGABRT}, {"KILL", SIGKILL},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"ALRM", SIGALRM},   {"TERM", SIGTERM}, {"CONT", SIGCONT},
    {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"WINCH", SIGWINCH},
};
enum { NSIGNALS = sizeof signals / sizeof *signals };

const char *cancel_signal_name(size_t i)
{
    return i < NSIGNALS ? signals[i].name : NULL;
}

static int read_signal(const char *text, int *number, struct err *err)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    *number = 0;
    for (size_t i = 0; i < NSIGNALS; i++)
        if (strcasecmp(signals[i].name, name) == 0)
            *number = signals[i].number;
    if (isdigit((unsigned char)*text) && strlen(text) < 3)
        *number = (int)strtol(text, NULL, 10);
    if (*number > 0 && *number < NSIG)
        return 0;
    const char *near = near_word(name, signals, NSIGNALS, sizeof *signals);
    if (near)
        return err_set(err, ERR_USAGE, "unknown signal '%s' (did you mean '%s'?)", text, near);
    return err_set(err, ERR_USAGE, "unknown signal '%s' (write TERM, USR1, … or a number)", text);
}

static int read_request(struct cancel *c, struct err *err)
{
    if (c->hold + c->release + c->lost + (c->signal_name != NULL) > 1)
        return err_set(err, ERR_USAGE, "--hold, --release, --lost and --signal: write one of them");
    c->request = c->hold          ? REQUEST_HOLD
                 : c->release     ? REQUEST_RELEASE
                 : c->lost        ? REQUEST_LOST
                 : c->signal_name ? REQUEST_SIGNAL
                                  : REQUEST_CANCEL;
    return c->signal_name ? read_signal(c->signal_name, &c->signal, err) : 0;
}

static int add(const struct run *run, void *selection)
{
    selection_add(selection, run->id);
    return 0;
}

/* Narrows the named runs, or all that the request can mean something for, by state, job and host. */
static int narrow(struct cancel *c, struct command *command, struct err *err)
{
    struct selection found = {0};
    struct run_query query = {.ids = c->selection.n ? c->selection.ids : NULL,
                              .nids = c->selection.n};
    int rc = narrowing_read(&c->narrowing, clock_now(), &query, err);
    if (!query.states)
        query.states = states_for(c->request);
    if (rc == 0)
        rc = narrowing_array(&c->narrowing, command->cat, &query, err);
    if (rc == 0)
        rc = narrowing_tag(&c->narrowing, &command->config, &query, err);
    if (rc == 0)
        rc = run_select(command->cat, &query, add, &found, err);
    free(query.hosts);
    selection_free(&c->selection);
    c->selection = found;
    return rc;
}

static void refuse(struct cancel *c, const struct err *err)
{
    if (++c->refused <= TOLD)
        log_warn("%s", err->msg);
}

/* One transaction for some of them; their ids are printed once it is committed, so that what was
 * acknowledged is done. */
static int request_batch(struct cancel *c, struct command *command, const int64_t *ids, size_t n,
                         const char *actor, struct err *err)
{
    struct selection asked = {0};
    int rc = catalogue_begin(command->cat, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        bool now;
        rc = run_request(command->cat, ids[i], c->request, c->signal, actor, &now, err);
        if (rc == 0)
            selection_add(&asked, ids[i]);
        else if (rc == ERR_ANSWER) {
            refuse(c, err);
            rc = 0;
        }
    }
    if (rc == 0)
        rc = catalogue_commit(command->cat, err);
    if (rc < 0)
        catalogue_rollback(command->cat);
    for (size_t i = 0; rc == 0 && i < asked.n; i++)
        printf("%lld\n", (long long)asked.ids[i]);
    c->done += asked.n;
    selection_free(&asked);
    return rc;
}

static int request_all(struct cancel *c, struct command *command, struct err *err)
{
    char *actor = command_actor();
    int rc = 0;
    if (c->workflow) /* or the end of one batch would let runs of the next go */
        rc = workflow_later_first(command->cat, c->workflow, c->selection.ids, c->selection.n, err);
    for (size_t at = 0; rc == 0 && at < c->selection.n; at += BATCH) {
        size_t left = c->selection.n - at;
        rc = request_batch(c, command, c->selection.ids + at, left < BATCH ? left : BATCH, actor,
                           err);
    }
    free(actor);
    return rc;
}

/* What request_all would print and refuse. */
static int show_all(struct cancel *c, struct command *command, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->selection.n; i++) {
        rc = run_may_request(command->cat, c->selection.ids[i], c->request, err);
        if (rc == 0) {
            printf("%lld\n", (long long)c->selection.ids[i]);
            c->done++;
        } else if (rc == ERR_ANSWER) {
            refuse(c, err);
            rc = 0;
        }
    }
    return rc;
}

/* A signal is for now: one that came whenever the next dispatcher starts would surprise. */
static int check_listener(const struct cancel *c, struct command *command, struct err *err)
{
    struct holder holder;
    bool alive = false;
    if (c->request != REQUEST_SIGNAL || c->dry_run)
        return 0;
    int rc = holder_get(command->cat, &holder, &alive, err);
    if (rc < 0 && rc != ERR_ANSWER)
        return rc;
    if (alive)
        return 0;
    return err_set(
        err, ERR_ANSWER,
        "no dispatcher lives that would send the signal: start rota dispatch, then say it "
        "again");
}

static int run_cancel(struct cancel *c, struct command *command, char **args, int n,
                      struct err *err)
{
    bool narrowed = narrowing_any(&c->narrowing) || c->in_workflow;
    if (!n && !narrowed)
        return err_set(err, ERR_USAGE,
                       "which runs? name ids, 'last' or '-', a --workflow, or narrow by --state, "
                       "--job, --host, --tag, --array");
    int rc = command_open(command, c->dry_run ? CATALOGUE_READ : CATALOGUE_WRITE, err);
    if (rc == 0)
        rc = selection_read(&c->selection, args, n, stdin, command->cat, err);
    if (rc == 0 && c->in_workflow)
        rc = selection_one("--workflow", c->in_workflow, command->cat, &c->workflow, err);
    if (rc == 0 && c->workflow)
        rc = selection_workflow(&c->selection, c->workflow, command->cat, err);
    if (rc == 0 && selection_is_nothing(&c->selection))
        return EXITCODE_NO;
    if (rc == 0)
        rc = check_listener(c, command, err);
    if (rc == 0 && narrowed)
        rc = narrow(c, command, err);
    if (rc < 0)
        return rc;
    rc = c->dry_run ? show_all(c, command, err) : request_all(c, command, err);
    if (c->refused > TOLD)
        log_warn("… and %zu more", c->refused - TOLD);
    if (rc == 0 && !c->done && !c->refused)
        log_warn("no run matches");
    return rc < 0 ? rc : c->done ? EXITCODE_DONE : EXITCODE_NO;
}

static int cancel_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct cancel c = {0};
    const struct option_row options[] = {
        {0, "hold", OPT_FLAG, &c.hold},
        {0, "release", OPT_FLAG, &c.release},
        {0, "lost", OPT_FLAG, &c.lost},
        {0, "signal", OPT_STRING, &c.signal_name},
        {0, "state", OPT_STRING, &c.narrowing.states},
        {0, "job", OPT_STRING, &c.narrowing.job},
        {0, "host", OPT_STRING, &c.narrowing.host},
        {0, "tag", OPT_STRING, &c.narrowing.tag},
        {0, "array", OPT_STRING, &c.narrowing.array},
        {0, "workflow", OPT_STRING, &c.in_workflow},
        {'n', "dry-run", OPT_FLAG, &c.dry_run},
        {0},
    };
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    int rc = first < 0 ? first : read_request(&c, err);
    if (rc == 0)
        rc = run_cancel(&c, command, argv + first, argc - first, err);
    selection_free(&c.selection);
    return rc;
}

int cancel_command(int argc, char **argv)
{
    return command_main("rota cancel", cancel_main, argc, argv);
}
