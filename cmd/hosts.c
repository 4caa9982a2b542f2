/* rota hosts: lists workers; drains and resumes them. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "command.h"
#include "commands.h"
#include "exitcode.h"
#include "hostrange.h"
#include "specification.h"
#include "opt.h"
#include "view.h"
#include "view_host.h"
#include "xalloc.h"

static const char usage[] = "rota hosts [-qv] [-o FORM] [--format FORMAT] [HOSTS ...]\n"
                            "rota hosts drain [-nqv] HOSTS [REASON]\n"
                            "rota hosts resume [-nqv] HOSTS\n";

struct hosts {
    const char *form, *format;
    bool dry_run;
    struct strlist names; /* asked for; empty: all */
    struct host_record *v;
    size_t n;
    struct view *view;
};

/* ---- names ---- */

static int add_names(struct hosts *h, const struct config *config, const char *text,
                     struct err *err)
{
    int rc = hostrange_expand(text, &h->names, err);
    if (rc < 0)
        return err->code = ERR_USAGE;
    for (size_t i = 0; i < h->names.n; i++)
        if (!config_host(config, h->names.v[i])) {
            (void)command_no_host(config, h->names.v[i], err);
            return err->code = ERR_ANSWER;
        }
    return 0;
}

/* ---- listing ---- */

static char *join(const struct strlist *words)
{
    struct buf text = {0};
    for (size_t i = 0; i < words->n; i++)
        buf_addf(&text, "%s%s", i ? "," : "", words->v[i]);
    return buf_detach(&text);
}

static void add_records(struct hosts *h, const struct config *config)
{
    h->v = xcalloc(config->nhosts + 1, sizeof *h->v);
    for (size_t i = 0; i < config->nhosts; i++) {
        const struct host_config *host = &config->hosts[i];
        if (!h->names.n || strlist_has(&h->names, host->name))
            h->v[h->n++] = (struct host_record){.config = host, .tags = join(&host->tags)};
    }
}

static struct host_record *find(struct hosts *h, const char *name)
{
    for (size_t i = 0; name && i < h->n; i++)
        if (strcmp(h->v[i].config->name, name) == 0)
            return &h->v[i];
    return NULL;
}

static int add_known(const struct host *host, void *arg)
{
    struct host_record *record = find(arg, host->name);
    if (record) /* else it is not in the configuration any more */
        record->known = host_copy(host);
    return 0;
}

/* ---- slots in use: each run takes as many as its specification says ---- */

struct use {
    int64_t spec;
    struct host_record *host;
};

struct uses {
    struct hosts *hosts;
    struct use *v;
    size_t n;
};

static int add_use(const struct run_brief *run, void *arg)
{
    struct uses *uses = arg;
    struct host_record *host = find(uses->hosts, run->host);
    if (!host)
        return 0;
    uses->v = xreallocarray(uses->v, uses->n + 1, sizeof *uses->v);
    uses->v[uses->n++] = (struct use){run->spec, host};
    host->runs++;
    return 0;
}

static int by_spec(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    return x->spec < y->spec ? -1 : x->spec > y->spec;
}

/* Sorted by specification, each of which is read once however many runs have it. */
static int add_uses(struct hosts *h, struct catalogue *cat, struct err *err)
{
    struct uses uses = {.hosts = h};
    int slots = 1;
    int rc = run_unfinished(cat, add_use, &uses, err);
    if (uses.n)
        qsort(uses.v, uses.n, sizeof *uses.v, by_spec);
    for (size_t i = 0; rc == 0 && i < uses.n; i++) {
        if (i == 0 || uses.v[i].spec != uses.v[i - 1].spec)
            slots = specification_slots(cat, uses.v[i].spec);
        uses.v[i].host->used += slots;
    }
    free(uses.v);
    return rc;
}

static int list(struct hosts *h, struct command *command, struct err *err)
{
    int rc = view_new(&h->view, view_host_columns, view_host_ncolumns, h->form, VIEW_TABLE,
                      h->format, stdout, err);
    if (rc < 0)
        return rc;
    add_records(h, &command->config);
    /* before the first submit there is no catalogue, and the configuration is worth showing */
    if (access(command->config.catalogue, F_OK) == 0) {
        rc = command_open(command, CATALOGUE_READ, err);
        if (rc == 0)
            rc = host_select(command->cat, add_known, h, err);
        if (rc == 0)
            rc = add_uses(h, command->cat, err);
    }
    for (size_t i = 0; rc == 0 && i < h->n; i++)
        (void)view_add(h->view, &h->v[i]);
    if (rc == 0) {
        rc = view_end(h->view, err);
        h->view = NULL;
    }
    return rc < 0 ? rc : h->n ? EXITCODE_DONE : EXITCODE_NO;
}

/* ---- drain and resume ---- */

static int set_drained(struct hosts *h, struct command *command, const char *reason,
                       struct err *err)
{
    int rc = command_open(command, CATALOGUE_CREATE, err);
    if (rc < 0)
        return rc;
    char *actor = command_actor();
    rc = catalogue_begin(command->cat, err);
    for (size_t i = 0; rc == 0 && i < h->names.n; i++)
        rc = host_drain(command->cat, h->names.v[i], reason, actor, err);
    if (rc == 0)
        rc = catalogue_commit(command->cat, err);
    if (rc < 0)
        catalogue_rollback(command->cat);
    free(actor);
    return rc;
}

static int change(struct hosts *h, struct command *command, bool drain, char **args, int n,
                  struct err *err)
{
    if (h->form || h->format)
        return err_set(err, ERR_USAGE, "-o and --format are for the list");
    if (n < 1 || n > 1 + drain)
        return err_set(err, ERR_USAGE,
                       drain ? "drain wants hosts and at most one reason (quote it)"
                             : "resume wants hosts: a name or db[1-4]");
    int rc = add_names(h, &command->config, args[0], err);
    if (rc == 0 && !h->dry_run)
        rc = set_drained(h, command, !drain ? NULL : n > 1 ? args[1] : "drained", err);
    for (size_t i = 0; rc == 0 && i < h->names.n; i++)
        printf("%s\n", h->names.v[i]);
    return rc;
}

static int run_hosts(struct hosts *h, struct command *command, int argc, char **argv,
                     struct err *err)
{
    const struct option_row options[] = {
        {'o', "output", OPT_STRING, &h->form},
        {0, "format", OPT_STRING, &h->format},
        {'n', "dry-run", OPT_FLAG, &h->dry_run},
        {0},
    };
    int first = opt_parse(argc, argv, options, usage, NULL, err);
    int rc = first < 0 ? first : command_configure(command, err);
    if (rc < 0)
        return rc;
    char **args = argv + first;
    int n = argc - first;
    if (n && (strcmp(args[0], "drain") == 0 || strcmp(args[0], "resume") == 0))
        return change(h, command, args[0][0] == 'd', args + 1, n - 1, err);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_names(h, &command->config, args[i], err);
    return rc < 0 ? rc : list(h, command, err);
}

static int hosts_main(struct command *command, int argc, char **argv, struct err *err)
{
    struct hosts h = {0};
    int rc = run_hosts(&h, command, argc, argv, err);
    view_drop(h.view);
    for (size_t i = 0; i < h.n; i++) {
        host_free(&h.v[i].known);
        free(h.v[i].tags);
    }
    free(h.v);
    strlist_free(&h.names);
    return rc;
}

int hosts_command(int argc, char **argv)
{
    return command_main("rota hosts", hosts_main, argc, argv);
}
