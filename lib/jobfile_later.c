#include "jobfile_later.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "xalloc.h"
#include "zone.h"

enum { INDEX_MAX = 999999 };

/* ---- schedule ---- */

static void check_cron(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    static const char *const words[] = {"@yearly", "@annually", "@monthly", "@weekly",
                                        "@daily",  "@midnight", "@hourly"};
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*/,-#?() \t";
    const char *p = value->kind == YAML_IS_SCALAR ? value->text : "";
    int fields = 0;
    (void)base;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(p, words[i]) == 0)
            return;
    bool clean = !p[strspn(p, allowed)];
    for (p += strspn(p, " \t"); *p; p += strspn(p, " \t"), fields++)
        p += strcspn(p, " \t");
    if (!clean || fields < 5 || fields > 6)
        field_expected(r, field, value, "five or six fields (30 2 * * *) or a word (@daily)");
}

/* An instant that stands by itself: not "now" or "-2h". */
static bool is_instant(const struct yaml_node *value, int64_t *at)
{
    return value->kind == YAML_IS_SCALAR && value->text[0] >= '0' && value->text[0] <= '9' &&
           strlen(value->text) >= strlen("2026-12-01") &&
           clock_parse(value->text, 0, at, NULL) == 0;
}

static void check_instant(struct field_reader *r, const struct field *field,
                          const struct yaml_node *value, void *base)
{
    int64_t at;
    (void)base;
    if (!is_instant(value, &at))
        field_expected(r, field, value, "a time, as 2026-12-01 or 2026-12-01 10:00");
}

static void check_every(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    field_duration(r, field, value, base);
}

static void read_crons(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, check_cron);
}

static void read_instants(struct field_reader *r, const struct field *field,
                          const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, check_instant);
}

static void read_everies(struct field_reader *r, const struct field *field,
                         const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, check_every);
}

static void read_zone(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    (void)base;
    if (value->kind != YAML_IS_SCALAR || !zone_exists(value->text))
        field_expected(r, field, value, "a time zone, as Europe/Berlin");
}

static bool is_day(const char *text, size_t len, int64_t *at)
{
    char *day = xstrndup(text, len);
    bool ok = len == strlen("2026-12-01") && clock_parse(day, 0, at, NULL) == 0;
    free(day);
    return ok;
}

/* "2026-12-25" or "2026-12-31..2027-01-02" */
static void check_days(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    const char *text = value->kind == YAML_IS_SCALAR ? value->text : "";
    const char *dots = strstr(text, "..");
    size_t len = dots ? (size_t)(dots - text) : strlen(text);
    int64_t from, to;
    (void)base;
    bool ok = is_day(text, len, &from);
    if (ok && dots)
        ok = is_day(dots + 2, strlen(dots + 2), &to) && from <= to;
    if (!ok)
        field_expected(r, field, value, "days, as 2026-12-25 or 2026-12-31..2027-01-02");
}

static void read_days(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, check_days);
}

static const struct choice catch_up_choices[] = {{"last", 0, false}, {"all", 1, false}, {0}};
static const struct choice overlap_choices[] = {
    {"allow", 0, false}, {"forbid", 1, false}, {"queue", 2, false}, {"replace", 3, false}, {0}};

const struct field schedule_fields[] = {
    {.name = "cron", .read = read_crons},
    {.name = "every", .read = read_everies, .min = 1000},
    {.name = "at", .read = read_instants},
    {.name = "timezone", .read = read_zone},
    {.name = "jitter", .read = field_duration},
    {.name = "catch_up", .read = field_choice, .choices = catch_up_choices},
    {.name = "deadline", .read = field_duration, .min = 1},
    {.name = "overlap", .read = field_choice, .choices = overlap_choices},
    {.name = "from", .read = check_instant},
    {.name = "until", .read = check_instant},
    {.name = "except", .read = read_days},
    {0},
};

void later_schedule(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, void *base)
{
    (void)base;
    field_map(r, field, value, NULL);
    if (value->kind != YAML_IS_MAP)
        return;
    const struct yaml_node *from = yaml_get(value, "from"), *until = yaml_get(value, "until");
    int64_t begin, end;
    if (!yaml_get(value, "cron") && !yaml_get(value, "every") && !yaml_get(value, "at"))
        field_complain(r, value, "'%s' needs one of 'cron', 'every' and 'at'", field->name);
    if (from && until && is_instant(from, &begin) && is_instant(until, &end) && end <= begin)
        field_complain(r, until, "'until' is not after 'from'");
}

/* ---- array: "0-99%10", "1,3,5-7" ---- */

/* A whole number at *p, moved on. */
static bool number(const char **p, long *value)
{
    const char *start = *p;
    *value = 0;
    for (; **p >= '0' && **p <= '9' && *value <= INDEX_MAX; (*p)++)
        *value = *value * 10 + (**p - '0');
    return *p > start && *value <= INDEX_MAX;
}

static bool is_array(const char *p)
{
    long low, high, at_once;
    for (;; p++) {
        if (!number(&p, &low))
            return false;
        high = low;
        if (*p == '-') {
            p++;
            if (!number(&p, &high) || high < low)
                return false;
        }
        if (*p != ',')
            break;
    }
    if (*p == '%') {
        p++;
        if (!number(&p, &at_once) || at_once < 1)
            return false;
    }
    return !*p;
}

void later_array(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    (void)base;
    if (value->kind != YAML_IS_SCALAR || !is_array(value->text))
        field_expected(r, field, value, "a range of indices, as 0-99 or 1,3,5-7%2");
}

/* ---- after ---- */

static const struct choice is_choices[] = {
    {"succeeded", 0, false}, {"failed", 1, false}, {"finished", 2, false}, {0}};
static const struct field after_fields[] = {
    {.name = "job", .read = field_name, .required = true},
    {.name = "is", .read = field_choice, .choices = is_choices},
    {0},
};

static void check_after(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    (void)base;
    if (value->kind == YAML_IS_MAP)
        field_read_map(r, after_fields, value, NULL);
    else
        field_expected(r, field, value, "a list of {job: NAME, is: succeeded}");
}

void later_after(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    field_each(r, field, value, base, check_after);
}

/* ---- expect ---- */

const struct field expect_fields[] = {
    {.name = "within", .read = field_duration, .min = 1, .required = true},
    {0},
};
