#include "hostrange.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

/*
 * A term ("rack[1-2]n[01-04,9]") is read twice: count_term checks it and says how many names it
 * makes, so that the bound holds before anything is allocated; expand_term then trusts it.
 */

enum { DIGITS_MAX = 9, TERM_MAX = 255 };

static const char bad_bracket[] = "between [ and ] stand numbers and ranges, as in [1-4,7]";

static int too_many(struct err *err)
{
    return err_set(err, ERR_DATA, "makes over %d names", HOSTRANGE_MAX);
}

/* One range of a bracket: "7", "1-4", "01-16". */
struct range {
    uint32_t low, high;
    int width; /* digits at least, for leading zeros */
};

/* A number of at most DIGITS_MAX digits at *p, moved on; the count of its digits, 0 when there is none. */
static int number(const char **p, uint32_t *value)
{
    int len = 0;
    *value = 0;
    for (; isdigit((unsigned char)**p) && len <= DIGITS_MAX; len++, (*p)++)
        *value = *value * 10 + (uint32_t)(**p - '0');
    return len > DIGITS_MAX ? 0 : len;
}

/* The range at *p, moved on. */
static int read_range(const char **p, struct range *range, struct err *err)
{
    const char *start = *p;
    int low = number(p, &range->low), high = low;
    range->high = range->low;
    if (low && **p == '-') {
        (*p)++;
        high = number(p, &range->high);
    }
    range->width = low > 1 && *start == '0' ? low : 1;
    if (!low || !high)
        return err_set(err, ERR_DATA, "%s", bad_bracket);
    int len = (int)(*p - start);
    if (range->high < range->low)
        return err_set(err, ERR_DATA, "the range %.*s runs backwards", len, start);
    if (high > 1 && (*p)[-high] == '0' && high != low)
        return err_set(err, ERR_DATA, "the ends of %.*s are not of one width", len, start);
    return 0;
}

/* Moves past one bracket, *p at its '['; *names is how many numbers it holds. */
static int count_bracket(const char **p, uint64_t *names, struct err *err)
{
    *names = 0;
    do {
        struct range range;
        (*p)++;
        int rc = read_range(p, &range, err);
        if (rc < 0)
            return rc;
        *names += range.high - range.low + 1;
        if (*names > HOSTRANGE_MAX)
            return too_many(err);
    } while (**p == ',');
    if (**p != ']')
        return err_set(err, ERR_DATA, "%s", **p ? bad_bracket : "a [ has no ]");
    (*p)++;
    return 0;
}

/* Checks the term at *p and moves to its end (',' or the end of the text). */
static int count_term(const char **p, uint64_t *names, struct err *err)
{
    const char *start = *p;
    *names = 1;
    while (**p && **p != ',') {
        uint64_t more = 1;
        if (**p == ']' || isspace((unsigned char)**p))
            return err_set(err, ERR_DATA, **p == ']' ? "a ] has no [" : "a name holds a blank");
        if (**p == '[') {
            int rc = count_bracket(p, &more, err);
            if (rc < 0)
                return rc;
        } else {
            (*p)++;
        }
        *names *= more; /* both are at most HOSTRANGE_MAX: no overflow */
        if (*names > HOSTRANGE_MAX)
            return too_many(err);
        if (*p - start > TERM_MAX)
            return err_set(err, ERR_DATA, "a name is longer than %d bytes", TERM_MAX);
    }
    return *p == start ? err_set(err, ERR_DATA, "an empty name") : 0;
}

/* Appends the names of what is left of a checked term, each beginning with `name`. */
static void expand_term(const char *p, const char *end, struct buf *name, struct strlist *names)
{
    size_t plain = 0;
    while (p + plain < end && p[plain] != '[')
        plain++;
    size_t before = name->len;
    buf_add(name, p, plain);
    p += plain;
    if (p == end) {
        strlist_take(names, xstrndup(buf_data(name), name->len));
        buf_truncate(name, before);
        return;
    }
    const char *rest = strchr(p, ']') + 1;
    do {
        struct range range;
        p++;
        (void)read_range(&p, &range, NULL);
        for (uint32_t i = range.low; i <= range.high; i++) {
            size_t stem = name->len;
            buf_addf(name, "%0*u", range.width, i);
            expand_term(rest, end, name, names);
            buf_truncate(name, stem);
        }
    } while (*p == ',');
    buf_truncate(name, before);
}

/* ---- without duplicates ---- */

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619U;
    return h;
}

/* Drops the names that stand earlier in the list already. A hash set: 100,000 names compared with
 * each other would take minutes. */
static void drop_duplicates(struct strlist *names)
{
    size_t size = 16, kept = 0;
    while (size < names->n * 2)
        size *= 2;
    const char **set = xcalloc(size, sizeof *set);
    for (size_t i = 0; i < names->n; i++) {
        char *name = names->v[i];
        size_t at = hash(name) & (size - 1);
        while (set[at] && strcmp(set[at], name) != 0)
            at = (at + 1) & (size - 1);
        if (set[at]) {
            free(name);
        } else {
            set[at] = name;
            names->v[kept++] = name;
        }
    }
    if (names->n)
        names->v[kept] = NULL;
    names->n = kept;
    free(set);
}

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

int hostrange_expand(const char *text, struct strlist *names, struct err *err)
{
    uint64_t total = names->n;
    const char *p = skip_blanks(text);
    for (;;) {
        uint64_t more;
        int rc = count_term(&p, &more, err);
        total += more;
        if (rc == 0 && total > HOSTRANGE_MAX)
            rc = too_many(err);
        if (rc < 0)
            return rc;
        if (!*p)
            break;
        p = skip_blanks(p + 1);
    }
    struct buf name = {0};
    for (p = skip_blanks(text);; p = skip_blanks(p + 1)) {
        const char *end = p;
        uint64_t ignored;
        (void)count_term(&end, &ignored, NULL);
        expand_term(p, end, &name, names);
        p = end;
        if (!*p)
            break;
    }
    buf_free(&name);
    drop_duplicates(names);
    return 0;
}
