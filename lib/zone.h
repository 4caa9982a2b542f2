/*
 * zone: time zones: names, and instants and local times within one.
 *
 * A local time here is seconds since 1970-01-01 00:00:00 of a clock that knows no zones. All is
 * decided by reading instants back (localtime_r), never by mktime, which is wrong for Dublin and Apia.
 */
#ifndef ROTA_ZONE_H
#define ROTA_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "strlist.h"

/* Whether the time zone database ($TZDIR, else /usr/share/zoneinfo) has this zone ("Europe/Berlin";
 * "UTC" always). To be asked before TZ is set: glibc takes a name it does not know for UTC. */
bool zone_exists(const char *name);

/* The name of this machine's zone: $TZ when it is one, else where /etc/localtime leads, else, as a copy
 * has no name, what /etc/timezone says, else "UTC". Free. */
char *zone_system(void);

/* The names that people choose from, those of zone1970.tab and "UTC", appended to *names; only
 * "UTC" where the database has no such list. */
void zone_list(struct strlist *names);

/* Makes a zone that exists the one of the functions below, and of the C library (TZ). Costs 12 µs
 * when it is another one than before, else nothing: group work by zone. */
void zone_use(const char *name);
/* The zone that the process began with is in force again. */
void zone_restore(void);
/* What local time is ahead of UTC at an instant, seconds; 0 for one whose year no int holds. */
int64_t zone_offset(int64_t at);

enum zone_fit { ZONE_EXACT = 0, ZONE_GAP, ZONE_OVERLAP };
/* The instant of a local time: its only one; the first of two (ZONE_OVERLAP); the first instant after
 * the gap that it falls into (ZONE_GAP), whose length goes to *gap (seconds; NULL ok). */
int64_t zone_instant(int64_t local, enum zone_fit *fit, int64_t *gap);
/* The first instant in (after, until] whose offset differs from that at `after`; -1: none. At most two
 * days apart: no zone changes twice within that (since 1970, a week is the least). */
int64_t zone_change(int64_t after, int64_t until);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. month 1-12. */
int64_t civil_days(int64_t year, int month, int day);
void civil_date(int64_t days, int64_t *year, int *month, int *day);

#endif
