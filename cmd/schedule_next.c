/* rota schedule next: the instants to come of a job or an expression. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "exitcode.h"
#include "opt.h"
#include "schedule_commands.h"
#include "timetable.h"
#include "view.h"
#include "xalloc.h"
#include "zone.h"

enum { NEXT_DEFAULT = 5, NEXT_MAX = 1000000 };

struct next {
    int64_t n;
    const char *from, *timezone, *cron, *form, *format;
    int64_t after;
    struct timetable table;
    struct view *view;
};

/* ---- what is shown: an instant a line ---- */

struct next_record {
    const struct timetable_due *due;
    char local[CLOCK_TEXT + 8]; /* RFC 3339 with the zone's offset */
};

static void format_local(int64_t at, char *text, size_t size)
{
    int64_t second = at / 1000, offset = zone_offset(second), year;
    int month, day;
    int64_t local = second + offset, time = local % 86400;
    civil_date(local / 86400, &year, &month, &day);
    int n = snprintf(text, size, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", year, month, day,
                     (int)(time / 3600), (int)(time / 60 % 60), (int)(time % 60));
    int64_t minutes = (offset < 0 ? -offset : offset) / 60;
    (void)snprintf(text + n, size - (size_t)n, "%c%02d:%02d", offset < 0 ? '-' : '+',
                   (int)(minutes / 60), (int)(minutes % 60));
}

static struct view_value due_value(const void *record)
{
    return view_text(((const struct next_record *)record)->local);
}

static struct view_value bend_value(const void *record)
{
    static const char *const names[] = {NULL, "gap", "overlap"};
    return view_text(names[((const struct next_record *)record)->due->bend]);
}

static struct view_value except_value(const void *record)
{
    return view_text(((const struct next_record *)record)->due->excepted ? "except" : NULL);
}

static struct view_value rule_value(const void *record)
{
    return view_text(((const struct next_record *)record)->due->rule->text);
}

static const struct view_column columns[] = {
    {"due_at", "DUE", true, true, false, false, due_value, VIEW_IS(TEXT)},
    {"bend", "BEND", false, true, false, false, bend_value, VIEW_MAYBE(TEXT)},
    {"except", "EXCEPT", false, true, false, false, except_value, VIEW_MAYBE(TEXT)},
    {"rule", "RULE", false, true, false, false, rule_value, VIEW_IS(TEXT)},
};
static const struct view_record instant_record = VIEW_RECORD("instant", 1, columns);

static int print_all(struct next *x, struct err *err)
{
    struct timetable_due due = {.at = x->after};
    int64_t n = 0;
    for (; n < x->n && timetable_next(&x->table, due.at, &due); n++) {
        struct next_record record = {.due = &due};
        format_local(due.at, record.local, sizeof record.local);
        if (view_add(x->view, &record))
            break;
    }
    zone_restore();
    int rc = view_end(x->view, err);
    x->view = NULL;
    return rc < 0 ? rc : n ? EXITCODE_DONE : EXITCODE_NO;
}

/* ---- what is asked ---- */

static int read_cron(struct next *x, const struct config *config, struct err *err)
{
    struct buf text = {0};
    struct cron cron;
    char *zone = x->timezone ? xstrdup(x->timezone) : schedule_zone(config);
    int rc = cron_parse(x->cron, NULL, &cron, err);
    if (rc < 0)
        err_place(err, "--cron");
    else if (!zone_exists(zone))
        rc = err_set(err, ERR_USAGE, "--timezone: there is no time zone '%s'", zone);
    if (rc == 0) {
        buf_addf(&text, "zone %s\ncron %s\n", zone, x->cron);
        rc = timetable_read(&x->table, buf_str(&text), "", err);
    }
    buf_free(&text);
    free(zone);
    return rc;
}

/* With --timezone as if the job's file said so. */
static int read_job(struct next *x, struct catalogue *cat, const char *name, struct err *err)
{
    struct job_row row = {0};
    struct buf text = {0};
    const char *lines = "";
    int rc = schedule_get(cat, name, &row, err);
    if (rc == 0 && !row.timetable)
        rc = err_set(err, ERR_ANSWER, "job '%s' has no schedule", name);
    if (rc == 0 && x->timezone && !zone_exists(x->timezone))
        rc = err_set(err, ERR_USAGE, "--timezone: there is no time zone '%s'", x->timezone);
    if (rc == 0 && row.timetable)
        lines = row.timetable;
    if (x->timezone)
        buf_addf(&text, "zone %s%s", x->timezone, lines + strcspn(lines, "\n"));
    else
        buf_addstr(&text, lines);
    if (rc == 0)
        rc = timetable_read(&x->table, buf_str(&text), name, err);
    buf_free(&text);
    job_row_free(&row);
    return rc;
}

static int read_times(struct next *x, struct err *err)
{
    x->after = clock_now();
    if (x->n < 1 || x->n > NEXT_MAX)
        return err_set(err, ERR_USAGE, "-n wants a number from 1 to %d", NEXT_MAX);
    if (x->from && clock_parse(x->from, clock_now(), &x->after, err) < 0) {
        err_place(err, "--from");
        return ERR_USAGE;
    }
    return 0;
}

static int run_next(struct next *x, struct command *command, char **names, int n, struct err *err)
{
    int rc = view_new(&x->view, &instant_record, x->form, x->form ? VIEW_TABLE : VIEW_ID, x->format,
                      stdout, err);
    if (rc == 0)
        rc = read_times(x, err);
    if (rc == 0 && (n > 1 || (n == 1) == (x->cron != NULL)))
        rc = err_set(err, ERR_USAGE, "next wants one job, or --cron EXPRESSION");
    if (rc == 0)
        rc = x->cron ? command_configure(command, err) : command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = x->cron ? read_cron(x, &command->config, err)
                     : read_job(x, command->cat, names[0], err);
    return rc < 0 ? rc : print_all(x, err);
}

int schedule_next(struct command *command, int argc, char **argv, struct err *err)
{
    struct next x = {.n = NEXT_DEFAULT};
    const struct option_row options[] = {{'n', "number", OPT_INT, &x.n},
                                         {0, "from", OPT_STRING, &x.from},
                                         {0, "timezone", OPT_STRING, &x.timezone},
                                         {0, "cron", OPT_STRING, &x.cron},
                                         {'o', "output", OPT_STRING, &x.form},
                                         {0, "format", OPT_STRING, &x.format},
                                         {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    int rc = first < 0 ? first : run_next(&x, command, argv + first, argc - first, err);
    view_drop(x.view);
    timetable_free(&x.table);
    zone_restore();
    return rc;
}
