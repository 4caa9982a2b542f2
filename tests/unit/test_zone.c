#include <inttypes.h>
#include <stdlib.h>

#include "tap.h"
#include "zone.h"

static void test_names(void)
{
    static const char *const no[] = {"",
                                     "Europe/Berln",
                                     "Europe",
                                     "../etc/passwd",
                                     "/etc/null",
                                     "right/Etc/UTC",
                                     "Europe/Berlin ",
                                     "zone.tab",
                                     "CET-1CEST",
                                     "Europe/Berlin\n",
                                     "."};
    (void)tap_ok(zone_exists("Europe/Berlin"), "Europe/Berlin is a zone");
    (void)tap_ok(zone_exists("UTC") && zone_exists("Etc/GMT+5") && zone_exists("EST5EDT"),
                 "UTC, Etc/GMT+5 and EST5EDT are");
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        (void)tap_ok(!zone_exists(no[i]), "no. %zu, '%.6s…', is none", i, no[i]);
}

static void is_system(const char *tz, const char *want)
{
    (void)setenv("TZ", tz, 1);
    char *name = zone_system();
    (void)tap_str(name, want, "the zone of this machine, by TZ");
    free(name);
}

static void test_system(void)
{
    is_system("Asia/Kolkata", "Asia/Kolkata");
    is_system(":Asia/Kolkata", "Asia/Kolkata");
    (void)unsetenv("TZ");
    char *name = zone_system(), *again;
    (void)tap_ok(zone_exists(name), "without TZ it is one that exists: %s", name);
    (void)setenv("TZ", "Nowhere", 1);
    again = zone_system();
    (void)tap_str(again, name, "a TZ that is no zone is passed over");
    free(name);
    free(again);
}

static void test_use(void)
{
    zone_use("Europe/Berlin");
    (void)tap_int(zone_offset(0), 3600, "Berlin");
    zone_use("Asia/Kolkata");
    (void)tap_int(zone_offset(0), 19800, "then Kolkata");
    zone_use("Europe/Berlin");
    (void)tap_int(zone_offset(INT64_C(1782864000)), 7200, "Berlin again, in summer");
    (void)tap_str(getenv("TZ"), "Europe/Berlin", "and for children");
    (void)tap_int(zone_offset(INT64_C(4118083200)), 7200, "in the summer of 2100");
    (void)tap_int(zone_offset(INT64_MAX), 0, "an instant without a year");
}

static void fits(int64_t local, int64_t at, enum zone_fit want, int64_t want_gap, const char *what)
{
    enum zone_fit fit = ZONE_EXACT;
    int64_t gap = -1, got = zone_instant(local, &fit, &gap);
    if (!tap_ok(got == at && fit == want && gap == want_gap, "%s", what))
        printf("#   got: %" PRId64 " fit %d gap %" PRId64 "\n", got, (int)fit, gap);
}

static void test_instants(void)
{
    const int64_t gap = INT64_C(1774746000), gap_local = gap + 3600;     /* 2026-03-29 02:00 */
    const int64_t overlap = INT64_C(1792890000), twice = overlap + 3600; /* 2026-10-25 02:00 */
    zone_use("Europe/Berlin");
    fits(gap_local - 1, gap - 1, ZONE_EXACT, 0, "the last second before a gap");
    fits(gap_local, gap, ZONE_GAP, 3600, "a gap's first second");
    fits(gap_local + 3599, gap, ZONE_GAP, 3600, "its last");
    fits(gap_local + 3600, gap, ZONE_EXACT, 0, "the first second after it");
    fits(twice - 1, overlap - 3601, ZONE_EXACT, 0, "the last second before an overlap");
    fits(twice, overlap - 3600, ZONE_OVERLAP, 0, "an overlap's first second");
    fits(twice + 3599, overlap - 1, ZONE_OVERLAP, 0, "its last");
    fits(twice + 3600, overlap + 3600, ZONE_EXACT, 0, "the first second after it");
    fits(twice + 86400, overlap + 86400, ZONE_EXACT, 0, "a day later");
    (void)tap_int(zone_instant(twice, NULL, NULL), overlap - 3600, "asked without the rest");
    zone_use("Pacific/Apia");
    fits(INT64_C(1325203199), INT64_C(1325239199), ZONE_EXACT, 0, "the last second of 29 December");
    fits(INT64_C(1325246400), INT64_C(1325239200), ZONE_GAP, 86400, "noon of a day that never was");
    fits(INT64_C(1325289600), INT64_C(1325239200), ZONE_EXACT, 0, "the first second of the 31st");
}

static void test_changes(void)
{
    const int64_t change = INT64_C(1774746000);
    zone_use("Europe/Berlin");
    (void)tap_int(zone_change(change - 86400, change + 86400), change, "a change within two days");
    (void)tap_int(zone_change(change - 1, change), change, "in the last second");
    (void)tap_int(zone_change(change, change + 86400), -1, "none after it");
    (void)tap_int(zone_change(change - 86400, change - 1), -1, "and none before");
}

static void test_dates(void)
{
    int64_t wrong = 0, last = civil_days(2500, 1, 1);
    for (int64_t days = civil_days(1600, 1, 1); days < last; days++) {
        int64_t year;
        int month, day;
        civil_date(days, &year, &month, &day);
        wrong += civil_days(year, month, day) != days || month < 1 || month > 12 || day < 1;
    }
    (void)tap_int(wrong, 0, "each day of 900 years, there and back");
    (void)tap_int(civil_days(1970, 1, 1), 0, "the epoch");
    (void)tap_int(civil_days(2000, 3, 1), 11017, "the day after a leap day");
    (void)tap_int(civil_days(2100, 3, 1) - civil_days(2100, 2, 28), 1, "2100 has none");
    (void)tap_int(civil_days(1969, 12, 31), -1, "the day before the epoch");
    (void)tap_int(civil_days(-400, 3, 1), -865565, "400 years before the year 0");
}

int main(void)
{
    test_names();
    test_system();
    test_use();
    test_instants();
    test_changes();
    test_dates();
    return tap_done();
}
