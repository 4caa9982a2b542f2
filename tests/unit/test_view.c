/* view: the forms of output. */
#include "view.h"

#include <stdlib.h>

#include "tap.h"

struct record {
    int64_t id;
    const char *name, *words;
    int64_t at, ms;
};

static struct view_value id(const void *p)
{
    return view_int(((const struct record *)p)->id);
}

static struct view_value name(const void *p)
{
    struct view_value value = view_text(((const struct record *)p)->name);
    value.mood = VIEW_BAD;
    return value;
}

static struct view_value words(const void *p)
{
    return view_list(((const struct record *)p)->words);
}

static struct view_value at(const void *p)
{
    return view_time(((const struct record *)p)->at);
}

static struct view_value took(const void *p)
{
    return view_seconds(((const struct record *)p)->ms);
}

static const struct view_column columns[] = {
    {"id", "ID", true, true, true, false, id, VIEW_IS(INT)},
    {"name", "NAME", true, true, false, false, name, VIEW_IS(TEXT)},
    {"words", "WORDS", false, true, false, false, words, VIEW_MAYBE(LIST)},
    {"at", "AT", false, false, false, false, at, VIEW_MAYBE(TIME)},
    {"took", "TOOK", false, false, true, false, took, VIEW_IS(SECONDS)},
    {"shown", "SHOWN", true, true, false, true, name, VIEW_IS(TEXT)},
};
static const struct view_record kind = VIEW_RECORD("thing", 3, columns);

static const struct record records[] = {
    {1, "plain", "a,b", 1700000000123, 1500},
    {22, "tab\there \"q\" \033[1m\n\xff", "", 0, -250},
};

/* What a form makes of the first n records; free. */
static char *show(const char *form, const char *format, size_t n)
{
    char *text = NULL;
    size_t len = 0;
    struct view *view = NULL;
    struct err err = {0};
    FILE *out = open_memstream(&text, &len);
    if (view_new(&view, &kind, form, VIEW_TABLE, format, out, &err) < 0)
        (void)fprintf(out, "%d %s", err.code, err.msg);
    for (size_t i = 0; view && i < n; i++)
        (void)view_add(view, &records[i]);
    (void)view_end(view, &err);
    (void)fclose(out);
    return text;
}

static void expect(const char *form, const char *format, size_t n, const char *want,
                   const char *what)
{
    char *got = show(form, format, n);
    tap_str(got, want, what);
    free(got);
}

static void test_machine(void)
{
    expect("id", NULL, 2, "1\n22\n", "id: one a line");
    expect("json", NULL, 1,
           "{\"id\":1,\"name\":\"plain\",\"words\":[\"a\",\"b\"],"
           "\"at\":\"2023-11-14T22:13:20.123Z\",\"took\":1.500}\n",
           "json: one object a line, without what is for tables only");
    char *text = show("json", NULL, 2);
    const char *second = strchr(text, '\n') + 1;
    tap_str(second,
            "{\"id\":22,\"name\":\"tab\\u0009here \\\"q\\\" \\u001b[1m\\n\\ufffd\",\"words\":[],"
            "\"at\":null,\"took\":-0.250}\n",
            "json: untrusted text is escaped, what is absent is null");
    free(text);
    expect("tsv", NULL, 2,
           "id\tname\twords\tat\ttook\n1\tplain\ta,b\t2023-11-14T22:13:20.123Z\t1.500\n"
           "22\ttab\\there \"q\" \\x1b[1m\\n\\xff\t\t\t-0.250\n",
           "tsv: a header, as many fields in every line, escaped");
    expect("tsv", NULL, 0, "id\tname\twords\tat\ttook\n", "tsv: a header even of nothing");
    expect("json", NULL, 0, "", "json: nothing of nothing");
}

static void test_format(void)
{
    expect(NULL, "{id}:{at}\\t{{x}}\\\\", 2, "1:2023-11-14T22:13:20.123Z\t{x}\\\n22:\t{x}\\\n",
           "--format: fields, braces and escapes");
    expect("json", "{name}", 1, "plain\n", "--format wins over -o");
    expect(NULL, "{nam}", 1, "-64 --format: unknown field 'nam' (did you mean 'name'?)",
           "--format: a field that does not exist");
    expect(NULL, "{shown}", 1, "-64 --format: unknown field 'shown' (-o json shows them all)",
           "--format: not what is for tables only");
    expect(NULL, "{id", 1, "-64 --format: '{' without '}' (write '{{' for a brace)",
           "--format: a brace that stays open");
    expect(NULL, "id}", 1, "-64 --format: '}' without '{' (write '}}' for a brace)",
           "--format: a brace that was never open");
    expect("jsno", NULL, 1, "-64 unknown form 'jsno' (did you mean 'json'?)",
           "-o: an unknown form");
}

static void test_table(void)
{
    expect(NULL, NULL, 1, "ID  NAME   SHOWN\n 1  plain  plain\n",
           "table: columns fit, numbers to the right, no blanks at the end, no colour in a file");
    expect("wide", NULL, 1, "ID  NAME   WORDS  SHOWN\n 1  plain  a,b    plain\n",
           "wide: more of them");
    expect(NULL, NULL, 0, "", "table: no titles over nothing");
    char *text = show(NULL, NULL, 2);
    tap_ok(!strchr(text, '\033') && !strchr(text, '\t') && strstr(text, "\\x1b[1m\\x0a\\xff"),
           "table: untrusted text cannot reach the terminal");
    free(text);
}

static void test_closed(void)
{
    struct view *view = NULL;
    struct err err = {0};
    FILE *full = fopen("/dev/full", "w");
    (void)view_new(&view, &kind, "id", VIEW_ID, NULL, full, &err);
    (void)view_add(view, &records[0]);
    tap_int(view_end(view, &err), ERR_IO, "a full disk is an error");
    (void)fclose(full);
}

int main(void)
{
    test_machine();
    test_format();
    test_table();
    test_closed();
    return tap_done();
}
