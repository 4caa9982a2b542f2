/* Timetables: which instants are left when days are excepted. */
#include "timetable.h"

#include "tap.h"

static int64_t next_kept(const char *text, int64_t after)
{
    struct timetable table;
    struct timetable_due due;
    struct err err;
    if (timetable_read(&table, text, "job", &err) < 0)
        return -2;
    bool found = timetable_next_kept(&table, after, &due);
    timetable_free(&table);
    return found ? due.at : -1;
}

int main(void)
{
    const int64_t day = 86400000;
    tap_int(next_kept("zone UTC\nevery 1s\nexcept 1970-01-02..9998-12-31\nexcept 1970-01-01\n", 0),
            INT64_C(253370764800000), "years of seconds are passed over at once");
    tap_int(next_kept("zone UTC\nevery 1h\nexcept 1970-01-02\n", day - 1), 2 * day,
            "a day is over at its end");
    tap_int(next_kept("zone UTC\nat 1970-01-02 10:00\nexcept 1970-01-01..1970-01-03\n", 0), -1,
            "nothing is left of one instant");
    tap_int(next_kept("zone UTC\nevery 1h\nuntil 1970-01-03\nexcept 1970-01-02\n", day - 1), -1,
            "nor of what ends with the day");
    /* St John's, 2010-11-07: one minute after midnight it was 23:01 of the day before again */
    tap_int(
        next_kept("zone America/St_Johns\nevery 1m\nexcept 2010-11-06\n", INT64_C(1289097060000)),
        INT64_C(1289100600000), "a day that goes on after midnight is excepted to its end");
    return tap_done();
}
