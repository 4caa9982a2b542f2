#include "jobfile_schedule.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cron.h"
#include "duration.h"
#include "job.h"
#include "xalloc.h"
#include "zone.h"

#define AT(field) offsetof(struct job, field)

enum { EVERY_MIN_MS = 1000, RULES_MAX = 100, DAYS_MAX = 1000 };

static void add_rule(struct field_reader *r, const struct yaml_node *value, void *base,
                     const char *kind, const char *text)
{
    struct job *job = base;
    if (!job)
        return;
    if (job->schedule.rules.n == RULES_MAX)
        field_complain(r, value, "a schedule has %d rules at most", RULES_MAX);
    if (job->schedule.rules.n >= RULES_MAX)
        return;
    char *rule = xasprintf("%s %s", kind, text);
    strlist_add(&job->schedule.rules, rule);
    free(rule);
}

/* ---- rules ---- */

/* The job's name, which H needs, may stand below: any name shows whether the expression is good. */
static void read_cron(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct cron cron;
    struct err err;
    if (value->kind != YAML_IS_SCALAR)
        field_expected(r, field, value, "five or six fields (30 2 * * *) or a word (@daily)");
    else if (cron_parse(value->text, "name", &cron, &err) < 0)
        field_complain(r, value, "'%s': %s", field->name, err.msg);
    else
        add_rule(r, value, base, "cron", value->text);
}

static void read_every(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    int64_t ms = 0;
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    struct field amount = *field;
    char text[32];
    size_t i = 0;
    amount.offset = 0;
    amount.min = EVERY_MIN_MS;
    field_duration(r, &amount, value, &ms);
    while (ms % units[i].ms)
        i++;
    (void)snprintf(text, sizeof text, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
    if (ms)
        add_rule(r, value, base, "every", text);
}

/* An instant that stands by itself: not "now" or "-2h". */
static bool is_instant(const struct yaml_node *value)
{
    int64_t at;
    return value->kind == YAML_IS_SCALAR && value->text[0] >= '0' && value->text[0] <= '9' &&
           strlen(value->text) >= strlen("2026-12-01") &&
           clock_parse(value->text, 0, &at, NULL) == 0;
}

static void read_at(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, void *base)
{
    if (is_instant(value))
        add_rule(r, value, base, "at", value->text);
    else
        field_expected(r, field, value, "a time, as 2026-12-01 or 2026-12-01 10:00");
}

static void read_crons(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, read_cron);
}

static void read_everies(struct field_reader *r, const struct field *field,
                         const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, read_every);
}

static void read_ats(struct field_reader *r, const struct field *field,
                     const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, read_at);
}

/* ---- what narrows them ---- */

static void read_instant(struct field_reader *r, const struct field *field,
                         const struct yaml_node *value, void *base)
{
    char **to = field_to(field, base);
    if (!is_instant(value))
        field_expected(r, field, value, "a time, as 2026-12-01 or 2026-12-01 10:00");
    else if (to)
        *to = xstrdup(value->text);
}

static void read_zone(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    char **to = field_to(field, base);
    if (value->kind != YAML_IS_SCALAR || !zone_exists(value->text))
        field_expected(r, field, value, "a time zone, as Europe/Berlin");
    else if (to)
        *to = xstrdup(value->text);
}

static bool is_day(const char *text, size_t len)
{
    int64_t at;
    char *day = xstrndup(text, len);
    bool ok = len == strlen("2026-12-01") && clock_parse(day, 0, &at, NULL) == 0;
    free(day);
    return ok;
}

/* "2026-12-25" or "2026-12-31..2027-01-02"; days in this form compare as texts do. */
static void read_days(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    const char *text = value->kind == YAML_IS_SCALAR ? value->text : "";
    const char *dots = strstr(text, "..");
    size_t len = dots ? (size_t)(dots - text) : strlen(text);
    struct strlist *to = field_to(field, base);
    bool ok = is_day(text, len);
    if (ok && dots)
        ok = is_day(dots + 2, strlen(dots + 2)) && strncmp(text, dots + 2, len) <= 0;
    if (!ok)
        field_expected(r, field, value, "days, as 2026-12-25 or 2026-12-31..2027-01-02");
    else if (to && to->n == DAYS_MAX)
        field_complain(r, value, "'%s' has more than %d entries", field->name, DAYS_MAX);
    else if (to)
        strlist_add(to, text);
}

static void read_except(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, read_days);
}

static const struct choice catch_up_choices[] = {
    {"last", CATCH_UP_LAST, false}, {"all", CATCH_UP_ALL, false}, {0}};
static const struct choice overlap_choices[] = {{"allow", OVERLAP_ALLOW, false},
                                                {"forbid", OVERLAP_FORBID, false},
                                                {"queue", OVERLAP_QUEUE, false},
                                                {"replace", OVERLAP_REPLACE, false},
                                                {0}};

const struct field schedule_fields[] = {
    {.name = "cron", .read = read_crons},
    {.name = "every", .read = read_everies},
    {.name = "at", .read = read_ats},
    {.name = "timezone", .read = read_zone, .offset = AT(schedule.timezone)},
    {.name = "jitter", .read = field_duration, .offset = AT(schedule.jitter_ms)},
    {.name = "catch_up",
     .read = field_choice,
     .offset = AT(schedule.catch_up),
     .choices = catch_up_choices},
    {.name = "deadline", .read = field_duration, .offset = AT(deadline_ms), .min = 1},
    {.name = "overlap",
     .read = field_choice,
     .offset = AT(schedule.overlap),
     .choices = overlap_choices},
    {.name = "from", .read = read_instant, .offset = AT(schedule.from)},
    {.name = "until", .read = read_instant, .offset = AT(schedule.until)},
    {.name = "except", .read = read_except, .offset = AT(schedule.except)},
    {0},
};

/* Both of one kind: with an offset, or local times, of which only their order is known before their
 * zone is (as if in UTC, which bends none). Others, and what a zone does to them, schedule_advise
 * judges. */
static bool is_backwards(const char *from, const char *until)
{
    const char *texts[] = {from, until};
    int64_t at[2];
    bool offset[2];
    for (int i = 0; i < 2; i++) {
        size_t day = strlen("2026-12-01"), len = strlen(texts[i]);
        offset[i] = len > day && strpbrk(texts[i] + day, "Zz+-");
        char *text = xasprintf("%s%s%s", texts[i], len > day ? "" : "T00:00", offset[i] ? "" : "Z");
        int rc = clock_parse(text, 0, &at[i], NULL);
        free(text);
        if (rc < 0)
            return false;
    }
    return offset[0] == offset[1] && at[1] <= at[0];
}

static void check_schedule(struct field_reader *r, const struct yaml_node *value,
                           const struct job *job)
{
    const struct job_schedule *schedule = &job->schedule;
    char jitter[DURATION_TEXT], deadline[DURATION_TEXT];
    if (schedule->from && schedule->until && is_backwards(schedule->from, schedule->until))
        field_complain(r, yaml_get(value, "until"), "'until' is not after 'from'");
    if (job->deadline_ms && schedule->jitter_ms >= job->deadline_ms)
        field_complain(r, yaml_get(value, "jitter"),
                       "'jitter' (%s) must be shorter than 'deadline' (%s), or the job can be "
                       "missed each time: write a longer deadline",
                       duration_text(schedule->jitter_ms, jitter),
                       duration_text(job->deadline_ms, deadline));
}

void field_schedule(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, void *base)
{
    field_map(r, field, value, base);
    if (value->kind != YAML_IS_MAP)
        return;
    if (!yaml_get(value, "cron") && !yaml_get(value, "every") && !yaml_get(value, "at"))
        field_complain(r, value, "'%s' needs one of 'cron', 'every' and 'at'", field->name);
    check_schedule(r, value, base);
}
