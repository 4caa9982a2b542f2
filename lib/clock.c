#include "clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "duration.h"

int64_t clock_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_mono(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Floor division, so that instants before the epoch keep positive milliseconds. */
static time_t seconds_of(int64_t at)
{
    return (time_t)(at >= 0 ? at / 1000 : -((-at + 999) / 1000));
}

char *clock_rfc3339(int64_t at, char text[CLOCK_TEXT])
{
    struct tm tm;
    time_t sec = seconds_of(at);
    size_t len = 0;
    if (gmtime_r(&sec, &tm))
        len = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!len) {
        (void)snprintf(text, CLOCK_TEXT, "invalid");
        return text;
    }
    (void)snprintf(text + len, CLOCK_TEXT - len, ".%03dZ", (int)(at - (int64_t)sec * 1000));
    return text;
}

char *clock_local(int64_t at, char text[CLOCK_TEXT])
{
    struct tm tm;
    time_t sec = seconds_of(at);
    if (!localtime_r(&sec, &tm) || !strftime(text, CLOCK_TEXT, "%Y-%m-%d %H:%M:%S", &tm))
        (void)snprintf(text, CLOCK_TEXT, "invalid");
    return text;
}

/* ---- reading ---- */

/* Exactly `count` digits at *p, moved on; -1 otherwise. */
static int digits(const char **p, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)(*p)[i]))
            return -1;
        value = value * 10 + ((*p)[i] - '0');
    }
    *p += count;
    return value;
}

static bool accept(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* "HH:MM[:SS[.fff]]" */
static bool time_of_day(const char **p, struct tm *tm, int *ms)
{
    tm->tm_hour = digits(p, 2);
    if (tm->tm_hour < 0 || tm->tm_hour > 23 || !accept(p, ':'))
        return false;
    tm->tm_min = digits(p, 2);
    tm->tm_sec = 0;
    *ms = 0;
    if (tm->tm_min < 0 || tm->tm_min > 59)
        return false;
    if (!accept(p, ':'))
        return true;
    tm->tm_sec = digits(p, 2);
    if (tm->tm_sec < 0 || tm->tm_sec > 59)
        return false;
    if (!accept(p, '.'))
        return true;
    const char *fraction = *p;
    for (int scale = 100; isdigit((unsigned char)**p); scale /= 10, (*p)++)
        *ms += scale * (**p - '0');
    return *p > fraction;
}

/* "YYYY-MM-DD"; refuses days that the month does not have. */
static bool date(const char **p, struct tm *tm)
{
    int year = digits(p, 4);
    if (year < 1970 || !accept(p, '-'))
        return false;
    int month = digits(p, 2);
    if (month < 1 || month > 12 || !accept(p, '-'))
        return false;
    int day = digits(p, 2);
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day < 1 || day > days[month - 1] + (month == 2 && leap))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

/* "Z" or "+HH:MM" or "-HH:MM": seconds east of UTC. */
static bool offset(const char **p, int *east)
{
    *east = 0;
    if (accept(p, 'Z') || accept(p, 'z'))
        return true;
    int sign = accept(p, '+') ? 1 : accept(p, '-') ? -1 : 0;
    if (!sign)
        return false;
    int hour = digits(p, 2);
    (void)accept(p, ':');
    int min = digits(p, 2);
    if (hour < 0 || hour > 23 || min < 0 || min > 59)
        return false;
    *east = sign * (hour * 3600 + min * 60);
    return true;
}

/* Seconds east of UTC that hold at an instant. */
static long east_at(time_t sec)
{
    struct tm tm;
    return localtime_r(&sec, &tm) ? tm.tm_gmtoff : 0;
}

/*
 * The instant at which local clocks show what is in *tm, in ms. A time that they show twice is the
 * first of the two; one that they skip is as long after the jump as it would have been after its
 * beginning. Not mktime: which of two it takes depends on what it was asked before.
 */
static int64_t local_instant(const struct tm *tm)
{
    struct tm wanted = *tm;
    time_t wall = timegm(&wanted); /* also brings a day 0 or 32 into its month */
    long before = east_at(wall - 86400), after = east_at(wall + 86400);
    /* the offset before a change makes the earlier one of two instants, and what skipped times want */
    if (east_at(wall - before) != before && east_at(wall - after) == after)
        return ((int64_t)wall - after) * 1000;
    return ((int64_t)wall - before) * 1000;
}

/* Midnight of the local day `days` after that of `now`. */
static int64_t local_midnight(int64_t now, int days)
{
    struct tm tm;
    time_t sec = seconds_of(now);
    if (!localtime_r(&sec, &tm))
        return now;
    tm.tm_mday += days;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    return local_instant(&tm);
}

/* "T10:00", " 10:00:00.5" and an offset, or nothing, after a date. */
static bool rest_of_day(const char *p, struct tm *tm, int64_t *at)
{
    int ms = 0, east = 0;
    if (*p) {
        if (!accept(&p, 'T') && !accept(&p, 't') && !accept(&p, ' '))
            return false;
        if (!time_of_day(&p, tm, &ms))
            return false;
    }
    if (!*p) {
        *at = local_instant(tm) + ms;
        return true;
    }
    if (!offset(&p, &east) || *p)
        return false;
    *at = ((int64_t)timegm(tm) - east) * 1000 + ms;
    return true;
}

static bool absolute(const char *text, int64_t now, int64_t *at)
{
    struct tm tm = {0};
    const char *p = text;
    if (date(&p, &tm))
        return rest_of_day(p, &tm, at);
    time_t sec = seconds_of(now);
    int ms = 0;
    p = text;
    if (!localtime_r(&sec, &tm) || !time_of_day(&p, &tm, &ms) || *p)
        return false;
    *at = local_instant(&tm) + ms;
    return true;
}

int clock_parse(const char *text, int64_t now, int64_t *at, struct err *err)
{
    static const struct {
        const char *word;
        int days;
    } days[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};
    *at = 0;
    if (strcmp(text, "now") == 0) {
        *at = now;
        return 0;
    }
    for (size_t i = 0; i < sizeof days / sizeof *days; i++)
        if (strcmp(text, days[i].word) == 0) {
            *at = local_midnight(now, days[i].days);
            return 0;
        }
    if (text[0] == '-' || text[0] == '+') {
        int64_t ms;
        if (duration_parse(text + 1, &ms, NULL) == 0) {
            *at = text[0] == '-' ? now - ms : now + ms;
            return 0;
        }
    }
    if (absolute(text, now, at))
        return 0;
    return err_set(err, ERR_USAGE,
                   "'%s' is no time (write now, -2h, yesterday, 10:00, 2026-12-01, "
                   "'2026-12-01 10:00' or 2026-12-01T10:00:00Z)",
                   text);
}
