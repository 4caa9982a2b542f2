#include "monitor/exposition.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "escape.h"

void exposition_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_escaped(struct buf *out, char c)
{
    if (c == '\n')
        buf_addstr(out, "\\n");
    else if (c == '"' || c == '\\')
        buf_addf(out, "\\%c", c);
    else
        buf_addch(out, c);
}

/* The length of the UTF-8 character at p; 0: it is none. */
static size_t character(const char *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (escape_is_utf8(p, n))
            return n;
    return 0;
}

void exposition_escape(struct buf *out, const char *value)
{
    size_t left = strlen(value);
    while (left) {
        size_t n = character(value, left);
        if (n == 1)
            put_escaped(out, *value);
        else if (n)
            buf_add(out, value, n);
        else
            buf_addstr(out, "\xEF\xBF\xBD");
        n = n ? n : 1;
        value += n;
        left -= n;
    }
}

static void put_labels(struct buf *out, va_list ap)
{
    char before = '{';
    const char *name;
    while ((name = va_arg(ap, const char *))) {
        buf_addf(out, "%c%s=\"", before, name);
        exposition_escape(out, va_arg(ap, const char *));
        buf_addch(out, '"');
        before = ',';
    }
    if (before == ',')
        buf_addch(out, '}');
}

void exposition_sample(struct buf *out, const char *name, double value, ...)
{
    static const double exact = 9007199254740992.0; /* 2^53 */
    va_list ap;
    buf_addstr(out, name);
    va_start(ap, value);
    put_labels(out, ap);
    va_end(ap);
    if (floor(value) == value && fabs(value) < exact)
        buf_addf(out, " %.0f\n", value);
    else
        buf_addf(out, " %.6f\n", value);
}
