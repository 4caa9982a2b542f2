#include <stddef.h>
#include <stdlib.h>

#include "cron.h"
#include "tap.h"

/* ---- what is refused, where and why ---- */

struct refusal {
    const char *text, *message;
};

static const struct refusal refusals[] = {
    {"60 * * * *", "column 1: minute '60' is not within 0-59"},
    {"* 24 * * *", "column 3: hour '24' is not within 0-23 (midnight is 0)"},
    {"* 25 * * *", "column 3: hour '25' is not within 0-23"},
    {"* * 0 * *", "column 5: day of the month '0' is not within 1-31"},
    {"* * 32 * *", "column 5: day of the month '32' is not within 1-31"},
    {"* * * 13 *", "column 7: month '13' is not within 1-12"},
    {"* * * * 8", "column 9: weekday '8' is not within 0-7"},
    {"1,2,3-77 * * * *", "column 7: minute '3-77' is not within 0-59"},
    {"5-1 * * * *", "column 1: minute '5-1' runs backwards (write 5-59,0-1)"},
    {"* 22-2 * * *", "column 3: hour '22-2' runs backwards (write 22-23,0-2)"},
    {"* * * * 5-0", "column 9: weekday '5-0' runs backwards (write 5-7)"},
    {"* * * * FRI-MON", "column 9: weekday 'FRI-MON' runs backwards (write 5-6,0-1)"},
    {"* * * * 7-2", "column 9: weekday '7-2' runs backwards (write 0-2)"},
    {"*/0 * * * *", "column 3: minute '*/0' has a step of 0 (the least is 1)"},
    {"*/ * * * *", "column 3: minute '*/' lacks a number after the /"},
    {"*/x * * * *", "column 3: minute '*/x' lacks a number after the /"},
    {"/5 * * * *", "column 1: minute '/5' lacks a number"},
    {"*/5/5 * * * *", "column 4: minute '*/5/5' should end after '*/5'"},
    {"*/90 * * * *",
     "column 3: minute '*/90' has a step that leads out of 0-59 (write every: 90m instead)"},
    {"*/60 * * * *",
     "column 3: minute '*/60' has a step that leads out of 0-59 (write every: 60m instead)"},
    {"10-20/11 * * * *",
     "column 7: minute '10-20/11' has a step that leads out of 10-20 (write every: 11m instead)"},
    {"* */36 * * *",
     "column 5: hour '*/36' has a step that leads out of 0-23 (write every: 36h instead)"},
    {"* * * */12 *", "column 9: month '*/12' has a step that leads out of 1-12"},
    {"* * * * */7",
     "column 11: weekday '*/7' has a step that leads out of 0-6 (write every: 7d instead)"},
    {"5/15 * * * *", "column 2: minute '5/15' has a step without a range (write 5-59/15)"},
    {"* * * * MON/2", "column 12: weekday 'MON/2' has a step without a range (write 1-6/2)"},
    {", * * * *", "column 1: minute ',' has an empty place in its list"},
    {"1,,2 * * * *", "column 3: minute '1,,2' has an empty place in its list"},
    {"1, 2 * * * *", "column 3: second '1,' has an empty place in its list"},
    {"* * * * MON-", "column 13: weekday 'MON-' lacks the end of its range"},
    {"-5 * * * *", "column 1: minute '-5' lacks a number"},
    {"1-2-3 * * * *", "column 4: minute '1-2-3' should end after '1-2'"},
    {"*5 * * * *", "column 2: minute '*5' has a number right after the * (write */5)"},
    {"** * * * *", "column 2: minute '**' should end after '*'"},
    {"*-5 * * * *", "column 2: minute '*-5' should end after '*'"},
    {"1.5 * * * *", "column 2: minute '1.5' should end after '1'"},
    {"+5 * * * *", "column 1: minute '+5' lacks a number"},
    {"a * * * *", "column 1: minute 'a' is no number"},
    {"5x * * * *", "column 2: minute '5x' should end after '5'"},
    {"12345 * * * *", "column 1: minute '12345' has a number of 5 digits"},
    {"00000 * * * *", "column 1: minute '00000' has a number of 5 digits"},
    {"MON * * * *", "column 1: minute 'MON' is no number"},
    {"* * * FOO *", "column 7: month 'FOO' is no name of a month (they are JAN, FEB and so on)"},
    {"* * * MAY-JULY *", "column 11: month 'MAY-JULY' is no name of a month (write JUL)"},
    {"* * * * FRIDAY", "column 9: weekday 'FRIDAY' is no name of a weekday (write FRI)"},
    {"* * * * MO", "column 9: weekday 'MO' is no name of a weekday (they are SUN, MON and so on)"},
    {"1\xe2\x80\x93"
     "5 * * * *",
     "column 2: minute '1\xe2\x80\x93"
     "5' should end after '1'"},
    {"\x1b[31m * * * *", "column 1: minute '\\x1b[31m' lacks a number"},
    {"0 5 * * *\n", "column 10: weekday '*\\x0a' should end after '*'"},
    {"0 5 * * \xff", "column 9: weekday '\\xff' lacks a number"},
    /* the last days, and Quartz's words for them */
    {"* * 5L * *",
     "column 6: day of the month '5L' has an L, which is for weekdays (there 5L is the "
     "last Friday, 5#2 the second)"},
    {"* * L-31 * *",
     "column 7: day of the month 'L-31' is before the month's first day (30 is the most)"},
    {"* * L- * *", "column 7: day of the month 'L-' lacks a number of days after the -"},
    {"* * L/2 * *", "column 6: day of the month 'L/2' should end after 'L'"},
    {"L * * * *", "column 1: minute 'L' is for days only"},
    {"* * * * L",
     "column 9: weekday 'L' has an L without a weekday before it (write 5L for the last "
     "Friday, 6 for each Saturday)"},
    {"* * * * L5", "column 9: weekday 'L5' has an L without a weekday before it (write 5L for the "
                   "last Friday, 6 for each Saturday)"},
    {"* * * * 5#6",
     "column 11: weekday '5#6' is not within 1-5 after the # (write 5L for the last)"},
    {"* * * * 5#0",
     "column 11: weekday '5#0' is not within 1-5 after the # (write 5L for the last)"},
    {"* * * * 5#", "column 11: weekday '5#' lacks a number after the #"},
    {"* * * * 1-5L", "column 12: weekday '1-5L' should end after '1-5'"},
    {"* * * * 1-5#2", "column 12: weekday '1-5#2' should end after '1-5'"},
    {"* * 15W * *", "column 5: day of the month '15W' has a W, the nearest working day, which "
                    "cannot be said here"},
    {"* * LW * *",
     "column 5: day of the month 'LW' has a W, the nearest working day, which cannot be said here"},
    {"0 0 12 ? * 2L",
     "column 8: '0 0 12 ? * 2L' has a ?, which is * here; and Sunday is 0 (write 0 0 "
     "12 * * 1L)"},
    {"0 0 12 ? * MON-FRI 2027", "column 8: '0 0 12 ? * MON-FRI 2027' has a ?, which is * here; and "
                                "Sunday is 0 (write 0 0 12 * * MON-FRI)"},
    {"0 0/5 14 * * ?",
     "column 14: '0 0/5 14 * * ?' has a ?, which is * here; and Sunday is 0 (write "
     "0 0-59/5 14 * * *)"},
    {"0 0 0 ? * L",
     "column 7: '0 0 0 ? * L' has a ?, which is * here; and Sunday is 0 (write 0 0 0 * "
     "* 6)"},
    {"0 15 10 ? * 6#3",
     "column 9: '0 15 10 ? * 6#3' has a ?, which is * here; and Sunday is 0 (write "
     "0 15 10 * * 5#3)"},
    {"0 10 * * ? 2027", "column 10: '0 10 * * ? 2027' has a ?, which is * here; and Sunday is 0 "
                        "(write 0 10 * * *)"},
    {"? * * * *", "column 1: '? * * * *' has a ?, which is * here"},
    {"0 0 12 5? * ?", "column 9: '0 0 12 5? * ?' has a ?, which is * here"},
    {"0 0 12 LW * ?", "column 13: '0 0 12 LW * ?' has a ?, which is * here"},
    {"0 0 12 1 * 2 2027", "column 14: '0 0 12 1 * 2 2027' has 7 fields (an expression has 5, or 6 "
                          "with seconds first; for years there is from: and until:)"},
    /* how many fields */
    {"", "column 1: '' is empty (an expression has 5, or 6 with seconds first)"},
    {" \t ", "column 4: ' \\x09 ' is empty (an expression has 5, or 6 with seconds first)"},
    {"*", "column 2: '*' has 1 field (an expression has 5, or 6 with seconds first)"},
    {"0 0 * *", "column 8: '0 0 * *' has 4 fields (an expression has 5, or 6 with seconds first)"},
    {"0 5 * * * tar cf x", "column 15: '0 5 * * * tar cf x' has more than 6 fields (a command is "
                           "written shell:, not here)"},
    /* words */
    {"@reboot", "column 1: '@reboot' is no time: start it from the host's own crontab"},
    {"@every 15m", "column 1: '@every 15m' is not cron's (write every: 15m instead of cron:)"},
    {"@every", "column 1: '@every' is not cron's (write every: 15m instead of cron:)"},
    {"@dayly", "column 1: '@dayly' is not known (did you mean @daily?)"},
    {"@fortnight", "column 1: '@fortnight' is not known (@hourly, @daily, @weekly, @monthly and "
                   "@yearly are)"},
    {"@daily true", "column 7: '@daily true' has something after @daily"},
    {"@", "column 1: '@' is not known (@hourly, @daily, @weekly, @monthly and @yearly are)"},
    /* H */
    {"H(0-29 * * * *", "column 7: minute 'H(0-29' lacks the ) of its range"},
    {"H(5) * * * *", "column 4: minute 'H(5)' lacks a range (write H(0-59))"},
    {"H(9-5) * * * *", "column 3: minute 'H(9-5)' runs backwards (write 9-59,0-5)"},
    {"H(0-60) * * * *", "column 5: minute 'H(0-60)' is not within 0-59"},
    {"H/60 * * * *",
     "column 3: minute 'H/60' has a step that leads out of 0-59 (write every: 60m instead)"},
    {"H5 * * * *", "column 2: minute 'H5' should end after 'H'"},
    {"* * H/28 * *", "column 7: day of the month 'H/28' has a step that leads out of 1-28 (write "
                     "every: 28d instead)"},
};

/* Up to the last member: what pads the structure is nobody's. */
static bool is_same(const struct cron *a, const struct cron *b)
{
    return memcmp(a, b, offsetof(struct cron, star_step_day) + sizeof a->star_step_day) == 0;
}

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct cron cron, none = {0};
        struct err err = {0};
        int rc = cron_parse(refusals[i].text, "backup", &cron, &err);
        (void)tap_str(rc == ERR_DATA ? err.msg : "(accepted)", refusals[i].message, err.msg);
        if (!is_same(&cron, &none))
            (void)tap_ok(false, "a refused expression leaves nothing");
    }
}

static void test_long_ones(void)
{
    enum { HUGE = 1024 * 1024 };
    struct cron cron;
    struct err err = {0};
    char *text = malloc(HUGE + 1);
    if (!text)
        return;
    memset(text, '7', HUGE);
    text[HUGE] = '\0';
    (void)tap_int(cron_parse(text, NULL, &cron, &err), ERR_DATA, "a megabyte is refused");
    (void)tap_str(err.msg, "column 1001: a cron expression has at most 1000 bytes",
                  "by its length");
    text[CRON_TEXT_MAX] = '\0';
    (void)tap_int(cron_parse(text, NULL, &cron, &err), ERR_DATA, "1000 digits are no expression");
    (void)tap_ok(strlen(err.msg) < 200, "and are not shown at length: %s", err.msg);
    memset(text, ' ', CRON_TEXT_MAX);
    memcpy(text, "* * * * *", 9);
    (void)tap_int(cron_parse(text, NULL, &cron, &err), 0, "1000 bytes may be");
    memset(text, ',', CRON_TEXT_MAX);
    (void)tap_int(cron_parse(text, NULL, &cron, &err), ERR_DATA, "1000 commas may not");
    free(text);
}

/* ---- what a field means ---- */

static struct cron parsed(const char *text, const char *name)
{
    struct cron cron;
    struct err err = {0};
    if (cron_parse(text, name, &cron, &err))
        (void)tap_ok(false, "'%s' is an expression: %s", text, err.msg);
    return cron;
}

static void same(const char *one, const char *other)
{
    struct cron a = parsed(one, "backup"), b = parsed(other, "backup");
    (void)tap_ok(is_same(&a, &b), "'%s' is '%s'", one, other);
}

static void test_meanings(void)
{
    same("@yearly", "0 0 1 1 *");
    same("@Annually", "0 0 1 1 *");
    same("@monthly", "0 0 1 * *");
    same("@weekly", "0 0 * * 0");
    same("@daily", "0 0 * * *");
    same("@midnight", "0 0 * * *");
    same(" @hourly\t", "0 * * * *");
    same("5 4 * * *", "0 5 4 * * *");
    same("  5\t4  * * *  ", "5 4 * * *");
    same("05 004 * * 0007", "5 4 * * 0");
    same("0 0 * jan-Mar,dec *", "0 0 * 1-3,12 *");
    same("0 0 * * SUN", "0 0 * * 7");
    same("0 0 1 * MON-SUN", "0 0 1 * 0-6");
    same("0 0 1 * 5-7", "0 0 1 * 5,6,0");
    same("0 0 1 * SAT-SUN", "0 0 1 * 0,6");
    same("0 0 1 * 0-7", "0 0 1 * 0-6");
    same("0 0 1 * SUN-SUN", "0 0 1 * 0");
    same("0 0 1 * 3-7/2", "0 0 1 * 3,5,0");
    same("0 0 * * FRIL,fri#2", "0 0 * * 5L,5#2");
    same("0 0 * * 7L,7#1", "0 0 * * 0L,0#1");
    same("0 0 l,l-3 * *", "0 0 L,L-3 * *");
    same("0 0 L-0 * *", "0 0 L * *");
    same("*/20 * * * *", "0,20,40 * * * *");
    same("10-30/10 * * * *", "10,20,30 * * * *");
    same("*/1 * * * *", "* * * * *");
    same("1,1,1-3,2 * * * *", "1-3 * * * *");
    same("5-5 * * * *", "5 * * * *");
    same("5-5/1 * * * *", "5 * * * *");
    (void)tap_ok(parsed("0 * * * *", NULL).real_time, "an hour of * is a real-time job");
    (void)tap_ok(parsed("0 */2 * * *", NULL).real_time, "and one of */2");
    (void)tap_ok(!parsed("0 0-23 * * *", NULL).real_time, "one of 0-23 is a wall-clock job");
    (void)tap_ok(!parsed("0 H * * *", "x").real_time, "and one of H");
    (void)tap_ok(parsed("0 0 */2 * MON", NULL).star_step_day, "*/2 meets a weekday");
    (void)tap_ok(parsed("0 0 13 * */2", NULL).star_step_day, "*/2 meets a day");
    (void)tap_ok(!parsed("0 0 */2 * *", NULL).star_step_day, "*/2 alone meets none");
    (void)tap_ok(!parsed("0 0 */1 * MON", NULL).star_step_day, "*/1 takes no day away");
    (void)tap_ok(parsed("0 0 */10 * MON", NULL).star_step_day, "*/10 does");
    (void)tap_ok(!parsed("0 0 * * MON", NULL).star_step_day, "* takes none away either");
}

/* ---- H ---- */

static void test_hash(void)
{
    enum { JOBS = 2000 };
    static bool seen[24 * 60];
    int per_minute[60] = {0}, cells = 0, least = JOBS, most = 0;
    struct err err = {0};
    struct cron cron;
    for (int i = 0; i < JOBS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "job-%d", i);
        cron = parsed("H H * * *", name);
        int minute = __builtin_ctzll(cron.minutes), hour = __builtin_ctz(cron.hours);
        per_minute[minute]++;
        cells += !seen[hour * 60 + minute];
        seen[hour * 60 + minute] = true;
    }
    for (int i = 0; i < 60; i++) {
        least = per_minute[i] < least ? per_minute[i] : least;
        most = per_minute[i] > most ? per_minute[i] : most;
    }
    /* 33 to a minute; by chance 1081 of 1440 cells are met */
    (void)tap_ok(least >= 12 && most <= 60, "H spreads 2000 jobs: %d to %d a minute", least, most);
    (void)tap_ok(cells > 1000, "and the hour is no function of the minute: %d minutes of a day",
                 cells);
    cron = parsed("H/15 * * * *", "x");
    (void)tap_ok(__builtin_popcountll(cron.minutes) == 4 && __builtin_ctzll(cron.minutes) < 15,
                 "H/15 is four times an hour");
    cron = parsed("H(30-59)/10 * * * *", "x");
    (void)tap_ok(__builtin_popcountll(cron.minutes) == 3 && __builtin_ctzll(cron.minutes) >= 30 &&
                     __builtin_ctzll(cron.minutes) < 40,
                 "H(30-59)/10 is three times in the second half");
    cron = parsed("0 0 1 * H(SAT-SUN)", "x");
    (void)tap_ok(cron.weekdays == 1 || cron.weekdays == 64, "H(SAT-SUN) is a day of the weekend");
    uint32_t days = 0;
    for (int i = 0; i < JOBS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%d", i);
        days |= parsed("0 0 H * *", name).days;
    }
    (void)tap_int(days, 0x1ffffffe, "H is a day that all months have, 1 to 28");
    (void)tap_int(cron_parse("H * * * *", NULL, &cron, &err), ERR_DATA, "H wants a name");
    (void)tap_str(err.msg, "column 1: minute 'H' is chosen by the name of a job, and here is none",
                  "and says so");
    same("H H H H H", "47 23 7 2 1"); /* for the name "backup" for ever */
}

int main(void)
{
    test_refusals();
    test_long_ones();
    test_meanings();
    test_hash();
    return tap_done();
}
