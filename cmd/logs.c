/* rota logs: prints or follows what runs wrote. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "run_output.h"
#include "selection.h"
#include "watch.h"

static const char usage[] = "rota logs [-fqv] [--out | --err] [--attempt N] ID ... | last | -\n";

struct logs {
    bool follow, out, err;
    int64_t attempt; /* 0: the newest */
    struct selection selection;
    struct run_output printed;
    struct watch *watch;
};

/* Between several runs, for people only: in a pipe there is nothing but what the runs wrote. */
static void print_header(const struct logs *logs, const struct run *run, int attempt)
{
    if (!isatty(STDOUT_FILENO) || (logs->selection.n < 2 && attempt < 2))
        return;
    printf("==> run %lld: %s, attempt %d%s%s <==\n", (long long)run->id, run->job, attempt,
           run->host ? " on " : "", run->host ? run->host : "");
    (void)fflush(stdout);
}

/* Prints what there is of one attempt. 0, ERR_IO, or 1: the reader of our output has gone. */
static int print_attempt(struct logs *logs, struct command *command, const struct run *run,
                         int attempt, struct err *err)
{
    struct run_output *printed = &logs->printed;
    if (printed->run != run->id || printed->attempt != attempt) {
        run_output_begin(printed, catalogue_path(command->cat), run->id, attempt);
        print_header(logs, run, attempt);
    }
    if (attempt == run->attempt && run_state_is_terminal(run->state)) {
        printed->dropped[0] = run->out_dropped;
        printed->dropped[1] = run->err_dropped;
    }
    int rc = logs->err ? 0 : run_output_copy(printed, OUTPUT_OUT, err);
    if (rc == 0 && !logs->out)
        rc = run_output_copy(printed, OUTPUT_ERR, err);
    return rc;
}

/* Prints what there is now of a run; *over says that nothing more will come. The state is read before
 * the files are: the dispatcher writes and syncs the output before it records the end, so what is
 * copied after an end was seen is complete. */
static int print_run(struct logs *logs, struct command *command, int64_t id, bool *over,
                     struct err *err)
{
    struct run run = {0};
    int rc = run_get(command->cat, id, &run, err);
    if (rc < 0)
        return rc;
    *over = run_state_is_terminal(run.state);
    int attempt = logs->attempt ? (int)logs->attempt : run.attempt;
    if (logs->attempt > run.attempt && *over) {
        rc = err_set(err, ERR_ANSWER, "run %lld has no attempt %d: it had %d", (long long)id,
                     attempt, run.attempt);
    } else if (logs->attempt) {
        *over = *over || logs->attempt < run.attempt;
        rc = print_attempt(logs, command, &run, attempt, err);
    } else {
        /* while following, a try that ended and was followed by another is printed to its end first */
        bool following = logs->printed.run == id && logs->printed.attempt;
        for (int i = following ? logs->printed.attempt : attempt; rc == 0 && i <= attempt; i++)
            rc = print_attempt(logs, command, &run, i, err);
    }
    run_free(&run);
    return rc;
}

static int follow_run(struct logs *logs, struct command *command, int64_t id, struct err *err)
{
    for (;;) {
        bool over = false;
        int rc = print_run(logs, command, id, &over, err);
        if (rc != 0 || over || !logs->follow)
            return rc;
        char *path = output_path(catalogue_path(command->cat), id, 1, OUTPUT_OUT);
        watch_dir_of(logs->watch, path);
        free(path);
        watch_wait(logs->watch, -1);
    }
}

static int run_logs(struct logs *logs, struct command *command, struct err *err)
{
    bool missing = false;
    int rc = 0;
    if (logs->follow) {
        logs->watch = watch_new(catalogue_path(command->cat), err);
        if (!logs->watch)
            return ERR_OS;
    }
    for (size_t i = 0; i < logs->selection.n; i++) {
        rc = follow_run(logs, command, logs->selection.ids[i], err);
        if (rc > 0)
            return EXITCODE_DONE; /* whoever reads us has had enough */
        run_output_end(&logs->printed);
        if (rc == ERR_ANSWER)
            log_err(err); /* the others are printed all the same */
        else if (rc < 0)
            return rc;
        missing = missing || rc == ERR_ANSWER;
    }
    return missing ? EXITCODE_NO : EXITCODE_DONE;
}

static int prepare(struct logs *logs, struct command *command, int argc, char **argv,
                   struct err *err)
{
    int64_t attempt = OPT_UNSAID;
    const struct option_row options[] = {
        {'f', "follow", OPT_FLAG, &logs->follow},
        {0, "out", OPT_FLAG, &logs->out},
        {0, "err", OPT_FLAG, &logs->err},
        {0, "attempt", OPT_INT, &attempt},
        {0},
    };
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    if (first < 0)
        return first;
    if (logs->out && logs->err)
        return err_set(err, ERR_USAGE, "--out and --err: write one of them, or none for both");
    if (attempt != OPT_UNSAID && (attempt < 1 || attempt > INT32_MAX))
        return err_set(err, ERR_USAGE, "--attempt wants a number from 1");
    if (first == argc)
        return err_set(err, ERR_USAGE, "whose output? name ids of runs, 'last' or '-'");
    logs->attempt = attempt > 0 ? attempt : 0;
    int rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = selection_read(&logs->selection, argv + first, argc - first, stdin, command->cat, err);
    return rc;
}

static int logs_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct logs logs = {0};
    int rc = prepare(&logs, command, argc, argv, err);
    if (rc == 0 && selection_is_nothing(&logs.selection)) {
        rc = EXITCODE_NO;
    } else if (rc == 0) {
        rc = run_logs(&logs, command, err);
    }
    run_output_end(&logs.printed);
    watch_free(logs.watch);
    selection_free(&logs.selection);
    return rc;
}

int logs_command(int argc, char **argv)
{
    return command_main("rota logs", logs_main, argc, argv);
}
