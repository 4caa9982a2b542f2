#include "cron.h"

#include "zone.h"

enum {
    HOUR = 3600,
    DAY = 86400,
    GAP_LONGEST = 3 * HOUR, /* a longer one is a day that never was */
    NEAR = 2 * DAY, /* more than any two local clocks differ, and less than from change to change */
};

/* The instants of four-digit years: what RFC 3339 can write, and far from any overflow. */
static const int64_t latest = INT64_C(253402300799);

/* The lowest bit from n on, -1: none. */
static int bit_from(uint64_t bits, int n)
{
    bits = n > 63 ? 0 : bits & (UINT64_MAX << n);
    return bits ? __builtin_ctzll(bits) : -1;
}

/* The first second of a day from `second` on whose hour, minute and second match, -1: none. */
static int time_from(const struct cron *cron, int second)
{
    int h = second / HOUR, m = second / 60 % 60, s = bit_from(cron->seconds, second % 60);
    int minute = bit_from(cron->minutes, s < 0 ? m + 1 : m);
    int hour = bit_from(cron->hours, minute < 0 ? h + 1 : h);
    if (hour < 0)
        return -1;
    /* a hand that moved lets the smaller ones begin anew */
    if (hour != h)
        minute = bit_from(cron->minutes, 0);
    if (hour != h || minute != m)
        s = bit_from(cron->seconds, 0);
    return hour * HOUR + minute * 60 + s;
}

static int month_length(int64_t year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

/* The days 1-31 of a month of `length` days whose day of the month matches, as bits. */
static uint32_t month_days(const struct cron *cron, int length)
{
    uint32_t days = cron->days;
    for (int n = bit_from(cron->days_before_last, 0); n >= 0 && n < length;
         n = bit_from(cron->days_before_last, n + 1))
        days |= UINT32_C(1) << (length - n);
    return days;
}

/* Likewise those whose weekday matches; `first` is the weekday of the 1st. */
static uint32_t week_days(const struct cron *cron, int first, int length)
{
    uint32_t days = 0;
    for (int weekday = 0; weekday < 7; weekday++) {
        int nth = 0, last = 0;
        for (int day = 1 + (weekday - first + 7) % 7; day <= length; day += 7) {
            last = day;
            if (((cron->weekdays | cron->nth_weekdays[++nth]) >> weekday) & 1)
                days |= UINT32_C(1) << day;
        }
        if ((cron->last_weekdays >> weekday) & 1)
            days |= UINT32_C(1) << last;
    }
    return days;
}

static uint32_t matching_days(const struct cron *cron, int64_t year, int month)
{
    int64_t first = civil_days(year, month, 1);
    int length = month_length(year, month);
    uint32_t by_month = month_days(cron, length);
    uint32_t by_week =
        week_days(cron, (int)(((first + 4) % 7 + 7) % 7), length); /* 1970: Thursday */
    uint32_t days = cron->any_day || cron->any_weekday ? by_month & by_week : by_month | by_week;
    return days & (uint32_t)((UINT64_C(2) << length) - 2);
}

/* cron_next_local, for which every number is an answer. */
static bool find_local(const struct cron *cron, int64_t local, int64_t *match)
{
    int64_t days = (local >= 0 ? local : local - DAY + 1) / DAY, year, last_year;
    int month, day, second = time_from(cron, (int)(local - days * DAY));
    if (second < 0) { /* not today any more */
        days++;
        second = time_from(cron, 0);
    }
    int64_t today = days;
    civil_date(days, &year, &month, &day);
    for (last_year = year + CRON_YEARS; year <= last_year; day = 1) {
        uint32_t due = (cron->months >> month) & 1 ? matching_days(cron, year, month) : 0;
        if ((day = bit_from(due, day)) > 0) {
            days = civil_days(year, month, day);
            *match = days * DAY + (days > today ? time_from(cron, 0) : second);
            return true;
        }
        if ((month = bit_from(cron->months, month + 1)) < 0) {
            month = 1;
            year++;
        }
    }
    return false;
}

int64_t cron_next_local(const struct cron *cron, int64_t local)
{
    int64_t match;
    return find_local(cron, local, &match) ? match : -1;
}

/* A wall-clock job: its local times in order, each at its one instant. These instants never go
 * backwards; the local times of one gap fall on the same. */
static int64_t next_of_wall(const struct cron *cron, int64_t after, enum zone_fit *fit)
{
    int64_t local = after + zone_offset(after) + 1, match, gap;
    while (find_local(cron, local, &match)) {
        int64_t at = zone_instant(match, fit, &gap);
        if (gap <= GAP_LONGEST && at > after)
            return at;
        /* on with what comes after a gap too long, or after an overlap whose second pass it is */
        local = gap ? at + zone_offset(at) : zone_change(at, after) + zone_offset(at);
        if (local <= match)
            local = match + 1; /* whatever a zone may do, there is an end */
    }
    return -1;
}

/*
 * A real-time job: as if the offset stayed the same up to the match; where that is not so, again from
 * the change on. For a match far away there are two places for a change that matters. Soon after
 * `after` the clock may be set back, to times that were passed over as gone. And near the match it
 * decides how the match is read; what lies between (a summer of another offset, say) does not matter.
 */
static int64_t next_of_real(const struct cron *cron, int64_t after, enum zone_fit *fit)
{
    int64_t from = after + 1, match;
    for (;;) {
        int64_t offset = zone_offset(from);
        if (!find_local(cron, from + offset, &match))
            return -1;
        int64_t at = match - offset, until = at < from + NEAR ? at : from + NEAR;
        int64_t change = zone_change(from, until);
        if (change >= 0) {
            from = change;
        } else if (at > until) {
            from = at - NEAR;
        } else {
            if (fit)
                (void)zone_instant(match, fit, NULL);
            return at;
        }
    }
}

int64_t cron_next(const struct cron *cron, int64_t after, enum cron_bend *bend)
{
    static const enum cron_bend bends[] = {
        [ZONE_EXACT] = CRON_STRAIGHT, [ZONE_GAP] = CRON_GAP, [ZONE_OVERLAP] = CRON_OVERLAP};
    enum zone_fit fit = ZONE_EXACT;
    if (after < 0)
        after = -1;
    int64_t at = -1;
    if (after < latest)
        at = cron->real_time ? next_of_real(cron, after, bend ? &fit : NULL)
                             : next_of_wall(cron, after, &fit);
    if (bend)
        *bend = bends[fit];
    return at;
}

void cron_fits(const struct cron *cron, int64_t local, bool fits[5])
{
    int64_t days = local / DAY, time = local % DAY, year;
    int month, day;
    civil_date(days, &year, &month, &day);
    fits[0] = cron->seconds >> (time % 60) & 1;
    fits[1] = cron->minutes >> (time / 60 % 60) & 1;
    fits[2] = cron->hours >> (time / 3600) & 1;
    fits[3] = matching_days(cron, year, month) >> day & 1;
    fits[4] = cron->months >> month & 1;
}
