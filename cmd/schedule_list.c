/* rota schedule: the registered jobs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "schedule_commands.h"
#include "view.h"
#include "view_job.h"

struct listing {
    const char *form, *format, *sort;
    char **names;
    int n;
    bool *found;
    struct catalogue *cat;
    struct view *view;
    int64_t now;
    size_t shown;
    struct err *err;
};

/* The last occurrence, kept beyond the call. */
struct last {
    struct occurrence row;
    bool there;
    int64_t run;
    enum run_state state;
};

static int take_last(const struct occurrence *row, void *arg)
{
    struct last *last = arg;
    last->row = *row;
    last->row.job = NULL;
    last->row.reason = row->reason ? strdup(row->reason) : NULL;
    last->run = row->runs ? strtoll(row->runs, NULL, 10) : 0;
    last->there = true;
    return 0;
}

static int take_state(const struct run *run, void *arg)
{
    ((struct last *)arg)->state = run->state;
    return 0;
}

static int find_last(struct listing *l, const struct job_row *row, struct last *last)
{
    int rc = 0;
    if (row->last_at)
        rc = occurrence_select(l->cat, row->name, row->last_at, row->last_at + 1, take_last, last,
                               l->err);
    if (rc == 0 && last->run) {
        const struct run_query query = {.ids = &last->run, .nids = 1};
        rc = run_select(l->cat, &query, take_state, last, l->err);
    }
    return rc;
}

static bool is_asked_for(struct listing *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0)
            return l->found[i] = true;
    return l->n == 0;
}

static int show(const struct job_row *row, void *arg)
{
    struct listing *l = arg;
    struct last last = {0};
    if (!is_asked_for(l, row->name))
        return 0;
    int rc = find_last(l, row, &last);
    const struct job_record record = {.row = row,
                                      .last = last.there ? &last.row : NULL,
                                      .last_state = last.state,
                                      .last_run = last.run,
                                      .now = l->now};
    if (rc == 0)
        rc = view_add(l->view, &record);
    l->shown++;
    free(last.row.reason);
    return rc;
}

/* The first word may be meant for a subcommand. */
static int no_job(const struct listing *l, const char *name, struct err *err)
{
    const char *verb = name == l->names[0] ? schedule_verb_near(name) : NULL;
    if (!verb)
        return schedule_no_job(l->cat, name, err);
    return err_set(err, ERR_USAGE, "no subcommand and no job '%s' (did you mean '%s'?)", name,
                   verb);
}

static int list(struct listing *l, struct command *command, struct err *err)
{
    int rc = view_new(&l->view, &view_job_record, l->form, VIEW_TABLE, l->format, stdout, err);
    if (rc == 0)
        rc = view_sort(l->view, l->sort, 0, err);
    if (rc == 0)
        rc = command_open(command, CATALOGUE_READ, err);
    l->cat = command->cat;
    l->err = err;
    l->now = clock_now();
    if (rc == 0)
        rc = job_select(l->cat, show, l, err);
    for (int i = 0; rc == 0 && i < l->n; i++)
        if (!l->found[i])
            rc = no_job(l, l->names[i], err);
    if (rc < 0)
        return rc;
    if (!l->shown && view_is_for_people(l->view))
        log_warn("no job is registered yet: rota schedule add FILE does that");
    rc = view_end(l->view, err);
    l->view = NULL;
    return rc < 0 ? rc : l->shown ? EXITCODE_DONE : EXITCODE_NO;
}

int schedule_list(struct command *command, int argc, char **argv, struct err *err)
{
    struct listing l = {0};
    const struct option_row options[] = {{'o', "output", OPT_STRING, &l.form},
                                         {0, "format", OPT_STRING, &l.format},
                                         {0, "sort", OPT_STRING, &l.sort},
                                         {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    if (first < 0)
        return first;
    l.names = argv + first;
    l.n = argc - first;
    l.found = calloc((size_t)l.n + 1, sizeof *l.found);
    int rc = list(&l, command, err);
    view_drop(l.view);
    free(l.found);
    return rc;
}
