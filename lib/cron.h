/*
 * cron: cron expressions: their dialect, and when they are due (DESIGN section 9). Pure: no clock, no
 * files; instants come in and go out. The zone is the one that zone_use chose last.
 *
 * Fields: [second] minute hour day-of-month month day-of-week, or a word (@yearly @annually @monthly
 * @weekly @daily @midnight @hourly). A field is a list of: *, a number, a name (JAN…, SUN…), a range
 * a-b, each with /step where it makes sense; day-of-month also L and L-n (the last day, n before it);
 * day-of-week also 5L (the last Friday) and 5#2 (the second); H, H(a-b), H/step, H(a-b)/step: a value
 * that is stable for a job's name (of the days of the month, one of 1-28). Sunday is 0 and 7.
 *
 * - Both day fields restricted: either may match; a field that begins with * is unrestricted, and
 *   then both must match (vixie cron).
 * - Hour field restricted: a wall-clock job. In a gap of the zone: once, at the first instant after
 *   it (not at all when the gap is longer than 3 hours); in an overlap: the first pass only.
 * - Hour field beginning with *: a real-time job: each instant whose local time matches.
 */
#ifndef ROTA_CRON_H
#define ROTA_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { CRON_TEXT_MAX = 1000, CRON_YEARS = 120 /* searched ahead */ };

struct cron {
    uint64_t seconds, minutes; /* bit n: n matches; likewise: */
    uint32_t hours, days, months;
    uint32_t days_before_last; /* bit n: the n-th day before the last of the month */
    uint8_t weekdays;          /* bit 0: Sunday */
    uint8_t last_weekdays;     /* the last such day of the month */
    uint8_t nth_weekdays[6];   /* [n]: the n-th such day, 1 to 5 */
    bool any_day, any_weekday; /* the field begins with * */
    bool real_time;            /* the hour field begins with * */
    /* A day field begins with a step of * while the other one is restricted: both must match, which
     * few expect. For a warning. */
    bool star_step_day;
};

/* Reads an expression: at most CRON_TEXT_MAX bytes, fields apart by blanks. `name` is the job's, for H
 * (NULL: H is refused). 0, or ERR_DATA: the message has the column (bytes, from 1) of what is wrong,
 * the reason, and a mend where one is known, escaped for a terminal; *cron is all zeroes. A text with
 * a NUL byte ends there: whoever reads it from a file refuses that. */
int cron_parse(const char *text, const char *name, struct cron *cron, struct err *err);

/* The first local second from `local` on (inclusive) that matches the fields, both as seconds since
 * 1970 of a clock without a zone; -1: none within CRON_YEARS. */
int64_t cron_next_local(const struct cron *cron, int64_t local);

/* Which parts a local second matches: second, minute, hour, day (both day fields together), month. */
void cron_fits(const struct cron *cron, int64_t local, bool fits[5]);

/* How the zone bent an occurrence. */
enum cron_bend { CRON_STRAIGHT = 0, CRON_GAP, CRON_OVERLAP };

/* The first instant after `after` (exclusive) at which it is due, seconds since the epoch; -1: none
 * within CRON_YEARS. *bend (NULL ok): CRON_GAP: its local time does not exist and it was moved to
 * the end of the gap (where another of its local times may be due as well: they are one);
 * CRON_OVERLAP: its local time comes twice. A wall-clock job is due at the first of the two; a
 * real-time job at both, which both say so. An `after` before the epoch is as -1; behind the year 9999
 * nothing is due. */
int64_t cron_next(const struct cron *cron, int64_t after, enum cron_bend *bend);

#endif
