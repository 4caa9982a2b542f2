#include "cron_field.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "escape.h"

enum { DIGITS_MOST = 4, QUOTE_MOST = 40 /* bytes of the expression in a message */ };

struct field {
    const char *noun;
    const char *names; /* three letters each, from the value `first` on */
    int first;
    int min, max;
    int star_max; /* of *: Sunday is 0 and 7, but once */
    int hash_max; /* of H: a day that all months have */
    char unit;    /* for `every:`; 0: none is so long */
};

static const struct field fields[CRON_FIELDS] = {
    {"second", "", 0, 0, 59, 59, 59, 's'},
    {"minute", "", 0, 0, 59, 59, 59, 'm'},
    {"hour", "", 0, 0, 23, 23, 23, 'h'},
    {"day of the month", "", 0, 1, 31, 31, 28, 'd'},
    {"month", "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1, 1, 12, 12, 12, 0},
    {"weekday", "SUNMONTUEWEDTHUFRISAT", 0, 0, 7, 6, 6, 'd'},
};

int cron_refuse(const struct cron_reader *r, const char *at, const char *fmt, ...)
{
    char reason[500];
    struct buf message = {0};
    size_t len = (size_t)(r->end - r->item);
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    buf_addf(&message, "column %d: %s%s'", (int)(at - r->text) + 1, r->field ? r->field->noun : "",
             r->field ? " " : "");
    escape_terminal(&message, r->item, len < QUOTE_MOST ? len : QUOTE_MOST, false);
    buf_addstr(&message, len > QUOTE_MOST ? "…' " : "' ");
    escape_terminal(&message, reason, strlen(reason), false);
    (void)err_set(r->err, ERR_DATA, "%s", buf_str(&message));
    buf_free(&message);
    return ERR_DATA;
}

static bool at_end(const struct cron_reader *r)
{
    return r->p >= r->end;
}

/* Whether the next character of the item is this one (a letter in either case); moves over it. */
static bool take(struct cron_reader *r, char c)
{
    if (at_end(r) || toupper((unsigned char)*r->p) != c)
        return false;
    r->p++;
    return true;
}

static int count_while(const struct cron_reader *r, int (*is)(int))
{
    int n = 0;
    while (r->p + n < r->end && is((unsigned char)r->p[n]))
        n++;
    return n;
}

static void add_range(struct cron_reader *r, int low, int high, int step)
{
    for (int n = low; n <= high; n += step)
        *r->bits |= UINT64_C(1) << n;
}

/* ---- numbers and names ---- */

static int read_number(struct cron_reader *r, const char *what, int *value)
{
    int digits = count_while(r, isdigit);
    *value = 0;
    if (!digits)
        return cron_refuse(r, r->p, "lacks %s", what);
    if (digits > DIGITS_MOST)
        return cron_refuse(r, r->p, "has a number of %d digits", digits);
    while (digits--)
        *value = *value * 10 + (*r->p++ - '0');
    return 0;
}

static int read_name(struct cron_reader *r, int *value)
{
    int letters = count_while(r, isalpha);
    bool last = r->number == CRON_WEEKDAY && letters == 4 && toupper((unsigned char)r->p[3]) == 'L';
    const char *name = r->field->names;
    while (*name && (letters < 3 || strncasecmp(name, r->p, 3) != 0))
        name += 3;
    if (*name && letters != 3 && !last)
        return cron_refuse(r, r->p, "is no name of a %s (write %.3s)", r->field->noun, name);
    if (!*name && r->field->names[0])
        return cron_refuse(r, r->p, "is no name of a %s (they are %.3s, %.3s and so on)",
                           r->field->noun, r->field->names, r->field->names + 3);
    if (!*name)
        return cron_refuse(r, r->p, "is no number");
    *value = r->field->first + (int)(name - r->field->names) / 3;
    r->p += 3;
    return 0;
}

static int check_value(const struct cron_reader *r, const char *at, int value)
{
    const struct field *f = r->field;
    if (value >= f->min && value <= f->max)
        return 0;
    if (r->number == CRON_HOUR && value == 24)
        return cron_refuse(r, at, "is not within 0-23 (midnight is 0)");
    return cron_refuse(r, at, "is not within %d-%d", f->min, f->max);
}

static int read_value(struct cron_reader *r, int *value)
{
    const char *at = r->p;
    *value = 0;
    if (count_while(r, isalpha) ? read_name(r, value) : read_number(r, "a number", value))
        return ERR_DATA;
    return check_value(r, at, *value);
}

static int refuse_backwards(const struct cron_reader *r, const char *at, int low, int high)
{
    if (r->number == CRON_WEEKDAY && high == 0)
        return cron_refuse(r, at, "runs backwards (write %d-7)", low);
    if (r->number == CRON_WEEKDAY && low == 7)
        return cron_refuse(r, at, "runs backwards (write 0-%d)", high);
    return cron_refuse(r, at, "runs backwards (write %d-%d,%d-%d)", low, r->field->star_max,
                       r->field->min, high);
}

/* The rest of a range, after the -; `at` is where it began. */
static int read_range_end(struct cron_reader *r, const char *at, int low, int *high)
{
    bool named = count_while(r, isalpha) > 0;
    if (at_end(r))
        return cron_refuse(r, r->p, "lacks the end of its range");
    if (read_value(r, high))
        return ERR_DATA;
    if (r->number == CRON_WEEKDAY && *high == 0 && low > 0 && named)
        *high = 7; /* MON-SUN */
    return low > *high ? refuse_backwards(r, at, low, *high) : 0;
}

/* ---- the parts of an item ---- */

/* /step, if there is one, of a range from low to high. */
static int read_step(struct cron_reader *r, int low, int high, int *step)
{
    const char *at = r->p;
    *step = 1;
    if (!take(r, '/'))
        return 0;
    if (read_number(r, "a number after the /", step))
        return ERR_DATA;
    if (*step == 0)
        return cron_refuse(r, at + 1, "has a step of 0 (the least is 1)");
    if (*step == 1 || *step <= high - low)
        return 0;
    if (!r->field->unit)
        return cron_refuse(r, at + 1, "has a step that leads out of %d-%d", low, high);
    return cron_refuse(r, at + 1, "has a step that leads out of %d-%d (write every: %d%c instead)",
                       low, high, *step, r->field->unit);
}

static int read_star(struct cron_reader *r)
{
    int step, low = r->field->min, high = r->field->star_max;
    if (!at_end(r) && isdigit((unsigned char)*r->p))
        return cron_refuse(r, r->p, "has a number right after the * (write */%.*s)",
                           count_while(r, isdigit), r->p);
    if (read_step(r, low, high, &step))
        return ERR_DATA;
    add_range(r, low, high, step);
    return 0;
}

/* A job's own number for a field: FNV-1a (draft-eastlake-fnv) of the name and the field's number, and
 * the last mixing of MurmurHash3: by FNV-1a alone the hours of all jobs follow from their minutes. It
 * may never change: jobs would move. */
static uint64_t hash_name(const char *name, enum cron_field field)
{
    const uint64_t prime = UINT64_C(0x100000001b3);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * prime;
    hash = (hash ^ (uint64_t)field) * prime;
    hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 33;
}

/* The range of H(a-b), if there is one. */
static int read_hash_range(struct cron_reader *r, int *low, int *high)
{
    if (!take(r, '('))
        return 0;
    const char *at = r->p;
    if (read_value(r, low))
        return ERR_DATA;
    if (!take(r, '-'))
        return cron_refuse(r, r->p, "lacks a range (write H(%d-%d))", r->field->min,
                           r->field->hash_max);
    if (read_range_end(r, at, *low, high))
        return ERR_DATA;
    return take(r, ')') ? 0 : cron_refuse(r, r->p, "lacks the ) of its range");
}

static int read_hash(struct cron_reader *r)
{
    int step, low = r->field->min, high = r->field->hash_max;
    if (!r->name)
        return cron_refuse(r, r->item, "is chosen by the name of a job, and here is none");
    if (read_hash_range(r, &low, &high) || read_step(r, low, high, &step))
        return ERR_DATA;
    uint64_t hash = hash_name(r->name, r->number);
    if (step > 1)
        add_range(r, low + (int)(hash % (unsigned)step), high, step);
    else
        *r->bits |= UINT64_C(1) << (low + (int)(hash % (unsigned)(high - low + 1)));
    return 0;
}

/* L and L-n: the last day of the month, and n days before it. */
static int read_last_day(struct cron_reader *r)
{
    int before = 0;
    const char *at = r->p;
    if (r->number == CRON_WEEKDAY)
        return cron_refuse(r, r->item,
                           "has an L without a weekday before it (write 5L for the last "
                           "Friday, 6 for each Saturday)");
    if (r->number != CRON_DAY)
        return cron_refuse(r, r->item, "is for days only");
    if (take(r, '-') && read_number(r, "a number of days after the -", &before))
        return ERR_DATA;
    if (before > 30)
        return cron_refuse(r, at + 1, "is before the month's first day (30 is the most)");
    r->cron->days_before_last |= UINT32_C(1) << before;
    return 0;
}

/* What may follow a weekday: L or #n. */
static int read_weekday_suffix(struct cron_reader *r, int weekday)
{
    const char *at = r->p;
    uint8_t bit = (uint8_t)(1 << (weekday % 7));
    int nth;
    if (r->number != CRON_WEEKDAY)
        return cron_refuse(r, at,
                           "has an %c, which is for weekdays (there 5L is the last Friday, 5#2 the "
                           "second)",
                           *at);
    if (take(r, 'L')) {
        r->cron->last_weekdays |= bit;
        return 0;
    }
    r->p++;
    if (read_number(r, "a number after the #", &nth))
        return ERR_DATA;
    if (nth < 1 || nth > 5)
        return cron_refuse(r, at + 1, "is not within 1-5 after the # (write %dL for the last)",
                           weekday % 7);
    r->cron->nth_weekdays[nth] |= bit;
    return 0;
}

static int read_value_or_range(struct cron_reader *r)
{
    int low = 0, high, step;
    const char *at = r->p;
    if (read_value(r, &low))
        return ERR_DATA;
    if (!at_end(r) && (toupper((unsigned char)*r->p) == 'L' || *r->p == '#'))
        return read_weekday_suffix(r, low);
    if (take(r, '/'))
        return cron_refuse(r, r->p - 1, "has a step without a range (write %d-%d/%.*s)", low,
                           r->field->star_max, count_while(r, isdigit), r->p);
    high = low;
    if (take(r, '-') && read_range_end(r, at, low, &high))
        return ERR_DATA;
    if (read_step(r, low, high, &step))
        return ERR_DATA;
    add_range(r, low, high, step);
    return 0;
}

/* Whether the item begins with this letter, and not with a name that does. */
static bool take_letter(struct cron_reader *r, char letter)
{
    return count_while(r, isalpha) == 1 && take(r, letter);
}

/* W is Quartz's nearest working day; days have no names in which it could stand. */
static bool has_working_day(const struct cron_reader *r)
{
    size_t len = (size_t)(r->end - r->item);
    return r->number == CRON_DAY && (memchr(r->item, 'W', len) || memchr(r->item, 'w', len));
}

static int read_item(struct cron_reader *r)
{
    int rc;
    if (has_working_day(r))
        return cron_refuse(r, r->item,
                           "has a W, the nearest working day, which cannot be said here");
    if (take(r, '*'))
        rc = read_star(r);
    else if (take_letter(r, 'H'))
        rc = read_hash(r);
    else if (take_letter(r, 'L'))
        rc = read_last_day(r);
    else
        rc = read_value_or_range(r);
    if (rc == 0 && !at_end(r))
        return cron_refuse(r, r->p, "should end after '%.*s'", (int)(r->p - r->item), r->item);
    return rc;
}

int cron_read_field(struct cron_reader *r, enum cron_field number, struct cron_span span,
                    uint64_t *bits)
{
    const char *last = span.p + span.len;
    r->number = number;
    r->field = &fields[number];
    r->bits = bits;
    for (const char *item = span.p; item <= last; item = r->end + 1) {
        const char *comma = memchr(item, ',', (size_t)(last - item));
        r->p = r->item = item;
        r->end = comma ? comma : last;
        if (r->item == r->end) {
            r->item = span.p;
            r->end = last;
            return cron_refuse(r, item, "has an empty place in its list");
        }
        if (read_item(r))
            return ERR_DATA;
    }
    return 0;
}
