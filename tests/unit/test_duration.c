#include <inttypes.h>
#include <string.h>

#include "duration.h"
#include "tap.h"

static void is_duration(const char *text, int64_t want)
{
    int64_t ms = -1;
    struct err err = {0};
    int rc = duration_parse(text, &ms, &err);
    (void)tap_ok(rc == 0 && ms == want, "'%s' is %" PRId64 " ms%s%s", text, want, rc ? ": " : "",
                 err.msg);
}

static void is_no_duration(const char *text)
{
    int64_t ms = -1;
    struct err err = {0};
    (void)tap_ok(duration_parse(text, &ms, &err) == ERR_DATA && strstr(err.msg, text),
                 "'%s' is no duration", text);
}

static void is_size(const char *text, int64_t want)
{
    int64_t bytes = -1;
    (void)tap_ok(size_parse(text, &bytes, NULL) == 0 && bytes == want, "'%s' is %" PRId64 " bytes",
                 text, want);
}

static void is_no_size(const char *text)
{
    int64_t bytes;
    struct err err = {0};
    (void)tap_ok(size_parse(text, &bytes, &err) == ERR_DATA && err.msg[0], "'%s' is no size", text);
}

static void test_durations(void)
{
    static const char *const bad[] = {"",       "30",  "00",  "-1s",  "1.5h",
                                      "1x",     "s",   "1h ", " 1h",  "1h30",
                                      "1 h",    "1M",  "1hh", "1mss", "9999999999999999999s",
                                      "36501d", "1e3s"};
    char text[DURATION_TEXT];
    is_duration("0", 0);
    is_duration("0s", 0);
    is_duration("90s", 90000);
    is_duration("15m", 900000);
    is_duration("2h", 7200000);
    is_duration("1d", 86400000);
    is_duration("1w", 604800000);
    is_duration("500ms", 500);
    is_duration("1h30m", 5400000);
    is_duration("1m500ms", 60500);
    is_duration("36500d", INT64_C(3153600000000));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_no_duration(bad[i]);
    is_no_duration("36500d1ms");
    is_no_duration("36500d36500d");
    is_no_duration("36500d1d and anything else");
    (void)tap_str(duration_text(12, text), "12ms", "milliseconds for people");
    (void)tap_str(duration_text(2500, text), "2.5s", "seconds");
    (void)tap_str(duration_text(5400000, text), "1h30m", "hours");
    (void)tap_str(duration_text(62000, text), "1m02s", "minutes");
    (void)tap_str(duration_text(INT64_C(90000000), text), "1d01h", "days");
    (void)tap_str(duration_text(-5, text), "0ms", "a clock that went back makes no negative time");
    (void)tap_ok(strlen(duration_text(INT64_MAX, text)) < DURATION_TEXT, "the longest fits");
}

static void test_sizes(void)
{
    static const char *const bad[] = {
        "",        "K", "-1", "1.5M", "1MB", "1k", "1 K", "99999999999999999999", "1099511627777",
        "8388608T"};
    char text[DURATION_TEXT];
    is_size("0", 0);
    is_size("512", 512);
    is_size("64K", 65536);
    is_size("16M", 16777216);
    is_size("2G", INT64_C(2147483648));
    is_size("1T", INT64_C(1) << 40);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_no_size(bad[i]);
    (void)tap_str(size_text(1023, text), "1023", "bytes for people");
    (void)tap_str(size_text(1536, text), "1.5K", "kilobytes");
    (void)tap_str(size_text(1048575, text), "1.0M", "nearly a megabyte is not 1024.0K");
    (void)tap_str(size_text(INT64_MAX, text), "8.0E", "the largest");
}

int main(void)
{
    test_durations();
    test_sizes();
    return tap_done();
}
