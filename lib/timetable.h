/*
 * timetable: when a job is due: its rules, in a zone, between two instants, without some days. Pure.
 *
 * The catalogue holds a timetable as text, a line each, so that a tick reads no YAML:
 *
 *   zone Europe/Berlin
 *   cron 30 2 * * *            as job_schedule has them; likewise "every 15m", "at 2026-12-01 10:00"
 *   from 2026-01-01            likewise until
 *   except 2026-12-31..2027-01-02
 */
#ifndef ROTA_TIMETABLE_H
#define ROTA_TIMETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cron.h"
#include "err.h"
#include "job.h"

enum timetable_kind { TIMETABLE_CRON = 1, TIMETABLE_EVERY, TIMETABLE_AT };

struct timetable_rule {
    enum timetable_kind kind;
    const char *text; /* the whole rule, borrowed from the timetable's own text */
    struct cron cron;
    int64_t ms; /* every: the interval; at: the instant */
};

struct timetable {
    char *text; /* lines cut to strings */
    const char *zone;
    struct timetable_rule *rules;
    size_t nrules;
    int64_t from, until; /* ms; 0: none */
    struct timetable_days {
        int64_t first, last; /* days since 1970-01-01 */
    } * except;
    size_t nexcept;
};

/* Writes a schedule down; `zone` is for one that names none. Appends. */
void timetable_write(const struct job_schedule *schedule, const char *zone, struct buf *out);
/* Reads what was written, for the job of this name. timetable_free. ERR_DATA. The zone is then in
 * force (zone_use). */
int timetable_read(struct timetable *table, const char *text, const char *name, struct err *err);
void timetable_free(struct timetable *table); /* harmless on {0} and twice */

/* An instant at which a job is due. */
struct timetable_due {
    int64_t at;                        /* ms */
    bool excepted;                     /* on a day of `except` */
    enum cron_bend bend;               /* what the zone did to it */
    const struct timetable_rule *rule; /* the first that makes it due; borrowed */
};
/* The first after `after` (ms, exclusive). false: never again. Changes the zone in force (zone_use). */
bool timetable_next(const struct timetable *table, int64_t after, struct timetable_due *due);
/* The first of those that fall on no day of `except`. */
bool timetable_next_kept(const struct timetable *table, int64_t after, struct timetable_due *due);

/* How much later than due a job with this jitter starts: 0 to jitter_ms, always the same for a name. */
int64_t timetable_jitter(const char *name, int64_t jitter_ms);

#endif
