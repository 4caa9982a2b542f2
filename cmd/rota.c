/* rota: finds and runs the commands, as git does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "exitcode.h"
#include "log.h"
#include "near.h"
#include "proc.h"
#include "xalloc.h"

static const char usage[] = "rota COMMAND [ARGUMENT ...]\n"
                            "rota help [COMMAND]\n"
                            "rota --version\n";

static const struct {
    const char *name, *does;
} commands[] = {
    {"submit", "enqueue runs: job files, a command, runs again"},
    {"schedule", "recurring jobs: list, add, tick, next, explain, pause, skip, backfill, import"},
    {"dispatch", "run what is queued on the hosts, until nothing is left to do"},
    {"status", "list runs: which, where, since when, how they ended"},
    {"logs", "print or follow what runs wrote"},
    {"cancel", "cancel, hold or release runs"},
    {"hosts", "list hosts; take one out of service and back"},
    {"monitor", "health of it all; doctor, alerts, metrics, a board to look at"},
};
enum { NCOMMANDS = sizeof commands / sizeof *commands };

static int print_map(void)
{
    printf("%s\n", usage);
    for (size_t i = 0; i < NCOMMANDS; i++)
        printf("  %-10s%s\n", commands[i].name, commands[i].does);
    printf("\n'rota COMMAND -h' is short, rota-COMMAND(1) is long, rota(7) tells how they fit "
           "together.\n");
    return fflush(stdout) == 0 ? EXITCODE_DONE : EXITCODE_IO;
}

static bool is_name(const char *s)
{
    return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz-")] && *s != '-';
}

static int unknown(const char *name)
{
    const char *near = near_word(name, commands, NCOMMANDS, sizeof *commands);
    if (near)
        log_error("no command '%s' (did you mean '%s'?)", name, near);
    else
        log_error("no command '%s' ('rota' alone lists them)", name);
    return EXITCODE_USAGE;
}

/* Becomes rota-NAME with the arguments; returns only when it cannot. */
static int become(const char *name, char **argv)
{
    char *program = xasprintf("rota-%s", name);
    char *path = is_name(name) ? proc_find_sibling(program) : NULL;
    if (!path) {
        free(program);
        return unknown(name);
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

int main(int argc, char **argv)
{
    static char help_option[] = "-h";
    const char *first = argc > 1 ? argv[1] : "help";
    if (strcmp(first, "--version") == 0) {
        printf("rota %s\n", ROTA_VERSION);
        return fflush(stdout) == 0 ? EXITCODE_DONE : EXITCODE_IO;
    }
    if (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0 ||
        (strcmp(first, "help") == 0 && argc < 3))
        return print_map();
    if (strcmp(first, "help") == 0) {
        char *help_argv[] = {NULL, help_option, NULL};
        return become(argv[2], help_argv);
    }
    if (first[0] == '-') {
        log_error("unknown option '%s' ('rota' alone lists the commands)", first);
        return EXITCODE_USAGE;
    }
    return become(first, argv + 1);
}
