/*
 * test_cron: when cron expressions are due, by the table cron_cases.txt beside this file.
 *
 * `test_cron -` answers lines "ZONE|EXPRESSION|AFTER|N" of standard input, each with a line of at most
 * N instants in seconds since the epoch (behind one, g or o: a gap or an overlap), or with "! " and
 * what is wrong. tests/cron_differential.py drives it so.
 */
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "cron.h"
#include "tap.h"
#include "xalloc.h"
#include "zone.h"

static const char *const marks[] = {[CRON_STRAIGHT] = "", [CRON_GAP] = "g", [CRON_OVERLAP] = "o"};

/* ---- the table ---- */

enum { COLUMNS_MOST = 5 };

/* Cuts a line at its bars, blanks off; how many columns. */
static int cut(char *line, char *columns[COLUMNS_MOST])
{
    int n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *column; n < COLUMNS_MOST && (column = strsep(&line, "|"));) {
        column += strspn(column, " ");
        size_t len = strlen(column);
        while (len && column[len - 1] == ' ')
            column[--len] = '\0';
        columns[n++] = column;
    }
    return n;
}

/* "2026-03-29T03:00+02:00g" */
static void add_instant(struct buf *out, int64_t at, enum cron_bend bend, bool seconds)
{
    int64_t offset = zone_offset(at), local = at + offset, year;
    int month, day, second = (int)(local % 86400), east = (int)(offset < 0 ? -offset : offset) / 60;
    civil_date(local / 86400, &year, &month, &day);
    buf_addf(out, "%s%04" PRId64 "-%02d-%02dT%02d:%02d", out->len ? " " : "", year, month, day,
             second / 3600, second / 60 % 60);
    if (seconds)
        buf_addf(out, ":%02d", second % 60);
    buf_addf(out, "%c%02d:%02d%s", offset < 0 ? '-' : '+', east / 60, east % 60, marks[bend]);
}

static int count_char(const char *text, char c)
{
    int n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

static void test_row(char *columns[COLUMNS_MOST])
{
    struct cron cron;
    struct err err = {0};
    struct buf got = {0};
    int64_t at = 0;
    const char *want = columns[3];
    if (clock_parse(columns[2], 0, &at, &err) || cron_parse(columns[1], NULL, &cron, &err)) {
        (void)tap_ok(false, "%s: %s", columns[1], err.msg);
        return;
    }
    at /= 1000;
    zone_use(columns[0]);
    for (int n = 1 + count_char(want, ' '); n > 0 && at >= 0; n--) {
        enum cron_bend bend;
        at = cron_next(&cron, at, &bend);
        if (at >= 0)
            add_instant(&got, at, bend, count_char(columns[1], ' ') == 5);
        else
            buf_addstr(&got, "never");
    }
    char *what = xasprintf("%s in %s: %s", columns[1], columns[0], columns[4]);
    (void)tap_str(buf_str(&got), want, what);
    free(what);
    buf_free(&got);
}

static void test_table(const char *path)
{
    char *line = NULL, *columns[COLUMNS_MOST];
    size_t size = 0;
    int rows = 0;
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &size, file) > 0) {
        if (*line == '#' || *line == '\n')
            continue;
        if (cut(line, columns) == COLUMNS_MOST)
            test_row(columns);
        else
            (void)tap_ok(false, "a row has five columns: %s", line);
        rows++;
    }
    (void)tap_ok(rows >= 200, "%s has %d rows", path, rows);
    free(line);
    if (file)
        (void)fclose(file);
}

/* ---- what has no place in a table ---- */

static void test_edges(void)
{
    struct cron cron;
    enum cron_bend bend = CRON_GAP;
    zone_use("UTC");
    (void)cron_parse("* * * * *", NULL, &cron, NULL);
    (void)tap_int(cron_next(&cron, -1, &bend), 0, "the epoch is after -1");
    (void)tap_int(bend, CRON_STRAIGHT, "and straight");
    (void)tap_int(cron_next(&cron, 0, NULL), 60, "the minute after it");
    (void)tap_int(cron_next(&cron, INT64_MIN, NULL), 0, "long before the epoch is as before it");
    (void)tap_int(cron_next(&cron, INT64_MAX, NULL), -1, "nothing is after the last instant");
    (void)tap_int(cron_next(&cron, INT64_C(253402300799), NULL), -1, "or after the year 9999");
    (void)tap_int(cron_next_local(&cron, 59), 60, "a local time, from 59 on");
    (void)tap_int(cron_next_local(&cron, 60), 60, "which is inclusive");
    (void)tap_int(cron_next_local(&cron, -61), -60, "before 1970 as well");
    (void)cron_parse("59 59 23 * * *", NULL, &cron, NULL);
    zone_use("America/New_York");
    (void)tap_int(cron_next(&cron, 0, NULL), 17999, "the last second of New York's 1969");
    (void)cron_parse("0 0 30 2 *", NULL, &cron, NULL);
    (void)tap_int(cron_next(&cron, 0, &bend), -1, "30 February is never");
    (void)tap_int(cron_next(&(struct cron){0}, 0, NULL), -1, "nor is what matches nothing");
    cron.real_time = true;
    (void)tap_int(cron_next(&cron, 0, NULL), -1, "in real time neither");
}

/* ---- cost ---- */

static double cpu_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* The mean of 1000 occurrences, some more than a gap or an overlap has. */
static void costs_little(const char *zone, const char *text, int64_t after)
{
    enum { OCCURRENCES = 1000, LIMIT = 10 };
    struct cron cron;
    int n = 0;
    zone_use(zone);
    (void)cron_parse(text, NULL, &cron, NULL);
    double start = cpu_us();
    while (n < OCCURRENCES && (after = cron_next(&cron, after, NULL)) >= 0)
        n++;
    double each = n ? (cpu_us() - start) / n : LIMIT;
    (void)tap_ok(each < LIMIT, "'%s' in %s costs %.2f us an occurrence", text, zone, each);
}

static void test_cost(void)
{
    const int64_t year = INT64_C(1767222000), gap = INT64_C(1774742400),
                  overlap = INT64_C(1792886400);
    costs_little("UTC", "*/5 * * * *", year);
    costs_little("Europe/Berlin", "*/5 * * * *", year);
    costs_little("Europe/Berlin", "0 2 * * *", year);
    costs_little("Europe/Berlin", "0 2 * * 5L", year);
    costs_little("Europe/Berlin", "0 2 29 2 *", year);
    costs_little("Europe/Berlin", "* * * * * *", overlap);
    costs_little("Europe/Berlin", "* * 1-3 * * *", gap);
    costs_little("Europe/Berlin", "* * 1-3 * * *", overlap);
    costs_little("Europe/Berlin", "* * 2 * * *", overlap + 5400); /* in the second pass */
    costs_little("Australia/Lord_Howe", "*/20 * * * *", INT64_C(4102444800)); /* by the rule */
}

/* ---- for other programs ---- */

static int answer_lines(void)
{
    char *line = NULL, *columns[COLUMNS_MOST];
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        struct cron cron;
        struct err err = {0};
        if (cut(line, columns) < 4)
            return 1;
        zone_use(columns[0]);
        if (cron_parse(columns[1], NULL, &cron, &err))
            printf("! %s", err.msg);
        int64_t at = err.code ? -1 : strtoll(columns[2], NULL, 10);
        for (long n = strtol(columns[3], NULL, 10); n > 0 && at >= 0; n--) {
            enum cron_bend bend;
            at = cron_next(&cron, at, &bend);
            if (at >= 0)
                printf("%" PRId64 "%s ", at, marks[bend]);
        }
        (void)putchar('\n');
    }
    free(line);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-") == 0)
        return answer_lines();
    char here[] = __FILE__;
    char *path = xasprintf("%s/cron_cases.txt", dirname(here));
    test_table(path);
    free(path);
    test_edges();
    test_cost();
    return tap_done();
}
