#include "timetable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "duration.h"
#include "xalloc.h"
#include "zone.h"

enum { DAY = 86400, GAP_MAX_S = 3 * 3600 };

/* ---- text ---- */

void timetable_write(const struct job_schedule *schedule, const char *zone, struct buf *out)
{
    buf_addf(out, "zone %s\n", schedule->timezone ? schedule->timezone : zone);
    for (size_t i = 0; i < schedule->rules.n; i++)
        buf_addf(out, "%s\n", schedule->rules.v[i]);
    if (schedule->from)
        buf_addf(out, "from %s\n", schedule->from);
    if (schedule->until)
        buf_addf(out, "until %s\n", schedule->until);
    for (size_t i = 0; i < schedule->except.n; i++)
        buf_addf(out, "except %s\n", schedule->except.v[i]);
}

/* A text without an offset is a local time, and may fall into a gap: the first instant after it. *gap
 * (seconds) tells how long that is, 0 for none. */
static int read_instant(const char *text, int64_t *at, int64_t *gap, struct err *err)
{
    int y, m, d, hour = 0, min = 0, sec = 0, n = 0;
    enum zone_fit fit;
    *gap = 0;
    bool local = sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) == 3 && n == 10;
    const char *rest = text + n;
    if (local && *rest) {
        n = 0;
        local = (*rest == ' ' || *rest == 'T' || *rest == 't') &&
                ((sscanf(rest + 1, "%2d:%2d:%2d%n", &hour, &min, &sec, &n) == 3 && n == 8) ||
                 (sscanf(rest + 1, "%2d:%2d%n", &hour, &min, &n) == 2 && n == 5)) &&
                !rest[1 + n];
    }
    if (!local) /* it has an offset, or milliseconds */
        return clock_parse(text, 0, at, err) < 0 ? ERR_DATA : 0;
    int64_t second = civil_days(y, m, d) * DAY + INT64_C(3600) * hour + INT64_C(60) * min + sec;
    *at = zone_instant(second, &fit, gap) * 1000;
    return 0;
}

static int add_rule(struct timetable *t, struct timetable_rule rule)
{
    t->rules = xreallocarray(t->rules, t->nrules + 1, sizeof *t->rules);
    t->rules[t->nrules++] = rule;
    return 0;
}

struct reading {
    struct timetable *t;
    const char *name;
};

static int read_zone(struct reading *r, const char *line, const char *value, struct err *err)
{
    (void)line;
    if (!zone_exists(value))
        return err_set(err, ERR_DATA, "this machine does not know the time zone '%s'", value);
    r->t->zone = value;
    zone_use(value);
    return 0;
}

static int read_cron(struct reading *r, const char *line, const char *value, struct err *err)
{
    struct timetable_rule rule = {.kind = TIMETABLE_CRON, .text = line};
    int rc = cron_parse(value, r->name, &rule.cron, err);
    return rc < 0 ? rc : add_rule(r->t, rule);
}

static int read_every(struct reading *r, const char *line, const char *value, struct err *err)
{
    struct timetable_rule rule = {.kind = TIMETABLE_EVERY, .text = line};
    if (duration_parse(value, &rule.ms, err) < 0 || rule.ms < 1000)
        return err_set(err, ERR_DATA, "'every %s' is no interval", value);
    return add_rule(r->t, rule);
}

static int read_at(struct reading *r, const char *line, const char *value, struct err *err)
{
    struct timetable_rule rule = {.kind = TIMETABLE_AT, .text = line};
    int64_t gap;
    int rc = read_instant(value, &rule.ms, &gap, err);
    if (rc == 0 && gap > GAP_MAX_S) /* a day that the zone left out: never */
        return 0;
    return rc < 0 ? rc : add_rule(r->t, rule);
}

static int read_from(struct reading *r, const char *line, const char *value, struct err *err)
{
    int64_t gap;
    (void)line;
    return read_instant(value, &r->t->from, &gap, err);
}

static int read_until(struct reading *r, const char *line, const char *value, struct err *err)
{
    int64_t gap;
    (void)line;
    return read_instant(value, &r->t->until, &gap, err);
}

static int read_except(struct reading *r, const char *line, const char *value, struct err *err)
{
    int y[2], m[2], d[2];
    (void)line;
    int n = sscanf(value, "%4d-%2d-%2d..%4d-%2d-%2d", &y[0], &m[0], &d[0], &y[1], &m[1], &d[1]);
    if (n != 3 && n != 6)
        return err_set(err, ERR_DATA, "'except %s' is no day", value);
    struct timetable *t = r->t;
    int64_t first = civil_days(y[0], m[0], d[0]);
    t->except = xreallocarray(t->except, t->nexcept + 1, sizeof *t->except);
    t->except[t->nexcept++] =
        (struct timetable_days){first, n == 6 ? civil_days(y[1], m[1], d[1]) : first};
    return 0;
}

static const struct {
    const char *word;
    int (*read)(struct reading *r, const char *line, const char *value, struct err *err);
} lines[] = {
    {"zone", read_zone}, {"cron", read_cron},   {"every", read_every},   {"at", read_at},
    {"from", read_from}, {"until", read_until}, {"except", read_except},
};

static int read_line(struct reading *r, const char *line, struct err *err)
{
    size_t len = strcspn(line, " ");
    for (size_t i = 0; line[len] && i < sizeof lines / sizeof *lines; i++)
        if (strlen(lines[i].word) == len && memcmp(lines[i].word, line, len) == 0)
            return lines[i].read(r, line, line + len + 1, err);
    return err_set(err, ERR_DATA, "'%s' is no line of a timetable", line);
}

int timetable_read(struct timetable *table, const char *text, const char *name, struct err *err)
{
    *table = (struct timetable){.text = xstrdup(text)};
    struct reading r = {table, name};
    int rc = 0;
    for (char *line = table->text; rc == 0 && *line;) {
        size_t len = strcspn(line, "\n");
        char *next = line + len + (line[len] == '\n');
        line[len] = '\0';
        rc = read_line(&r, line, err);
        line = next;
    }
    if (rc == 0 && !table->zone)
        rc = err_set(err, ERR_DATA, "a timetable without a zone");
    if (rc < 0)
        timetable_free(table);
    return rc;
}

void timetable_free(struct timetable *table)
{
    free(table->text);
    free(table->rules);
    free(table->except);
    *table = (struct timetable){0};
}

/* ---- instants ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ms; -1: never again. */
static int64_t rule_next(const struct timetable *t, const struct timetable_rule *rule,
                         int64_t after, enum cron_bend *bend)
{
    int64_t second;
    *bend = CRON_STRAIGHT;
    switch (rule->kind) {
    case TIMETABLE_EVERY: /* anchored, so that it never drifts */
        return t->from + (floor_div(after - t->from, rule->ms) + 1) * rule->ms;
    case TIMETABLE_AT:
        return rule->ms > after ? rule->ms : -1;
    case TIMETABLE_CRON:
        break;
    }
    second = cron_next(&rule->cron, floor_div(after, 1000), bend);
    return second < 0 ? -1 : second * 1000;
}

/* The days of `except` that an instant falls on; NULL: none. */
static const struct timetable_days *exception(const struct timetable *t, int64_t at)
{
    if (!t->nexcept)
        return NULL;
    int64_t second = floor_div(at, 1000);
    int64_t day = floor_div(second + zone_offset(second), DAY);
    for (size_t i = 0; i < t->nexcept; i++)
        if (day >= t->except[i].first && day <= t->except[i].last)
            return &t->except[i];
    return NULL;
}

bool timetable_next(const struct timetable *t, int64_t after, struct timetable_due *due)
{
    *due = (struct timetable_due){.at = -1};
    zone_use(t->zone);
    if (after < t->from - 1)
        after = t->from - 1;
    for (size_t i = 0; i < t->nrules; i++) {
        enum cron_bend bend;
        int64_t at = rule_next(t, &t->rules[i], after, &bend);
        if (at >= 0 && (due->at < 0 || at < due->at))
            *due = (struct timetable_due){.at = at, .bend = bend, .rule = &t->rules[i]};
    }
    if (due->at < 0 || (t->until && due->at >= t->until))
        return false;
    due->excepted = exception(t, due->at) != NULL;
    return true;
}

/* Each entry of `except` is passed over as a whole: an interval of a second and years of days would be
 * many instants. */
bool timetable_next_kept(const struct timetable *t, int64_t after, struct timetable_due *due)
{
    bool again = timetable_next(t, after, due);
    while (again && due->excepted) {
        enum zone_fit fit;
        int64_t end = zone_instant((exception(t, due->at)->last + 1) * DAY, &fit, NULL) * 1000 - 1;
        /* where the clock is set back at midnight, the day goes on after its end */
        again = timetable_next(t, end > due->at ? end : due->at, due);
    }
    return again;
}

int64_t timetable_jitter(const char *name, int64_t jitter_ms)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    return jitter_ms > 0 ? (int64_t)(hash % (uint64_t)jitter_ms) : 0;
}
