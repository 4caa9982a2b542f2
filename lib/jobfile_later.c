#include "jobfile_later.h"

#include <stdlib.h>
#include <string.h>

enum { INDEX_MAX = 999999 };

/* ---- array: "0-99%10", "1,3,5-7" ---- */

/* A whole number at *p, moved on. */
static bool number(const char **p, long *value)
{
    const char *start = *p;
    *value = 0;
    for (; **p >= '0' && **p <= '9' && *value <= INDEX_MAX; (*p)++)
        *value = *value * 10 + (**p - '0');
    return *p > start && *value <= INDEX_MAX;
}

static bool is_array(const char *p)
{
    long low, high, at_once;
    for (;; p++) {
        if (!number(&p, &low))
            return false;
        high = low;
        if (*p == '-') {
            p++;
            if (!number(&p, &high) || high < low)
                return false;
        }
        if (*p != ',')
            break;
    }
    if (*p == '%') {
        p++;
        if (!number(&p, &at_once) || at_once < 1)
            return false;
    }
    return !*p;
}

void later_array(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    (void)base;
    if (value->kind != YAML_IS_SCALAR || !is_array(value->text))
        field_expected(r, field, value, "a range of indices, as 0-99 or 1,3,5-7%2");
}
