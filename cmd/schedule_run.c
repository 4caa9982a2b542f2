/* rota schedule tick, backfill: due instants become runs. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "exitcode.h"
#include "log.h"
#include "opt.h"
#include "schedule.h"
#include "schedule_commands.h"
#include "selection.h"
#include "timetable.h"
#include "view.h"
#include "view_run.h"
#include "zone.h"

enum { SLICE = 10000, BACKFILL_MAX = 100000, BACKFILL_RUNS_MAX = 1000000 };

struct ticking {
    const char *form, *format, *from, *to;
    bool dry_run;
    struct selection made;
    struct view *view;
    struct schedule_tick tick;
};

static void take_run(int64_t run, void *arg)
{
    selection_add(&((struct ticking *)arg)->made, run);
}

static int print_made(struct ticking *m, struct catalogue *cat, struct err *err)
{
    const struct run_query query = {.ids = m->made.ids, .nids = m->made.n};
    int rc = 0;
    if (view_form(m->view) != VIEW_ID && m->made.n)
        rc = run_select(cat, &query, view_add_run, m->view, err);
    for (size_t i = 0; view_form(m->view) == VIEW_ID && i < m->made.n; i++)
        (void)view_add(m->view, &(struct run){.id = m->made.ids[i]});
    int written = view_end(m->view, rc < 0 ? NULL : err);
    m->view = NULL;
    return rc < 0 ? rc : written;
}

static void free_ticking(struct ticking *m)
{
    view_drop(m->view);
    selection_free(&m->made);
}

/* ---- tick ---- */

/* What a tick would do, jobs that were set aside included: all of it in one transaction, and undone. */
static int tick_dry(struct ticking *m, struct catalogue *cat, struct err *err)
{
    m->tick.now = clock_now();
    int rc = catalogue_begin(cat, err);
    if (rc == 0)
        rc = job_try_again(cat, err);
    if (rc == 0)
        rc = schedule_tick(cat, &m->tick, err);
    catalogue_rollback(cat);
    return rc;
}

/* Ids are printed when their transaction is on the disk: each once, whoever else ticks. */
static int tick_all(struct ticking *m, struct catalogue *cat, struct err *err)
{
    int64_t at = 0;
    int rc = schedule_take_back(cat, NULL, err);
    if (rc < 0)
        return rc;
    do {
        m->tick.now = clock_now();
        rc =
            schedule_next_due(cat, m->tick.now, &at, err); /* most ticks end here, without a lock */
        if (rc < 0 || at > m->tick.now)
            return rc;
        rc = catalogue_begin(cat, err);
        if (rc == 0)
            rc = schedule_tick(cat, &m->tick, err);
        if (rc == 0)
            rc = catalogue_commit(cat, err);
        if (rc < 0)
            catalogue_rollback(cat);
    } while (rc == 0 && m->tick.more);
    return rc;
}

static int tick(struct ticking *m, struct command *command, int n, struct err *err)
{
    int rc = view_new(&m->view, &view_run_record, m->form, VIEW_ID, m->format, stdout, err);
    if (rc == 0 && n)
        rc = err_set(err, ERR_USAGE, "tick takes no names");
    if (rc == 0)
        rc = command_open(command, CATALOGUE_WRITE, err);
    m->tick.config = &command->config;
    if (rc == 0)
        rc = m->dry_run ? tick_dry(m, command->cat, err) : tick_all(m, command->cat, err);
    if (rc == 0 && m->dry_run) {
        printf("%d due instants, %d runs, %d past their deadline%s\n", m->tick.instants,
               m->tick.runs, m->tick.expired, m->tick.more ? ", and more" : "");
        return 0;
    }
    return rc < 0 ? rc : print_made(m, command->cat, err);
}

int schedule_tick_command(struct command *command, int argc, char **argv, struct err *err)
{
    struct ticking m = {.tick = {.actor = "schedule", .limit = SLICE, .made = take_run}};
    m.tick.arg = &m;
    const struct option_row options[] = {{'n', "dry-run", OPT_FLAG, &m.dry_run},
                                         {'o', "output", OPT_STRING, &m.form},
                                         {0, "format", OPT_STRING, &m.format},
                                         {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    int rc = first < 0 ? first : tick(&m, command, argc - first, err);
    free_ticking(&m);
    return rc;
}

/* ---- backfill ---- */

static int parse_time(const char *option, const char *text, int64_t *at, struct err *err)
{
    if (!text)
        return err_set(err, ERR_USAGE, "backfill wants --from TIME and --to TIME");
    if (clock_parse(text, clock_now(), at, err) == 0)
        return 0;
    err_place(err, "%s", option);
    return ERR_USAGE;
}

/* An instant that ran keeps its runs; one that did not, gets them now. */
static int fill(struct ticking *m, struct catalogue *cat, const struct job_row *row,
                struct timetable *table, int64_t from, int64_t to, struct err *err)
{
    struct timetable_due due;
    int64_t open = 0;
    int rc = run_open(cat, row->name, &open, err), n = 0;
    bool blocked = open && row->overlap != OVERLAP_ALLOW;
    for (; rc == 0 && timetable_next(table, from - 1, &due) && due.at < to; from = due.at + 1) {
        int64_t id;
        if (due.excepted)
            continue;
        if (++n > BACKFILL_MAX)
            return err_set(err, ERR_USAGE, "these are more than %d instants: take less at a time",
                           BACKFILL_MAX);
        if (m->tick.runs > BACKFILL_RUNS_MAX)
            return err_set(err, ERR_USAGE, "these are more than %d runs: take less at a time",
                           BACKFILL_RUNS_MAX);
        rc = occurrence_fill(cat, row->name, due.at, m->tick.now, &id, err);
        if (rc == ERR_ANSWER) {
            rc = 0;
            continue;
        }
        if (rc == 0)
            rc = schedule_fill(cat, row, due.at, id, blocked, &m->tick, err);
        blocked = row->overlap != OVERLAP_ALLOW;
    }
    return rc;
}

static int backfill_job(struct ticking *m, struct catalogue *cat, const char *name, int64_t from,
                        int64_t to, struct err *err)
{
    struct job_row row;
    struct timetable table = {0};
    int rc = catalogue_begin(cat, err);
    if (rc < 0)
        return rc;
    rc = schedule_get(cat, name, &row, err);
    if (rc == 0 && !row.timetable)
        rc = err_set(err, ERR_ANSWER, "job '%s' has no schedule", name);
    if (rc == 0)
        rc = timetable_read(&table, row.timetable, name, err);
    if (rc == 0)
        rc = fill(m, cat, &row, &table, from, to, err);
    if (rc == 0 && !m->dry_run)
        rc = catalogue_commit(cat, err);
    catalogue_rollback(cat);
    timetable_free(&table);
    job_row_free(&row);
    zone_restore();
    return rc;
}

static int backfill(struct ticking *m, struct command *command, char **names, int n,
                    struct err *err)
{
    int64_t from = 0, to = 0;
    int rc = view_new(&m->view, &view_run_record, m->form, VIEW_ID, m->format, stdout, err);
    if (rc == 0 && n != 1)
        rc = err_set(err, ERR_USAGE, "backfill wants one job");
    if (rc == 0)
        rc = parse_time("--from", m->from, &from, err);
    if (rc == 0)
        rc = parse_time("--to", m->to, &to, err);
    m->tick.now = clock_now();
    if (rc == 0 && to > m->tick.now)
        rc = err_set(err, ERR_USAGE, "--to is in the future: what is to come is ticked when due");
    if (rc == 0 && to <= from)
        rc = err_set(err, ERR_USAGE, "--to is not after --from");
    if (rc == 0)
        rc = command_open(command, CATALOGUE_WRITE, err);
    if (rc == 0)
        rc = backfill_job(m, command->cat, names[0], from, to, err);
    if (rc == 0 && m->dry_run) {
        printf("%d runs\n", m->tick.runs);
        return 0;
    }
    return rc < 0 ? rc : print_made(m, command->cat, err);
}

int schedule_backfill(struct command *command, int argc, char **argv, struct err *err)
{
    char *actor = command_actor();
    struct ticking m = {.tick = {.actor = actor, .made = take_run}};
    m.tick.arg = &m;
    const struct option_row options[] = {
        {'n', "dry-run", OPT_FLAG, &m.dry_run}, {0, "from", OPT_STRING, &m.from},
        {0, "to", OPT_STRING, &m.to},           {'o', "output", OPT_STRING, &m.form},
        {0, "format", OPT_STRING, &m.format},   {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    int rc = first < 0 ? first : backfill(&m, command, argv + first, argc - first, err);
    free_ticking(&m);
    free(actor);
    return rc;
}
