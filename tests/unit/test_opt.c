/* opt: how a command line is read. */
#include "opt.h"

#include "log.h"
#include "strlist.h"
#include "tap.h"

enum { ARGS = 12 };

struct got {
    bool flag;
    int count;
    const char *text;
    int64_t number;
    struct strlist list;
    int first, dashdash, argc;
    char *argv[ARGS];
    struct err err;
};

/* Reads the words (ended by NULL) by a table with one option of each kind. */
static void read_words(struct got *got, ...)
{
    const struct option_row rows[] = {
        {'f', "flag", OPT_FLAG, &got->flag},
        {'c', "count", OPT_COUNT, &got->count},
        {'t', "text", OPT_STRING, &got->text},
        {'n', "number", OPT_INT, &got->number},
        {0, "list", OPT_LIST, &got->list},
        {0, "text-file", OPT_STRING, &got->text},
        {0},
    };
    va_list ap;
    static char name[] = "test";
    *got = (struct got){.argc = 1, .argv = {name}};
    va_start(ap, got);
    while (got->argc < ARGS - 1 && (got->argv[got->argc] = va_arg(ap, char *)))
        got->argc++;
    va_end(ap);
    got->first = opt_parse(got->argc, got->argv, rows, "test [-f]\n", &got->dashdash, &got->err);
}

static void test_forms(void)
{
    struct got got;
    read_words(&got, "--text", "a", "--number=-7", "-f", NULL);
    tap_str(got.text, "a", "a value in the next word");
    tap_int(got.number, -7, "a value behind =");
    tap_ok(got.flag, "a flag");
    tap_int(got.first, got.argc, "no operands");
    tap_int(got.dashdash, got.argc, "no --");
    read_words(&got, "-fcct", "a", "-n5", NULL);
    tap_ok(got.flag && got.count == 2 && got.number == 5, "letters are bundled, values attached");
    tap_str(got.text, "a", "the last of the bundle takes the next word");
    read_words(&got, "--list", "a", "--list=b", NULL);
    tap_ok(got.list.n == 2 && strcmp(got.list.v[1], "b") == 0, "a list grows");
    strlist_free(&got.list);
    read_words(&got, "--num", "3", NULL);
    tap_int(got.number, 3, "an unambiguous beginning is enough");
    read_words(&got, "--text", "exact", NULL);
    tap_str(got.text, "exact", "a whole name wins over a longer one that begins with it");
    read_words(&got, "--text=", NULL);
    tap_str(got.text, "", "a value may be empty");
}

static void test_operands(void)
{
    struct got got;
    read_words(&got, "one", "-f", "-", "--", "-c", "--", "two", NULL);
    tap_int(got.argc - got.first, 5, "operands between options are collected");
    tap_str(got.argv[got.first], "one", "in their order");
    tap_str(got.argv[got.first + 1], "-", "a dash alone is an operand");
    tap_str(got.argv[got.first + 2], "-c", "behind -- nothing is an option");
    tap_str(got.argv[got.first + 3], "--", "not even another --");
    tap_int(got.dashdash, got.first + 2, "where the operands behind -- begin is known");
    tap_ok(got.flag && got.count == 0, "options before it are read");
}

static void test_errors(void)
{
    struct got got;
    read_words(&got, "--numbr", "3", NULL);
    tap_int(got.first, ERR_USAGE, "an unknown option is an error of usage");
    tap_str(got.err.msg, "unknown option '--numbr' (did you mean '--number'?)",
            "the near one is named");
    read_words(&got, "--te", "3", NULL);
    tap_str(got.err.msg, "option '--te' may be '--text' or '--text-file'",
            "an ambiguous beginning");
    read_words(&got, "-x", NULL);
    tap_int(got.first, ERR_USAGE, "an unknown letter");
    read_words(&got, "--number", "3x", NULL);
    tap_str(got.err.msg, "--number wants a whole number, not '3x'", "a number that is none");
    read_words(&got, "--number", "99999999999999999999", NULL);
    tap_int(got.first, ERR_USAGE, "a number that is too large");
    read_words(&got, "--text", NULL);
    tap_str(got.err.msg, "--text wants a value", "a missing value");
    read_words(&got, "--flag=yes", NULL);
    tap_str(got.err.msg, "--flag takes no value", "a value too many");
}

static void test_level(void)
{
    struct got got;
    read_words(&got, "-q", NULL);
    tap_int(log_level(), LOG_ERROR, "-q keeps errors only");
    read_words(&got, "-v", NULL);
    tap_int(log_level(), LOG_INFO, "-v says more");
    read_words(&got, "-vv", NULL);
    tap_int(log_level(), LOG_DEBUG, "-vv says all");
    read_words(&got, NULL);
    tap_int(log_level(), LOG_WARN, "warnings are shown by default");
}

int main(void)
{
    test_forms();
    test_operands();
    test_errors();
    test_level();
    return tap_done();
}
