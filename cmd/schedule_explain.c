/* rota schedule explain: why a job ran, did not, or will. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "duration.h"
#include "exitcode.h"
#include "opt.h"
#include "schedule_commands.h"
#include "timetable.h"
#include "xalloc.h"
#include "zone.h"

struct explaining {
    struct catalogue *cat;
    struct job_row row;
    struct timetable table;
    int64_t now;
    struct err *err;
};

/* ---- one occurrence ---- */

static int tell_run(const struct run *run, void *arg)
{
    (void)arg;
    printf("    run %lld: %s%s%s%s%s\n", (long long)run->id, run_state_name(run->state),
           run->host ? " on " : "", run->host ? run->host : "", run->reason ? ": " : "",
           run->reason ? run->reason : "");
    return 0;
}

static int tell_occurrence(const struct occurrence *o, void *arg)
{
    struct explaining *e = arg;
    char text[CLOCK_TEXT];
    printf("  %s  %s%s%s\n", clock_local(o->due_at, text), outcome_name(o->outcome),
           o->reason ? ": " : "", o->reason ? o->reason : "");
    for (const char *p = o->runs; p && *p;) {
        int64_t id = strtoll(p, NULL, 10);
        const struct run_query query = {.ids = &id, .nids = 1};
        int rc = run_select(e->cat, &query, tell_run, e, e->err);
        if (rc < 0)
            return rc;
        p += strcspn(p, ",");
        p += *p == ',';
    }
    return 1; /* it was there */
}

/* 1: it has an occurrence, and was told. */
static int tell_recorded(struct explaining *e, int64_t at)
{
    return occurrence_select(e->cat, e->row.name, at, at + 1, tell_occurrence, e, e->err);
}

static void tell_bend(const struct timetable_due *due, const char *zone)
{
    bool real_time = due->rule->kind == TIMETABLE_CRON && due->rule->cron.real_time;
    if (due->bend == CRON_GAP && !real_time)
        printf(
            "    its time of day does not exist that day (%s): it is due at the end of the gap\n",
            zone);
    if (due->bend == CRON_OVERLAP)
        printf("    its time of day comes twice that day (%s): it is due %s\n", zone,
               real_time ? "both times" : "the first time");
}

/* ---- what is to come ---- */

static void tell_future(const struct explaining *e, const struct timetable_due *due)
{
    const struct job_row *row = &e->row;
    char text[CLOCK_TEXT], left[32], duration[DURATION_TEXT];
    printf("  %s  due in %s, by '%s'\n", clock_local(due->at, text),
           schedule_left(due->at - e->now, left), due->rule->text);
    tell_bend(due, e->table.zone);
    if (due->excepted)
        printf("    will be skipped: its day is one of 'except'\n");
    else if (row->paused_at)
        printf("    will be missed while the job is paused\n");
    else if (row->skip)
        printf("    will be skipped, on request\n");
    if (row->jitter_ms)
        printf("    starts %s later (jitter)\n",
               duration_text(timetable_jitter(row->name, row->jitter_ms), duration));
}

static const char *overlap_says(int overlap)
{
    static const char *const says[] = {
        [OVERLAP_FORBID] = "would be skipped",
        [OVERLAP_ALLOW] = "would run beside it",
        [OVERLAP_QUEUE] = "would wait for its end",
        [OVERLAP_REPLACE] = "would cancel it and start when it is gone",
    };
    return says[overlap & 3];
}

static int tell_open(struct explaining *e)
{
    int64_t open;
    int rc = run_open(e->cat, e->row.name, &open, e->err);
    if (rc == 0 && open)
        printf("run %lld is not over: an occurrence now %s\n", (long long)open,
               overlap_says(e->row.overlap));
    return rc;
}

static int tell_state(struct explaining *e)
{
    const struct job_row *row = &e->row;
    char text[CLOCK_TEXT];
    printf("job %s, zone %s\n", row->name, e->table.zone);
    for (size_t i = 0; i < e->table.nrules; i++)
        printf("  %s\n", e->table.rules[i].text);
    if (row->paused_at)
        printf("paused since %s%s%s\n", clock_local(row->paused_at, text), row->paused ? ": " : "",
               row->paused ? row->paused : "");
    return tell_open(e);
}

/* ---- one instant ---- */

/* Which part of each expression an instant does not meet. */
static void tell_mismatch(const struct explaining *e, int64_t at)
{
    static const char *const names[] = {"second", "minute", "hour", "day", "month"};
    for (size_t i = 0; i < e->table.nrules; i++) {
        const struct timetable_rule *rule = &e->table.rules[i];
        if (rule->kind != TIMETABLE_CRON) {
            printf("  '%s' has no instant then\n", rule->text);
            continue;
        }
        bool fits[5];
        int64_t second = at / 1000;
        cron_fits(&rule->cron, second + zone_offset(second), fits);
        printf("  '%s' does not match:", rule->text);
        for (int f = 0; f < 5; f++)
            if (!fits[f])
                printf(" %s", names[f]);
        printf("\n");
    }
}

/* Of a due instant that has no occurrence: it is to come, or nobody was there. */
static void tell_unrecorded(const struct explaining *e, const struct timetable_due *due)
{
    char text[CLOCK_TEXT];
    if (due->at > e->now) {
        tell_future(e, due);
        return;
    }
    printf("  %s  due by '%s', and nothing is recorded: %s\n", clock_local(due->at, text),
           due->rule->text,
           due->at < e->row.added_at ? "the job was not registered, or otherwise, at that time"
                                     : "no tick has come since (does cron run rota dispatch?)");
    tell_bend(due, e->table.zone);
}

/* An instant at which it is not due, and the next one at which it is. */
static int tell_near(struct explaining *e, int64_t at)
{
    struct timetable_due due;
    char text[CLOCK_TEXT];
    printf("not due at %s\n", clock_local(at, text));
    zone_use(e->table.zone);
    tell_mismatch(e, at);
    if (timetable_next(&e->table, at, &due)) {
        zone_restore();
        printf("next:\n");
        int rc = tell_recorded(e, due.at);
        if (rc == 0)
            tell_unrecorded(e, &due);
        return rc < 0 ? rc : 0;
    }
    return 0;
}

/* A time to the minute asks for whatever is due within that minute. */
static int explain_at(struct explaining *e, int64_t at)
{
    struct timetable_due due;
    bool is_due = timetable_next(&e->table, at - 1, &due) && due.at < at + 60000;
    zone_restore();
    int rc = tell_recorded(e, is_due ? due.at : at);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (!is_due)
        return tell_near(e, at);
    tell_unrecorded(e, &due);
    return 0;
}

static int explain_now(struct explaining *e)
{
    struct timetable_due due;
    int rc = 0;
    if (e->row.last_at) {
        printf("last:\n");
        rc = tell_recorded(e, e->row.last_at);
    }
    if (rc < 0)
        return rc;
    bool again = e->row.next_at && timetable_next(&e->table, e->row.next_at - 1, &due);
    zone_restore();
    printf(again ? "next:\n" : "never due again\n");
    if (again && due.at <= e->now)
        printf("  overdue: the next tick (rota dispatch) looks at it\n");
    else if (again)
        tell_future(e, &due);
    return 0;
}

static int explain(struct explaining *e, const char *name, const char *time, struct err *err)
{
    int64_t at = 0;
    e->now = clock_now();
    if (time && clock_parse(time, e->now, &at, err) < 0)
        return ERR_USAGE;
    int rc = schedule_get(e->cat, name, &e->row, err);
    if (rc < 0)
        return rc;
    if (!e->row.timetable) {
        printf("job %s has no schedule: it runs when it is asked for (rota submit --job %s)\n",
               name, name);
        return 0;
    }
    rc = timetable_read(&e->table, e->row.timetable, name, err);
    zone_restore();
    if (rc == 0)
        rc = tell_state(e);
    if (rc < 0)
        return rc;
    return time ? explain_at(e, at) : explain_now(e);
}

int schedule_explain(struct command *command, int argc, char **argv, struct err *err)
{
    const struct option_row options[] = {{0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    if (first < 0)
        return first;
    if (argc - first < 1 || argc - first > 2)
        return err_set(err, ERR_USAGE, "explain wants a job, and at most one time (quote it)");
    int rc = command_open(command, CATALOGUE_READ, err);
    struct explaining e = {.cat = command->cat, .err = err};
    if (rc == 0)
        rc = explain(&e, argv[first], argc - first > 1 ? argv[first + 1] : NULL, err);
    timetable_free(&e.table);
    job_row_free(&e.row);
    return rc;
}
