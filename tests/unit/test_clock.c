#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "tap.h"

#define NOW INT64_C(1764583200123) /* 2025-12-01T10:00:00.123Z */

static void in_zone(const char *zone)
{
    (void)setenv("TZ", zone, 1);
    tzset();
}

static void reads(const char *text, const char *want)
{
    char got[CLOCK_TEXT] = "";
    struct err err = {0};
    int64_t at;
    if (clock_parse(text, NOW, &at, &err) == 0)
        (void)clock_rfc3339(at, got);
    else
        (void)snprintf(got, sizeof got, "%d", err.code);
    (void)tap_str(got, want, text);
}

static void refuses(const char *text)
{
    struct err err = {0};
    int64_t at;
    (void)tap_ok(clock_parse(text, NOW, &at, &err) == ERR_USAGE && err.msg[0], "'%s' is no time",
                 text);
}

static void test_texts(void)
{
    char text[CLOCK_TEXT];
    (void)tap_str(clock_rfc3339(NOW, text), "2025-12-01T10:00:00.123Z", "an instant as RFC 3339");
    (void)tap_str(clock_rfc3339(-1, text), "1969-12-31T23:59:59.999Z", "one before the epoch");
    (void)tap_ok(strlen(clock_rfc3339(INT64_MAX, text)) < CLOCK_TEXT, "the last one fits");
    in_zone("Europe/Berlin");
    (void)tap_str(clock_local(NOW, text), "2025-12-01 11:00:00", "an instant as local time");
}

static void test_times(void)
{
    in_zone("Europe/Berlin");
    reads("now", "2025-12-01T10:00:00.123Z");
    reads("-2h", "2025-12-01T08:00:00.123Z");
    reads("+15m", "2025-12-01T10:15:00.123Z");
    reads("today", "2025-11-30T23:00:00.000Z");
    reads("yesterday", "2025-11-29T23:00:00.000Z");
    reads("tomorrow", "2025-12-01T23:00:00.000Z");
    reads("09:30", "2025-12-01T08:30:00.000Z");
    reads("2026-07-01", "2026-06-30T22:00:00.000Z");
    reads("2026-12-01 10:00", "2026-12-01T09:00:00.000Z");
    reads("2026-12-01 10:00:30", "2026-12-01T09:00:30.000Z");
    reads("2026-12-01T10:00:00Z", "2026-12-01T10:00:00.000Z");
    reads("2026-12-01t10:00:00.25+02:00", "2026-12-01T08:00:00.250Z");
    reads("2026-12-01T10:00:00.123456789-0130", "2026-12-01T11:30:00.123Z");
    reads("2024-02-29", "2024-02-28T23:00:00.000Z");
}

static void test_no_times(void)
{
    static const char *const bad[] = {"",
                                      "soon",
                                      "2026-13-01",
                                      "2026-02-29",
                                      "2026-04-31",
                                      "24:00",
                                      "10:60",
                                      "202610:00",
                                      "2026-0110:00",
                                      "2026-1-1",
                                      "2026-12-01T",
                                      "2026-12-01 1:00",
                                      "2026-12-01 10:00:60",
                                      "2026-12-01T10:00:00+25:00",
                                      "10:00:00.",
                                      "2026-12-01T10:00:00.Z",
                                      "-2",
                                      "--2h",
                                      "2026-12-01 10:00 x",
                                      "2026-12-01Z",
                                      "1969-12-31"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(bad[i]);
}

static void test_changes(void)
{
    in_zone("Europe/Berlin");
    reads("2026-03-29 01:59", "2026-03-29T00:59:00.000Z");
    reads("2026-03-29 02:30", "2026-03-29T01:30:00.000Z"); /* skipped: 03:30 summer time */
    reads("2026-03-29 03:00", "2026-03-29T01:00:00.000Z");
    reads("2026-10-25 02:30", "2026-10-25T00:30:00.000Z"); /* twice: the first */
    reads("2026-10-25 03:00", "2026-10-25T02:00:00.000Z");
    in_zone("America/Sao_Paulo");
    reads("2018-11-04", "2018-11-04T03:00:00.000Z"); /* a day without a midnight begins at 01:00 */
    in_zone("Europe/Dublin");
    reads("2026-10-25 01:30", "2026-10-25T00:30:00.000Z");
    reads("2026-07-01 12:00", "2026-07-01T11:00:00.000Z");
    in_zone("Pacific/Apia");
    reads("2011-12-31", "2011-12-30T10:00:00.000Z");
    reads("2011-12-29 12:00", "2011-12-29T22:00:00.000Z");
}

int main(void)
{
    test_texts();
    test_times();
    test_no_times();
    test_changes();
    int64_t before = clock_mono();
    (void)tap_ok(before <= clock_mono(), "the monotonic clock does not go back");
    return tap_done();
}
