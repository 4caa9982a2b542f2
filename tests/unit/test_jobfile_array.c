/* The keys of arrays and parameters: what they are read to, and what is refused. */
#include "test_jobfile.h"

/* Reads a job, which writes itself as `want` behind its name and work, and reads back to the same. */
static void writes(const char *keys, const char *want, const char *what)
{
    struct joblist jobs, back;
    struct buf text = {0}, again = {0};
    char *file = xasprintf("shell: x\n%s\n", keys);
    char *whole = xasprintf("{\"name\": \"t\", \"shell\": \"x\", %s}", want);
    if (parse(file, &jobs, what)) {
        jobfile_write(&jobs.v[0], &text);
        (void)tap_str(buf_str(&text), whole, what);
        if (parse(buf_str(&text), &back, "and what is written")) {
            jobfile_write(&back.v[0], &again);
            (void)tap_str(buf_str(&again), buf_str(&text), "to the same");
            joblist_free(&back);
        }
        joblist_free(&jobs);
    }
    buf_free(&text);
    buf_free(&again);
    free(whole);
    free(file);
}

static void test_written(void)
{
    writes("array: 0-99%10", "\"array\": \"0-99\", \"at_once\": 10", "a range, so many at once");
    writes("array: 1,3,5-7", "\"array\": \"1,3,5-7\"", "several ranges");
    writes("array: 20260101-20260131", "\"array\": \"20260101-20260131\"", "days as indices");
    writes("array: 5", "\"array\": \"5\"", "one index");
    writes("array: [a b, '', 1]\nat_once: 2", "\"array\": [\"a b\", \"\", \"1\"], \"at_once\": 2",
           "items");
    writes("matrix: {os: [debian, alpine], ver: 1}\nstop_after: 5\nplaceholder: '%'",
           "\"matrix\": {\"os\": [\"debian\", \"alpine\"], \"ver\": [\"1\"]}, \"stop_after\": 5, "
           "\"placeholder\": \"%\"",
           "a matrix");
    writes("parameters: {day: yesterday, b_: '', a: x=y, a1: , target: ~}",
           "\"parameters\": {\"a\": \"x=y\", \"a1\": null, \"b_\": \"\", \"day\": \"yesterday\", "
           "\"target\": null}",
           "parameters");
}

static void refuses(const char *keys, const char *want)
{
    char *file = xasprintf("shell: x\n%s\n", keys);
    char *what = xstrdup(keys);
    struct joblist jobs;
    struct errlist errors = {0};
    (void)jobfile_parse("t", file, strlen(file), &jobs, &errors);
    char *got = lines(&errors);
    for (char *p = what; (p = strchr(p, '\n'));)
        *p = ';';
    (void)tap_str(got, want, what);
    free(what);
    free(got);
    joblist_free(&jobs);
    errlist_free(&errors);
    free(file);
}

static void test_refused(void)
{
#define NOT(text)                                                                                  \
    "t:2:8: 'array' is to be a range of indices, as 0-99 or 1,3,5-7%2, or a list of items, not "   \
    "'" text "'"
    refuses("array: 9-1", NOT("9-1"));
    refuses("array: 0-", NOT("0-"));
    refuses("array: 1,,2", NOT("1,,2"));
    refuses("array: 0-9%0", NOT("0-9%0"));
    refuses("array: 0-9%", NOT("0-9%"));
    refuses("array: 01-09", NOT("01-09"));
    refuses("array: -1", NOT("-1"));
    refuses("array: 1000000000", NOT("1000000000"));
    refuses("array: 99999999999999999999", NOT("99999999999999999999"));
    refuses("array: {items: [a]}",
            "t:2:8: 'array' is to be a range of indices, as 0-99 or 1,3,5-7%2, or a list of items, "
            "not a map");
    refuses("array: []", "t:2:8: 'array' is an empty list: take it out");
    refuses("array: [a, ~]", "t:2:12: 'array' has an empty item");
    refuses("array: [[a]]", "t:2:9: 'array' is to be a list of texts, not a list");
    refuses("array: 0-1000000", "t:2:8: 'array' has more than 1000000 elements");
    refuses("array: 0-999999999,0-999999999", "t:2:8: 'array' has more than 1000000 elements\n"
                                              "t:2:8: 'array' has the index 0 twice");
    refuses("array: 5-9,1,7", "t:2:8: 'array' has the index 7 twice");
    refuses("array: 0-9%2\nat_once: 3", "t:3:10: 'at_once' is in 'array' already, behind its %");
    refuses("array: 0-9\nmatrix: {a: [1]}", "t:3:9: 'array' and 'matrix': write one of them");
    refuses("array: 0-9\nwhere: {count: 2, each: no}",
            "t:2:8: 'array' and 'where.count': a run for each host is no array, write one of them");
    refuses("matrix: {}", "t:2:9: 'matrix' is empty: take it out");
    refuses("matrix: {a: []}", "t:2:13: 'a' is an empty list: take it out");
    refuses("matrix: {a: }", "t:2:13: 'a' has no value");
    refuses("matrix: {a-b: [1]}", "t:2:10: 'a-b' is no name of a variable: letters, digits and _");
    refuses("matrix: [a]",
            "t:2:9: 'matrix' is to be a map of keys, each with a list of values, not a list");
    refuses("stop_after: 0",
            "t:2:13: 'stop_after' is to be a whole number from 1 to 1000000, not '0'");
    refuses("placeholder: \"'\"", "t:2:14: 'placeholder' is to be a short text without quotes, \\ "
                                  "and #, as \"{}\", not the quoted text '''");
    refuses("parameters: [day]",
            "t:2:13: 'parameters' is to be a map of names and defaults, not a list");
    refuses("parameters: {day-1: x}",
            "t:2:14: 'day-1' is no name of a variable: letters, digits and _");
    refuses("parameters: {day: [x]}", "t:2:19: the default of 'day' is to be a text, or nothing");
}

/* Counted, and not made: ten values of a hundred keys are 10^100 elements. */
static void test_large(void)
{
    struct buf matrix = {0};
    buf_addstr(&matrix, "matrix: {");
    for (int i = 0; i < 100; i++)
        buf_addf(&matrix, "%sk%d: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]", i ? ", " : "", i);
    buf_addstr(&matrix, "}");
    refuses(buf_str(&matrix), "t:2:9: 'matrix' has more than 1000000 elements");
    buf_free(&matrix);
}

/* As refuses, without the keys as the name of the test. Takes them. */
static void refuses_long(char *keys, const char *want)
{
    struct joblist jobs;
    struct errlist errors = {0};
    char *file = xasprintf("shell: x\n%s\n", keys);
    (void)jobfile_parse("t", file, strlen(file), &jobs, &errors);
    char *got = lines(&errors);
    (void)tap_str(got, want, "items that are too long are refused");
    free(got);
    free(file);
    free(keys);
    joblist_free(&jobs);
    errlist_free(&errors);
}

static void test_long(void)
{
    refuses_long(xasprintf("array: ['%065537d']", 0), "t:2:8: 'array' has an element over 64 KiB");
    refuses_long(xasprintf("matrix: {a: ['%065536d'], b: [1, 2]}", 0),
                 "t:2:9: 'matrix' has an element over 64 KiB");
    struct buf matrix = {0};
    buf_addf(&matrix, "matrix: {a: ['%060000d'], b: [0", 0);
    for (int i = 1; i < 1200; i++)
        buf_addf(&matrix, ", %d", i);
    buf_addstr(&matrix, "]}");
    refuses_long(buf_detach(&matrix), "t:2:9: 'matrix' has elements of over 64 MiB in all");
}

int main(void)
{
    test_written();
    test_refused();
    test_large();
    test_long();
    return tap_done();
}
