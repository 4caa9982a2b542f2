/* rota-doctor: what `rota monitor doctor` becomes: looks at the head and the hosts, says what to mend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "doctor/doctor.h"
#include "exitcode.h"
#include "hostrange.h"
#include "log.h"
#include "opt.h"
#include "view.h"
#include "xalloc.h"

static const char usage[] = "rota monitor doctor [-qv] [-o FORM] [--format FORMAT] [HOSTS ...]\n";

/* ---- the forms ---- */

#define FIELD(name, made)                                                                          \
    static struct view_value name(const void *record)                                              \
    {                                                                                              \
        const struct finding *finding = record;                                                    \
        return made;                                                                               \
    }

FIELD(host, view_text(finding->host))
FIELD(shown_host, view_text(finding->host ? finding->host : "(head)"))
FIELD(check, view_text(finding->check))
FIELD(what, view_text(finding->what))
FIELD(mend, view_text(finding->mend))

static struct view_value verdict(const void *record)
{
    static const enum view_mood moods[] = {VIEW_GOOD, VIEW_BUSY, VIEW_BAD};
    const struct finding *finding = record;
    struct view_value value = view_text(verdict_name(finding->verdict));
    value.mood = moods[finding->verdict];
    return value;
}

static const char *verdict_word(size_t i)
{
    return i <= VERDICT_TROUBLE ? verdict_name((enum verdict)i) : NULL;
}

static const struct view_column columns[] = {
    {"host", "HOST", false, false, false, false, host, VIEW_MAYBE(TEXT)},
    {"shown_host", "HOST", true, true, false, true, shown_host, VIEW_IS(TEXT)},
    {"check", "CHECK", true, true, false, false, check, VIEW_IS(TEXT)},
    {"verdict", "VERDICT", true, true, false, false, verdict, VIEW_WORD(verdict_word)},
    {"what", "WHAT", true, true, false, false, what, VIEW_IS(TEXT)},
    {"mend", "MEND", true, true, false, false, mend, VIEW_MAYBE(TEXT)},
};
static const struct view_record finding_record = VIEW_RECORD("finding", 1, columns);

/* What a person reads when no form was asked for: a table would cut a mend at the edge of a terminal. */
static void print_line(const struct finding *f)
{
    struct buf line = {0};
    finding_line(&line, f);
    printf("%s\n", buf_str(&line));
    buf_free(&line);
}

static size_t count(const struct doctor *d, enum verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < d->nfound; i++)
        n += d->found[i].verdict == verdict;
    return n;
}

/* NULL where no form is asked for. */
static int open_view(const char *form, const char *format, struct view **view, struct err *err)
{
    *view = NULL;
    int rc =
        form || format ? view_new(view, &finding_record, form, VIEW_TABLE, format, stdout, err) : 0;
    if (rc == 0 && *view && view_form(*view) == VIEW_ID) {
        view_drop(*view);
        *view = NULL;
        return err_set(err, ERR_USAGE, "a finding has no id: choose table, tsv or json");
    }
    return rc;
}

static void print(const struct doctor *d, struct view *view)
{
    enum verdict least = log_level() >= LOG_INFO ? VERDICT_OK : VERDICT_HINT;
    for (size_t i = 0; i < d->nfound; i++) {
        if (d->found[i].verdict < least)
            continue;
        if (view)
            (void)view_add(view, &d->found[i]);
        else
            print_line(&d->found[i]);
    }
    if (!view)
        printf("hosts looked at: %zu, troubles: %zu, hints: %zu\n", d->nvisits,
               count(d, VERDICT_TROUBLE), count(d, VERDICT_HINT));
}

/* ---- what it works with ---- */

static void show_progress(size_t over, size_t all)
{
    (void)fprintf(stderr, over < all ? "\r%zu of %zu hosts" : "\r\033[K", over, all);
}

static int add_names(const struct config *config, char **args, int n, struct strlist *names,
                     struct err *err)
{
    for (int i = 0; i < n; i++) {
        int rc = hostrange_expand(args[i], names, err);
        if (rc < 0)
            return err->code = ERR_USAGE;
    }
    for (size_t i = 0; config && i < names->n; i++)
        if (!config_host(config, names->v[i])) {
            (void)command_no_host(config, names->v[i], err);
            return err->code = ERR_ANSWER;
        }
    return 0;
}

static int add_host(const struct host *host, void *arg)
{
    struct doctor *d = arg;
    d->hosts = xreallocarray(d->hosts, d->nhosts + 1, sizeof *d->hosts);
    d->hosts[d->nhosts++] = host_copy(host);
    return 0;
}

/* To write what is learned, else to read. Where there is none none is made: that is no doctor's work. */
static void open_catalogue(struct doctor *d, struct command *command)
{
    struct err ignored;
    const char *path = command->config.catalogue;
    if (access(path, F_OK) < 0 &&
        catalogue_open(&command->cat, path, CATALOGUE_READ, &d->cat_err) < 0) {
        /* that there is none yet is no trouble; that it is gone, or must not be there, is */
        if (strstr(d->cat_err.msg, "there is no catalogue"))
            d->cat_err = (struct err){0};
        return;
    }
    if (!command->cat && catalogue_open(&command->cat, path, CATALOGUE_WRITE, &d->cat_err) < 0)
        (void)catalogue_open(&command->cat, path, CATALOGUE_READ, &ignored);
    d->cat = command->cat;
    command->writes = d->cat && !d->cat_err.code;
    if (d->cat)
        (void)host_select(d->cat, add_host, d, &ignored);
}

static int visit(struct doctor *d, const struct strlist *names, struct err *err)
{
    bool shown = isatty(STDERR_FILENO) && log_level() >= LOG_WARN;
    d->visits = xcalloc(d->config->nhosts + 1, sizeof *d->visits);
    for (size_t i = 0; i < d->config->nhosts; i++)
        if (!names->n || strlist_has(names, d->config->hosts[i].name))
            d->visits[d->nvisits++].config = &d->config->hosts[i];
    return visit_all(d->visits, d->nvisits, shown ? show_progress : NULL, err);
}

static int examine(struct doctor *d, struct command *command, char **args, int n, struct err *err)
{
    struct strlist names = {0};
    struct err why = {0};
    size_t learned = 0;
    int rc = add_names(d->config, args, n, &names, err);
    if (rc == 0 && d->config) {
        open_catalogue(d, command);
        rc = visit(d, &names, err);
    }
    strlist_free(&names);
    if (rc < 0)
        return rc;
    if (command->writes && d->nvisits && doctor_learn(d, &learned, &why) < 0)
        log_info("what was learned of the hosts is not recorded: %s", why.msg);
    doctor_head(d);
    doctor_hosts(d);
    return 0;
}

static int doctor_main(struct command *command, int argc, char **argv, struct err *err)
{
    const char *form = NULL, *format = NULL;
    struct view *view;
    const struct option_row options[] = {
        {'o', "output", OPT_STRING, &form}, {0, "format", OPT_STRING, &format}, {0}};
    struct errlist errors = {0};
    struct doctor d = {.errors = &errors};
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    if (first < 0)
        return first;
    int rc = open_view(form, format, &view, err);
    if (rc < 0)
        return rc;
    command->configured = config_load(&command->config, &errors) == 0;
    d.config = command->configured ? &command->config : NULL;
    rc = examine(&d, command, argv + first, argc - first, err);
    if (rc == 0 && log_level() > LOG_ERROR) {
        print(&d, view);
        rc = view_end(view, err);
    } else {
        view_drop(view);
    }
    if (rc == 0 && count(&d, VERDICT_TROUBLE))
        rc = EXITCODE_NO;
    doctor_free(&d);
    errlist_free(&errors);
    return rc;
}

int main(int argc, char **argv)
{
    return command_main("rota monitor doctor", doctor_main, argc, argv);
}
