/* rota complete: what may stand in place of the last word of a command line; shells ask. */
#include "complete.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "escape.h"
#include "exitcode.h"
#include "opt.h"
#include "usage.h"
#include "xalloc.h"

static const char usage[] = "rota complete -- [WORD ...]\n";

/* ---- what is printed ---- */

/* Letters, digits and signs that no shell does anything with in such a place. */
static bool is_plain(const char *value)
{
    for (const char *p = value; *p; p++)
        if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              strchr("-_.,:=+@%/{}", *p)))
            return false;
    return *value != '\0';
}

void complete_offer(struct complete *complete, const char *value, const char *does)
{
    struct buf line = {0};
    if (strncmp(value, complete->rest, strlen(complete->rest)) != 0 || !is_plain(value))
        return;
    escape_terminal(&line, complete->head, strlen(complete->head), false);
    buf_addf(&line, "%s\t", value);
    if (does)
        escape_terminal(&line, does, strlen(does), false);
    (void)fprintf(complete->out, "%s\n", buf_str(&line));
    buf_free(&line);
}

void complete_leave(struct complete *complete, const char *what)
{
    (void)fprintf(complete->out, "\t%s\n", what);
}

/* ---- where it comes from ---- */

const struct config *complete_config(struct complete *complete)
{
    struct errlist errors = {0};
    if (!complete->configured && config_load(&complete->config, &errors) == 0)
        complete->configured = true;
    errlist_free(&errors);
    return complete->configured ? &complete->config : NULL;
}

struct catalogue *complete_catalogue(struct complete *complete)
{
    const struct config *config = complete_config(complete);
    if (config && !complete->opened)
        (void)catalogue_open(&complete->cat, config->catalogue, CATALOGUE_READ, NULL);
    complete->opened = true;
    return complete->cat;
}

/* What `rota NAME -h` prints, free; NULL when that does not work. Only what the map names is run. */
static char *usage_of(const char *name)
{
    static char help[] = "-h";
    int fds[2], status = 0;
    struct buf text = {0};
    if (pipe2(fds, O_CLOEXEC) < 0)
        return NULL;
    pid_t child = fork();
    if (child == 0) {
        char *argv[] = {xstrdup(name), help, NULL};
        if (dup2(fds[1], STDOUT_FILENO) < 0)
            _exit(EXITCODE_OS);
        exit(command_run(argv[0], 2, argv));
    }
    close(fds[1]);
    for (ssize_t n = 1; child > 0 && n > 0;) {
        n = read(fds[0], buf_room(&text, 4096), 4096);
        if (n > 0)
            buf_grew(&text, (size_t)n);
    }
    close(fds[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        buf_free(&text);
        return NULL;
    }
    return buf_detach(&text);
}

static bool is_command(const char *name)
{
    for (size_t i = 0; i < command_nrows; i++)
        if (strcmp(command_rows[i].name, name) == 0)
            return true;
    return false;
}

/* ---- which question it is ---- */

static void offer_commands(struct complete *complete)
{
    for (size_t i = 0; i < command_nrows; i++)
        if (command_rows[i].does)
            complete_offer(complete, command_rows[i].name, command_rows[i].does);
}

/* The first word: a command, or an option of rota itself. */
static void complete_first(struct complete *complete)
{
    if (*complete->rest != '-') {
        offer_commands(complete);
        complete_offer(complete, "help", "the synopsis of a command");
        return;
    }
    complete_offer(complete, "-h", "the map of the commands");
    complete_offer(complete, "--help", "the map of the commands");
    complete_offer(complete, "--version", "which rota this is");
}

static void offer_listed(struct complete *complete, const struct strlist *options)
{
    for (size_t i = 0; i < options->n; i++) {
        size_t len = strcspn(options->v[i], "\t");
        char *name = xstrndup(options->v[i], len);
        const char *does = options->v[i] + len;
        complete_offer(complete, name, *does ? does + 1 : NULL);
        free(name);
    }
}

/* A word of a command's own. */
static void complete_word(struct complete *complete, char *const words[], size_t n)
{
    struct usage read;
    struct completion completion;
    char *text = is_command(words[0]) ? usage_of(words[0]) : NULL;
    if (!text)
        return;
    usage_read(&read, text);
    completion_read(&completion, &read, words, n);
    complete->completion = &completion;
    offer_listed(complete, &completion.subs);
    offer_listed(complete, &completion.options);
    for (size_t i = 0; i < completion.nwants; i++) {
        complete->head = xstrdup(completion.head);
        complete->rest = completion.rest;
        complete_values(complete, &completion.wants[i]);
        free(complete->head);
        complete->head = NULL;
    }
    if (completion.line)
        (void)fprintf(complete->out, "\tcommand %zu\n", completion.line);
    complete->completion = NULL;
    completion_free(&completion);
    usage_free(&read);
    free(text);
}

static int complete_main(struct command *command, int argc, char **argv, struct err *err)
{
    static char empty[] = "";
    char *none[] = {empty, NULL};
    const struct option_row options[] = {{0}};
    (void)command;
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    if (first < 0)
        return first;
    char **words = first < argc ? argv + first : none;
    size_t n = first < argc ? (size_t)(argc - first) : 1;
    struct complete complete = {
        .out = stdout, .words = words, .n = n, .head = empty, .rest = words[n - 1]};
    /* whoever types has no use for messages amid the line */
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (quiet >= 0)
        (void)dup2(quiet, STDERR_FILENO);
    if (n == 1)
        complete_first(&complete);
    else if (n == 2 && strcmp(words[0], "help") == 0)
        offer_commands(&complete);
    else
        complete_word(&complete, words, n);
    catalogue_close(complete.cat);
    if (complete.configured)
        config_free(&complete.config);
    return EXITCODE_DONE;
}

int complete_command(int argc, char **argv)
{
    return command_main("rota complete", complete_main, argc, argv);
}
