#include "schedule_advice.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "timetable.h"
#include "xalloc.h"
#include "zone.h"

enum {
    YEAR_DAYS = 366,
    BENDS_MAX = 5000, /* occurrences looked at around a change of the zone */
    CROWD_MIN = 20,
};

/* ---- errors ---- */

struct judging {
    const char *place;
    const struct timetable *table;
    const char *old; /* the timetable before; NULL: none */
    int64_t now;
    struct errlist *errors;
};

/* A rule by itself, without `until`, which may well be past. */
static int64_t rule_next(const struct timetable *table, const struct timetable_rule *rule,
                         int64_t now)
{
    struct timetable alone = *table;
    struct timetable_due due;
    alone.rules = (struct timetable_rule *)rule;
    alone.nrules = 1;
    alone.until = 0;
    return timetable_next(&alone, now, &due) ? due.at : -1;
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        if (n == len && memcmp(text, line, len) == 0)
            return true;
        text += n + (text[n] == '\n');
    }
    return false;
}

/* One that was there before, and is past by now, stays: a list grows at its end. */
static void check_at(const struct judging *j, const struct timetable_rule *rule)
{
    const struct timetable *table = j->table;
    char text[CLOCK_TEXT];
    if (rule->ms <= j->now) {
        if (!has_line(j->old, rule->text))
            errlist_add(j->errors, ERR_DATA, j->place,
                        "'%s' is past (it is %s): write a time to come", rule->text,
                        clock_local(j->now, text));
    } else if (rule->ms < table->from) {
        errlist_add(j->errors, ERR_DATA, j->place,
                    "'%s' is before 'from' (%s): it is never due; write an earlier 'from'",
                    rule->text, clock_local(table->from, text));
    } else if (table->until && rule->ms >= table->until) {
        errlist_add(j->errors, ERR_DATA, j->place,
                    "'%s' is not before 'until' (%s): it is never due; write a later 'until'",
                    rule->text, clock_local(table->until, text));
    }
}

/* Each rule may be fine and the whole of them still never due. */
static void check_whole(const struct judging *j)
{
    const struct timetable *table = j->table;
    struct timetable_due due;
    char text[CLOCK_TEXT], now[CLOCK_TEXT];
    if (timetable_next_kept(table, j->now, &due))
        return;
    if (timetable_next(table, j->now, &due))
        errlist_add(j->errors, ERR_DATA, j->place,
                    "each instant to come is on a day of 'except': it is never due; take days out "
                    "of 'except'");
    else if (!table->until)
        errlist_add(j->errors, ERR_DATA, j->place,
                    "each 'at' is past (it is %s): add a time to come", clock_local(j->now, now));
    else if (table->until <= j->now)
        errlist_add(j->errors, ERR_DATA, j->place,
                    "'until' (%s) is past (it is %s): it is never due; write a later 'until'",
                    clock_local(table->until, text), clock_local(j->now, now));
    else
        errlist_add(j->errors, ERR_DATA, j->place,
                    "nothing falls before 'until' (%s): it is never due; write a later 'until'",
                    clock_local(table->until, text));
}

static int check_rules(const struct judging *j)
{
    const struct timetable *table = j->table;
    size_t before = j->errors->n;
    if (table->until && table->until <= table->from) {
        errlist_add(j->errors, ERR_DATA, j->place, "'until' is not after 'from'");
        return ERR_DATA;
    }
    for (size_t i = 0; i < table->nrules; i++) {
        const struct timetable_rule *rule = &table->rules[i];
        if (rule->kind == TIMETABLE_AT)
            check_at(j, rule);
        else if (rule_next(table, rule, j->now) < 0)
            errlist_add(j->errors, ERR_DATA, j->place,
                        "'%s' is never due: no such day within %d years", rule->text, CRON_YEARS);
    }
    if (!table->nrules)
        errlist_add(j->errors, ERR_DATA, j->place,
                    "its 'at' falls on a day that the zone %s leaves out: it is never due",
                    table->zone);
    if (j->errors->n == before)
        check_whole(j);
    return j->errors->n > before ? ERR_DATA : 0;
}

/* ---- warnings ---- */

/* The first occurrence that a change of the zone bends. */
static bool find_bend(const struct timetable *table, int64_t change, struct timetable_due *due)
{
    due->at = (change - 86400) * 1000;
    for (int i = 0; i < BENDS_MAX && timetable_next(table, due->at, due); i++) {
        if (due->at > (change + 86400) * 1000)
            return false;
        if (due->bend != CRON_STRAIGHT && !due->rule->cron.real_time)
            return true;
    }
    return false;
}

static void warn_of_bends(const char *name, const struct timetable *table, int64_t now)
{
    static const char *const says[] = {
        [CRON_GAP] = "the clock skips that time: it runs at the first instant after it",
        [CRON_OVERLAP] = "the clock shows that time twice: it runs the first time only",
    };
    int64_t second = now / 1000;
    for (int day = 0; day < YEAR_DAYS; day++, second += 86400) {
        struct timetable_due due;
        char text[CLOCK_TEXT];
        zone_use(table->zone);
        int64_t change = zone_change(second, second + 86400);
        if (change < 0 || !find_bend(table, change, &due))
            continue;
        zone_use(table->zone);
        log_warn("%s: '%s' is due at %s %s, when %s", name, due.rule->text,
                 clock_local(due.at, text), table->zone, says[due.bend]);
    }
}

static void warn_of_stars(const char *name, const struct timetable *table)
{
    for (size_t i = 0; i < table->nrules; i++)
        if (table->rules[i].kind == TIMETABLE_CRON && table->rules[i].cron.star_step_day)
            log_warn(
                "%s: '%s': a day field that begins with * is no restriction by itself, so both "
                "day fields must match; write 1-31/n (or 0-6/n) when either may",
                name, table->rules[i].text);
}

int schedule_advise(const char *place, const struct job_row *row, const char *old_timetable,
                    int64_t now, struct errlist *errors)
{
    struct timetable table;
    struct err err;
    if (!row->timetable)
        return 0;
    if (timetable_read(&table, row->timetable, row->name, &err) < 0) {
        errlist_add(errors, ERR_DATA, place, "%s", err.msg);
        return ERR_DATA;
    }
    const struct judging judging = {place, &table, old_timetable, now, errors};
    int rc = check_rules(&judging);
    if (rc == 0) {
        warn_of_stars(row->name, &table);
        warn_of_bends(row->name, &table, now);
    }
    timetable_free(&table);
    return rc;
}

/* ---- many at once ---- */

void crowd_add(struct crowd *crowd, int64_t next_at)
{
    if (!next_at)
        return;
    if (crowd->n == crowd->cap)
        crowd->minutes = xreallocarray(
            crowd->minutes, crowd->cap = crowd->cap ? 2 * crowd->cap : 64, sizeof *crowd->minutes);
    crowd->minutes[crowd->n++] = next_at / 60000;
}

static int rising(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

void crowd_warn(struct crowd *crowd)
{
    size_t most = 0, run = 0;
    int64_t minute = 0;
    char text[CLOCK_TEXT];
    if (crowd->n)
        qsort(crowd->minutes, crowd->n, sizeof *crowd->minutes, rising);
    for (size_t i = 0; i < crowd->n; i++) {
        run = i && crowd->minutes[i] == crowd->minutes[i - 1] ? run + 1 : 1;
        if (run > most) {
            most = run;
            minute = crowd->minutes[i];
        }
    }
    if (most >= CROWD_MIN)
        log_warn("%zu of these jobs are due at %s: spread them with H (H 2 * * *) or jitter", most,
                 clock_local(minute * 60000, text));
}

void crowd_free(struct crowd *crowd)
{
    free(crowd->minutes);
    *crowd = (struct crowd){0};
}
