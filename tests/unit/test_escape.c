#include <string.h>

#include "buf.h"
#include "escape.h"
#include "tap.h"

static void terminal(const char *p, size_t len, bool keep_lines, const char *want, const char *what)
{
    struct buf out = {0};
    escape_terminal(&out, p, len, keep_lines);
    (void)tap_str(buf_str(&out), want, what);
    buf_free(&out);
}

static void json(const char *p, size_t len, const char *want, const char *what)
{
    struct buf out = {0};
    escape_json(&out, p, len);
    (void)tap_str(buf_str(&out), want, what);
    buf_free(&out);
}

static void tsv(const char *s, const char *want, const char *what)
{
    struct buf out = {0};
    escape_tsv(&out, s);
    (void)tap_str(buf_str(&out), want, what);
    buf_free(&out);
}

#define BYTES(literal) literal, sizeof(literal) - 1

int main(void)
{
    terminal(BYTES("plain ä € 😀"), false, "plain ä € 😀", "UTF-8 goes to a terminal as it is");
    terminal(BYTES("a\x1b[2Jb\x7f\r"), false, "a\\x1b[2Jb\\x7f\\x0d", "controls do not");
    terminal(BYTES("a\n\tb"), false, "a\\x0a\\x09b", "line ends are escaped");
    terminal(BYTES("a\n\tb\r"), true, "a\n\tb\\x0d", "unless they are kept");
    terminal(BYTES("\xc2\x9b"
                   "2J"),
             false, "\\xc2\\x9b2J", "C1 controls in UTF-8 are escaped");
    terminal(BYTES("\x9b"
                   "2J"),
             false, "\\x9b2J", "and as bytes");
    terminal(BYTES("\xc0\x80 \xe0\x80\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \xf0\x80\x80\x80"), false,
             "\\xc0\\x80 \\xe0\\x80\\x80 \\xed\\xa0\\x80 \\xf5\\x80\\x80\\x80 \\xf0\\x80\\x80\\x80",
             "overlong characters, surrogates and what is beyond Unicode are bytes");
    terminal(BYTES("\xe2\x82"), false, "\\xe2\\x82", "a cut character is not read past its end");
    terminal(BYTES("a\0b"), false, "a\\x00b", "NUL is escaped");
    tsv("a\tb\nc\rd\\e", "a\\tb\\nc\\rd\\\\e",
        "a TSV field holds no tab, line end or bare backslash");
    tsv("\x1b[31m", "\\x1b[31m", "nor controls");
    tsv("", "", "an empty field");
    json(BYTES("a\"b\\c\n\t\x01"), "\"a\\\"b\\\\c\\n\\u0009\\u0001\"", "JSON escapes");
    json(BYTES("\x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf\xef\xbf\xbf"),
         "\"\\u007f\\u0085\\u2028\\ufeff\\uffff\"", "JSON escapes what YAML would fold or refuse");
    json(BYTES("ä€😀"), "\"ä€😀\"", "other characters stand in JSON as they are");
    json(BYTES("\xff"
               "a\xe2\x82"),
         "\"\\ufffda\\ufffd\\ufffd\"", "bytes that are not UTF-8 are replaced");
    json(BYTES("a\0b"), "\"a\\u0000b\"", "NUL in JSON");
    (void)tap_ok(escape_is_utf8(BYTES("ä€😀")) && escape_is_utf8("", 0), "UTF-8 is recognised");
    (void)tap_ok(!escape_is_utf8(BYTES("a\xff")) && !escape_is_utf8(BYTES("\xe2\x82")),
                 "and what is none");
    return tap_done();
}
