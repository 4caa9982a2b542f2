/* rota dispatch: start what is queued, follow it, record it, leave when nothing is left to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dispatch/dispatch.h"
#include "exitcode.h"
#include "io.h"
#include "log.h"
#include "opt.h"
#include "outgoing.h"
#include "secret.h"
#include "selection.h"
#include "wait.h"

static const char usage[] = "rota dispatch [-nqv] [--once | --stay] [--take-over]\n"
                            "rota dispatch --wait [-qv] ID ... | last | -\n";

static void print_planned(int64_t id, const char *job, const char *host, const char *why, void *arg)
{
    (void)arg;
    printf("%lld\t%s\t%s\t%s\n", (long long)id, job, host ? host : "-", host ? "" : why);
}

/* Another dispatcher lives: good, it does the work. With --wait its progress is followed. */
static int leave_to_other(struct command *command, const struct selection *wait, struct err *err)
{
    log_info("%s", err->msg);
    *err = (struct err){0};
    return wait->n ? wait_runs(command->cat, wait->ids, wait->n, true, err) : 0;
}

static int dispatch(struct command *command, const struct dispatch_options *options,
                    const struct selection *wait, struct err *err)
{
    int code = 0;
    int rc = dispatch_run(&command->config, command->cat, options, err);
    if (rc == DISPATCH_OTHER)
        rc = leave_to_other(command, wait, err);
    if (rc == 0 && wait->n)
        rc = wait_exitcode(command->cat, wait->ids, wait->n, &code, err);
    return rc < 0 ? rc : code;
}

static int count(const struct run *run, void *n)
{
    (void)run;
    ++*(size_t *)n;
    return 0;
}

/* Nothing is begun for the sake of a run that is not there. */
static int check_waits(struct catalogue *cat, const struct selection *wait, struct err *err)
{
    const struct run_query query = {.ids = wait->ids, .nids = wait->n};
    size_t found = 0;
    int rc = run_select(cat, &query, count, &found, err);
    if (rc < 0 || found == wait->n)
        return rc;
    if (wait->n == 1)
        return err_set(err, ERR_ANSWER, "there is no run %lld", (long long)wait->ids[0]);
    return err_set(err, ERR_ANSWER, "%zu of the %zu runs named are not in the catalogue",
                   wait->n - found, wait->n);
}

static int read_waits(struct command *command, int argc, char **argv, int at,
                      struct selection *wait, struct err *err)
{
    if (at == argc)
        return err_set(err, ERR_USAGE, "--wait needs ids, or - for standard input");
    int rc = selection_read(wait, argv + at, argc - at, stdin, command->cat, err);
    if (rc == 0 && !wait->n)
        rc = err_set(err, ERR_ANSWER, "no id on standard input: nothing to wait for");
    if (rc == 0)
        rc = check_waits(command->cat, wait, err);
    return rc;
}

/* What the command line asks for. */
struct invocation {
    struct dispatch_options options;
    bool dry_run, wait, take_over;
};

static int check(const struct invocation *r, const char *rest, struct err *err)
{
    if (r->options.once + r->options.stay + r->wait + r->dry_run > 1)
        return err_set(err, ERR_USAGE, "--once, --stay, --wait and --dry-run exclude each other");
    if (r->take_over && (r->wait || r->dry_run))
        return err_set(err, ERR_USAGE, "--take-over goes with neither --wait nor --dry-run");
    if (rest && !r->wait)
        return err_set(err, ERR_USAGE, "'%s' is one argument too many (did you mean --wait %s?)",
                       rest, rest);
    return 0;
}

static int open_catalogue(struct command *command, const struct invocation *r, struct err *err)
{
    if (r->dry_run)
        return command_open(command, CATALOGUE_READ, err);
    return command_open(command, r->take_over ? CATALOGUE_WRITE : CATALOGUE_CREATE, err);
}

static int run(struct command *command, int argc, char **argv, struct err *err)
{
    struct invocation r = {0};
    struct selection wait = {0};
    const struct option_row rows[] = {
        {0, "once", OPT_FLAG, &r.options.once}, {0, "stay", OPT_FLAG, &r.options.stay},
        {0, "wait", OPT_FLAG, &r.wait},         {0, "take-over", OPT_FLAG, &r.take_over},
        {'n', "dry-run", OPT_FLAG, &r.dry_run}, {0},
    };
    int at = opt_parse(argc, argv, rows, usage, NULL, err);
    int rc = at < 0 ? at : check(&r, at < argc ? argv[at] : NULL, err);
    if (rc == 0)
        rc = open_catalogue(command, &r, err);
    if (rc == 0 && r.dry_run)
        return dispatch_plan(&command->config, command->cat, print_planned, NULL, err);
    if (rc == 0 && r.wait)
        rc = read_waits(command, argc, argv, at, &wait, err);
    char *actor = r.take_over ? command_actor() : NULL;
    r.options.take_over = actor;
    r.options.wait = wait.ids;
    r.options.nwait = wait.n;
    r.options.progress = isatty(STDERR_FILENO) && log_level() >= LOG_WARN;
    if (rc == 0)
        rc = dispatch(command, &r.options, &wait, err);
    free(actor);
    selection_free(&wait);
    return rc;
}

/* For a dispatcher, as a process of its own that may hang (lib/secret.h): no option for people. */
static int print_secret(const char *path)
{
    struct buf value = {0};
    struct err err;
    int rc = secret_read_file(path, &value, &err);
    if (rc == 0)
        rc = io_write_all(STDOUT_FILENO, buf_data(&value), value.len, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n", err.msg);
    buf_wipe(&value);
    return rc < 0 ? exitcode_of(rc) : 0;
}

/* Likewise (lib/outgoing.h). */
static int send_files(char *const paths[], size_t n)
{
    struct err err;
    int rc = outgoing_write(STDOUT_FILENO, paths, n, &err);
    return rc < 0 ? exitcode_of(rc) : 0;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], OUTGOING_OPTION) == 0)
        return send_files(argv + 2, (size_t)argc - 2);
    if (argc == 3 && strcmp(argv[1], SECRET_FILE_OPTION) == 0)
        return print_secret(argv[2]);
    return command_main("rota dispatch", run, argc, argv);
}
