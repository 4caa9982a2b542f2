/* schedule_advice: what is wrong with a new schedule, and what a person should know of it. */
#ifndef ROTA_SCHEDULE_ADVICE_H
#define ROTA_SCHEDULE_ADVICE_H

#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "err.h"

/* Judges a timetable that is new, or changed: rules that are never due (30 February, an `at` that is
 * past, or outside `from` and `until`), and a whole that is never due, are added to *errors at `place`;
 * what is only surprising is a warning in the log: an occurrence in a gap or an overlap of the zone
 * within a year, a day field of the form of a star with a step beside a restricted one.
 * `old_timetable` is the job's before (NULL: a new job): an `at` that it had may be past by now. 0, or
 * ERR_DATA when it was added to. */
int schedule_advise(const char *place, const struct job_row *row, const char *old_timetable,
                    int64_t now, struct errlist *errors);

/* Jobs that are due at the same minute. Start with {0}. */
struct crowd {
    int64_t *minutes;
    size_t n, cap;
};
void crowd_add(struct crowd *crowd, int64_t next_at); /* ms; 0: never, not counted */
/* Warns of a minute that many of them share, once. */
void crowd_warn(struct crowd *crowd);
void crowd_free(struct crowd *crowd);

#endif
