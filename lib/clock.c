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
    if (!gmtime_r(&sec, &tm)) {
        (void)snprintf(text, CLOCK_TEXT, "invalid");
        return text;
    }
    size_t len = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
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
    if (accept(p, '.'))
        for (int scale = 100; isdigit((unsigned char)**p); scale /= 10, (*p)++)
            *ms += scale * (**p - '0');
    return true;
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

/* Midnight of the local day `days` after that of `now`. */
static int64_t local_midnight(int64_t now, int days)
{
    struct tm tm;
    time_t sec = (time_t)(now / 1000);
    (void)localtime_r(&sec, &tm);
    tm.tm_mday += days;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

static bool absolute(const char *p, int64_t now, int64_t *at)
{
    struct tm tm = {0};
    int ms = 0;
    if (!date(&p, &tm)) {
        int64_t midnight = local_midnight(now, 0);
        time_t sec = (time_t)(midnight / 1000);
        (void)localtime_r(&sec, &tm);
        if (!time_of_day(&p, &tm, &ms) || *p)
            return false;
    } else if (*p) {
        if (!accept(&p, 'T') && !accept(&p, 't') && !accept(&p, ' '))
            return false;
        if (!time_of_day(&p, &tm, &ms))
            return false;
        int east = 0;
        if (*p) {
            if (!offset(&p, &east) || *p)
                return false;
            *at = ((int64_t)timegm(&tm) - east) * 1000 + ms;
            return true;
        }
    }
    tm.tm_isdst = -1;
    *at = (int64_t)mktime(&tm) * 1000 + ms;
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
