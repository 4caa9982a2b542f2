#include "cron_quartz.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"

enum { FIELDS_MOST = 7, WEEKDAY = 5 };

struct span {
    const char *p;
    size_t len;
};

static int split(const char *text, struct span spans[FIELDS_MOST])
{
    int n = 0;
    for (text += strspn(text, " \t"); *text && n <= FIELDS_MOST; n++) {
        size_t len = strcspn(text, " \t");
        if (n < FIELDS_MOST)
            spans[n] = (struct span){text, len};
        text += len;
        text += strspn(text, " \t");
    }
    return n;
}

static bool is_question(struct span span)
{
    return span.len == 1 && *span.p == '?';
}

/* A number of theirs, which is moved over; `before` is the character before it. */
static void convert_number(struct buf *out, int field, char before, const char **p, const char *end)
{
    static const int most[] = {59, 59, 23, 31, 12, 6};
    const char *from = *p;
    while (*p < end && isdigit((unsigned char)**p))
        (*p)++;
    if (field == WEEKDAY && *p - from == 1 && *from > '0' && before != '#' && before != '/')
        buf_addf(out, "%c", *from - 1);
    else
        buf_add(out, from, (size_t)(*p - from));
    if (*p < end && **p == '/' && before != '-')
        buf_addf(out, "-%d", most[field]);
}

static void convert(struct buf *out, int field, struct span span)
{
    const char *p = span.p, *end = p + span.len;
    char before = 0;
    if (is_question(span)) {
        buf_addch(out, '*');
    } else if (field == WEEKDAY && span.len == 1 && toupper((unsigned char)*p) == 'L') {
        buf_addch(out, '6'); /* their L alone is each Saturday */
    } else {
        while (p < end) {
            if (isdigit((unsigned char)*p))
                convert_number(out, field, before, &p, end);
            else
                buf_addch(out, *p++);
            before = p[-1];
        }
    }
}

bool cron_from_quartz(const char *text, char mend[CRON_QUARTZ_TEXT])
{
    struct span spans[FIELDS_MOST];
    struct buf out = {0};
    int n = split(text, spans);
    if (n < 6 || n > FIELDS_MOST)
        return false;
    /* ? stands in a day field: the place tells whether seconds or minutes come first */
    bool minutes_first = n == 6 && (is_question(spans[2]) || is_question(spans[4]));
    for (int i = 0; i < (minutes_first ? 5 : 6); i++) {
        if (i)
            buf_addch(&out, ' ');
        convert(&out, minutes_first ? i + 1 : i, spans[i]);
    }
    /* a ? within a field is nobody's */
    bool fits = out.len < CRON_QUARTZ_TEXT && !memchr(buf_data(&out), '?', out.len);
    if (fits)
        (void)snprintf(mend, CRON_QUARTZ_TEXT, "%s", buf_str(&out));
    buf_free(&out);
    return fits;
}
