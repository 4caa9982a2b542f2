/*
 * fuzz_cron: any bytes as an expression, and what it gives held against its fields.
 *
 * Input: 4 bytes of an instant, 1 of a zone, then the text.
 */
#include <time.h>

#include "cron.h"
#include "fuzz.h"
#include "zone.h"

enum { HEADER = 5, OCCURRENCES = 4 };

static const char *const zones[] = {
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Europe/Dublin",
    "Africa/Cairo",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Asia/Kolkata",
    "Africa/Casablanca",
    "Pacific/Kwajalein",
    "Antarctica/Vostok",
    "Asia/Gaza",
    "America/St_Johns",
    "Africa/Monrovia",
};

static bool has(uint64_t bits, int n)
{
    return (bits >> n) & 1;
}

static bool is_day(const struct cron *cron, const struct tm *tm)
{
    struct tm first = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon + 1, .tm_mday = 0};
    (void)timegm(&first); /* the 0th of the next month */
    int length = first.tm_mday;
    bool day = has(cron->days, tm->tm_mday) || has(cron->days_before_last, length - tm->tm_mday);
    bool weekday = has(cron->weekdays, tm->tm_wday) ||
                   has(cron->nth_weekdays[(tm->tm_mday + 6) / 7], tm->tm_wday) ||
                   (has(cron->last_weekdays, tm->tm_wday) && tm->tm_mday + 7 > length);
    return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

static bool is_due(const struct cron *cron, int64_t at)
{
    struct tm tm;
    time_t t = (time_t)at;
    MUST(localtime_r(&t, &tm));
    return has(cron->seconds, tm.tm_sec) && has(cron->minutes, tm.tm_min) &&
           has(cron->hours, tm.tm_hour) && has(cron->months, tm.tm_mon + 1) && is_day(cron, &tm);
}

/* One occurrence; where it is the next of `after`, it is so of all instants in between. */
static void check_occurrence(const struct cron *cron, int64_t after, int64_t at,
                             enum cron_bend bend)
{
    enum cron_bend again;
    enum zone_fit fit;
    int64_t middle = after + (at - after) / 2;
    MUST(at > after);
    MUST(cron_next(cron, at - 1, &again) == at && again == bend);
    MUST(cron_next(cron, middle, NULL) == at);
    MUST(bend == CRON_GAP || is_due(cron, at));
    MUST(bend != CRON_GAP || (!cron->real_time && zone_offset(at) > zone_offset(at - 1)));
    int64_t first = zone_instant(at + zone_offset(at), &fit, NULL);
    MUST(bend == CRON_GAP || (bend == CRON_OVERLAP) == (fit == ZONE_OVERLAP));
    MUST(bend != CRON_OVERLAP || cron->real_time || first == at);
}

static void check_due(const struct cron *cron, int64_t after)
{
    for (int i = 0; i < OCCURRENCES; i++) {
        enum cron_bend bend;
        int64_t at = cron_next(cron, after, &bend);
        if (at < 0)
            return;
        check_occurrence(cron, after, at, bend);
        after = at;
    }
}

static void check_refusal(const struct cron *cron, const struct err *err)
{
    static const char zeroes[sizeof(struct cron)];
    MUST(err->code == ERR_DATA && strncmp(err->msg, "column ", 7) == 0);
    for (const char *p = err->msg; *p; p++)
        MUST((unsigned char)*p >= ' ' && *p != 0x7f);
    MUST(memcmp(cron, zeroes, offsetof(struct cron, star_step_day) + 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron cron;
    struct err err = {0};
    uint32_t after;
    if (size < HEADER)
        return 0;
    memcpy(&after, data, sizeof after);
    char *text = fuzz_text(data + HEADER, size - HEADER);
    zone_use(zones[data[HEADER - 1] % (sizeof zones / sizeof *zones)]);
    int rc = cron_parse(text, "backup", &cron, &err);
    if (rc)
        check_refusal(&cron, &err);
    else
        check_due(&cron, after);
    free(text);
    return 0;
}
