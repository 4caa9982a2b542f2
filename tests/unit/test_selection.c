/* selection: which runs words and lines name. */
#include "selection.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "xalloc.h"

/* The ids of a stream with this text as "1 2 3", or the message; free. */
static char *read_text(const char *text)
{
    struct selection selection = {0};
    struct err err = {0};
    struct buf out = {0};
    char *copy = xstrdup(text);
    FILE *in = fmemopen(copy, strlen(copy), "r");
    static char dash[] = "-";
    char *args[] = {dash};
    if (selection_read(&selection, args, 1, in, NULL, &err) < 0)
        buf_addf(&out, "%d %s", err.code, err.msg);
    else
        for (size_t i = 0; i < selection.n; i++)
            buf_addf(&out, "%s%lld", i ? " " : "", (long long)selection.ids[i]);
    (void)fclose(in);
    free(copy);
    selection_free(&selection);
    return buf_detach(&out);
}

static void expect(const char *text, const char *want, const char *what)
{
    char *got = read_text(text);
    tap_str(got, want, what);
    free(got);
}

static void test_stream(void)
{
    expect("3\n1\n2\n", "3 1 2", "ids keep the order they came in");
    expect("ID  JOB\n 7  nightly\n", "7", "the first word of a table's lines, without its header");
    expect("id\tjob\n7\tnightly\n", "7", "of TSV likewise");
    expect("\n  \n5\n", "5", "empty lines are nothing");
    expect("5\n5\n4\n5\n", "5 4", "each run once");
    expect("12", "12", "a last line without an end");
    expect("\n", "", "nothing selects nothing");
    expect("1\nweb1 2\n", "-64 standard input:2: 'web1' is no run's id",
           "what is no id, and where");
    expect("0\n", "-64 standard input:1: '0' is no run's id", "no run is called 0");
    expect("99999999999999999999\n", "-64 standard input:1: '99999999999999999999' is no run's id",
           "no id is that large");
}

static void test_words(void)
{
    struct selection selection = {0};
    struct err err = {0};
    static char four[] = "4", minus[] = "-4", name[] = "nightly";
    char *good[] = {four, four}, *bad[] = {minus}, *worse[] = {name};
    tap_int(selection_read(&selection, good, 2, stdin, NULL, &err), 0, "ids as arguments");
    tap_ok(selection.n == 1 && selection.ids[0] == 4 && !selection.from_stdin,
           "standard input is not touched for them");
    tap_int(selection_read(&selection, bad, 1, stdin, NULL, &err), ERR_USAGE, "no negative ids");
    tap_int(selection_read(&selection, worse, 1, stdin, NULL, &err), ERR_USAGE, "no names");
    const char *others[] = {"4,", ",4", "4-", "9-3", "3-9-12", "4,x", "0-3", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *word = xstrdup(others[i]), *words[] = {word};
        tap_int(selection_read(&selection, words, 1, stdin, NULL, &err), ERR_USAGE, word);
        free(word);
    }
    selection_free(&selection);
}

static void test_narrowing(void)
{
    struct run_query query = {0};
    struct err err = {0};
    struct narrowing narrowing = {.states = "failed,lost", .since = "-1h"};
    tap_int(narrowing_read(&narrowing, 7200000, &query, &err), 0, "states and times are read");
    tap_ok(query.states == (1U << RUN_FAILED | 1U << RUN_LOST) && query.since == 3600000,
           "into the query");
    query = (struct run_query){0};
    narrowing = (struct narrowing){.states = "open"};
    (void)narrowing_read(&narrowing, 0, &query, &err);
    tap_ok(query.states == selection_states(false) && query.states & 1U << RUN_HELD &&
               !(query.states & selection_states(true)),
           "open is every state that is not over");
    narrowing.states = "faled";
    tap_int(narrowing_read(&narrowing, 0, &query, &err), ERR_USAGE, "an unknown state");
    tap_str(err.msg, "unknown state 'faled' (did you mean 'failed'?)", "names the near one");
    narrowing = (struct narrowing){.until = "someday"};
    tap_int(narrowing_read(&narrowing, 0, &query, &err), ERR_USAGE, "what is no time");
    tap_str(err.place, "--until", "with the option");
}

int main(void)
{
    test_stream();
    test_words();
    test_narrowing();
    return tap_done();
}
