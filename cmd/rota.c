/* rota: runs the commands, as git does: most are part of it, since a second program to start would cost as
 * much as what it does; those that link more are programs of their own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "err.h"
#include "exitcode.h"
#include "log.h"
#include "near.h"
#include "proc.h"
#include "xalloc.h"

static const char usage[] = "rota COMMAND [ARGUMENT ...]\n"
                            "rota help [COMMAND]\n"
                            "rota --version\n";

const struct command_row command_rows[] = {
    {"init", "write a first configuration, test its hosts, say what comes next", NULL},
    {"submit", "enqueue runs: job files, a command, runs again", submit_command},
    {"schedule", "recurring jobs: list, add, tick, next, explain, pause, skip, backfill, import",
     schedule_command},
    {"dispatch", "run what is queued on the hosts, until nothing is left to do", NULL},
    {"status", "list runs: which, where, since when, how they ended", status_command},
    {"logs", "print or follow what runs wrote", logs_command},
    {"cancel", "cancel, hold or release runs", cancel_command},
    {"hosts", "list hosts; take one out of service and back", hosts_command},
    {"catalogue", "look after the catalogue: check, backup, prune", catalogue_command},
    {"monitor", "health of it all; doctor, alerts, metrics, a board to look at", NULL},
    {"complete", NULL, complete_command},
};
const size_t command_nrows = sizeof command_rows / sizeof *command_rows;

/* A reader that has seen enough is no error. */
static int finish(void)
{
    if (fflush(stdout) == 0 || errno == EPIPE)
        return EXITCODE_DONE;
    log_error("cannot write to standard output: %s", strerror(errno));
    return EXITCODE_IO;
}

static int print_map(void)
{
    printf("%s\n", usage);
    for (size_t i = 0; i < command_nrows; i++)
        if (command_rows[i].does)
            printf("  %-10s%s\n", command_rows[i].name, command_rows[i].does);
    printf("\n'rota COMMAND -h' is short, rota-COMMAND(1) is long, rota(7) tells how they fit "
           "together.\n");
    return finish();
}

static bool is_name(const char *s)
{
    return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz-")] && *s != '-';
}

static int unknown(const char *name)
{
    const char *near = near_word(name, command_rows, command_nrows, sizeof *command_rows);
    if (near)
        log_error("no command '%s' (did you mean '%s'?)", name, near);
    else
        log_error("no command '%s' ('rota' alone lists them)", name);
    return EXITCODE_USAGE;
}

static const struct command_row *find(const char *name)
{
    for (size_t i = 0; i < command_nrows; i++)
        if (strcmp(name, command_rows[i].name) == 0)
            return &command_rows[i];
    return NULL;
}

/* A command of ours whose program is not there: installed by halves, or moved. */
static int missing(const char *program)
{
    log_error("%s is neither beside this program nor in %s: install it", program, ROTA_LIBEXECDIR);
    return EXITCODE_OS;
}

int command_run(const char *name, int argc, char **argv)
{
    const struct command_row *row = find(name);
    if (row && row->run)
        return row->run(argc, argv);
    if (strcmp(name, "dispatch") == 0 && dispatch_command_is_idle(argc, argv))
        return EXITCODE_DONE;
    char *program = xasprintf("rota-%s", name);
    char *path = is_name(name) ? proc_find_sibling(program) : NULL;
    if (!path) {
        int code = row ? missing(program) : unknown(name);
        free(program);
        return code;
    }
    argv[0] = program;
    (void)execv(path, argv);
    struct err err;
    err_sys(&err, ERR_OS, "cannot run %s", path);
    log_err(&err);
    free(path);
    free(program);
    return exitcode_of(err.code);
}

/* Written in full, or shortened as those of commands may be. */
static bool is_option(const char *word, const char *name)
{
    return strlen(word) > 2 && strncmp(word, name, strlen(word)) == 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "-h") == 0 || is_option(word, "--help");
}

int main(int argc, char **argv)
{
    static char help_option[] = "-h";
    const char *first = argc > 1 ? argv[1] : "help";
    (void)signal(SIGPIPE, SIG_IGN);
    if (is_option(first, "--version")) {
        printf("rota %s\n", ROTA_VERSION);
        return finish();
    }
    if (is_help(first) || (strcmp(first, "help") == 0 && (argc < 3 || is_help(argv[2]))))
        return print_map();
    if (strcmp(first, "help") == 0) {
        char *help_argv[] = {argv[2], help_option, NULL};
        return command_run(argv[2], 2, help_argv);
    }
    if (first[0] == '-') {
        log_error("unknown option '%s' ('rota' alone lists the commands)", first);
        return EXITCODE_USAGE;
    }
    return command_run(first, argc - 1, argv + 1);
}
