#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "hostrange.h"
#include "tap.h"
#include "xalloc.h"

static void expands(const char *text, const char *want)
{
    struct strlist names = {0};
    struct buf got = {0};
    struct err err = {0};
    if (hostrange_expand(text, &names, &err) < 0)
        buf_addstr(&got, err.msg);
    for (size_t i = 0; i < names.n; i++)
        buf_addf(&got, "%s%s", i ? " " : "", names.v[i]);
    (void)tap_str(buf_str(&got), want, text);
    buf_free(&got);
    strlist_free(&names);
}

static void refuses(const char *text, const char *want)
{
    struct strlist names = {0};
    struct err err = {0};
    int rc = hostrange_expand(text, &names, &err);
    (void)tap_ok(rc == ERR_DATA && names.n == 0 && strstr(err.msg, want), "refuses %.40s: %s", text,
                 err.msg);
    strlist_free(&names);
}

static void test_limits(void)
{
    struct strlist names = {0};
    (void)tap_int(hostrange_expand("n[1-100000]", &names, NULL), 0, "100,000 names are accepted");
    (void)tap_int((long long)names.n, 100000, "and all of them are there");
    (void)tap_str(names.v[99999], "n100000", "in order");
    (void)tap_ok(names.v[100000] == NULL, "and the list ends with NULL");
    (void)tap_int(hostrange_expand("more", &names, NULL), ERR_DATA,
                  "one more than 100,000 is refused, those of the list counted");
    strlist_free(&names);

    char *text = xmalloc(301);
    memset(text, 'a', 300);
    text[300] = '\0';
    refuses(text, "longer than 255 bytes");
    free(text);

    struct buf many = {0};
    buf_addstr(&many, "n[0-999999999");
    for (int i = 0; i < 50000; i++)
        buf_addstr(&many, ",0-999999999");
    buf_addstr(&many, "]");
    refuses(buf_str(&many), "over 100000 names");
    buf_free(&many);
}

int main(void)
{
    expands("web1", "web1");
    expands("web1,db[1-4,7],x", "web1 db1 db2 db3 db4 db7 x");
    expands("n[08-11]", "n08 n09 n10 n11");
    expands("n[098-101]", "n098 n099 n100 n101");
    expands("n[0-2]", "n0 n1 n2");
    expands("n[00]", "n00");
    expands("n[8-11]", "n8 n9 n10 n11");
    expands("rack[1-2]n[1-3]", "rack1n1 rack1n2 rack1n3 rack2n1 rack2n2 rack2n3");
    expands("[1-2].example.org", "1.example.org 2.example.org");
    expands("10.0.0.[1-3]", "10.0.0.1 10.0.0.2 10.0.0.3");
    expands("a,b,a,b[1-2],b2", "a b b1 b2");
    expands(" a, b[1-2],\tc", "a b1 b2 c");
    refuses("", "empty name");
    refuses("a,", "empty name");
    refuses("a,,b", "empty name");
    refuses("db[1-4", "no ]");
    refuses("db[", "between [ and ]");
    refuses("db[]", "between [ and ]");
    refuses("db[1-]", "between [ and ]");
    refuses("db[-4]", "between [ and ]");
    refuses("db[1,]", "between [ and ]");
    refuses("db[a-b]", "between [ and ]");
    refuses("db[1-4x]", "between [ and ]");
    refuses("db1]", "no [");
    refuses("db[4-1]", "4-1 runs backwards");
    refuses("db[1-010]", "1-010 are not of one width");
    refuses("two words", "blank");
    refuses("db[1-9999999999]", "between [ and ]");
    refuses("db[1-100001]", "over 100000 names");
    refuses("a[1-1000]b[1-1000]", "over 100000 names");
    refuses("a[1-99999],b[1-99999]", "over 100000 names");
    refuses("[1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9][1-9]", "over 100000");
    test_limits();
    return tap_done();
}
