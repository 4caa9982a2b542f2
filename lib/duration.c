#include "duration.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { UNIT_MAX = 4 };

struct unit {
    const char *name;
    int64_t ms;
};

static const struct unit units[] = {
    {"w", INT64_C(604800000)},
    {"d", 86400000},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};

/* A number at *p, moved on; -1 when there is none or it is over `max`. */
static int64_t number(const char **p, int64_t max)
{
    int64_t value = 0;
    if (!isdigit((unsigned char)**p))
        return -1;
    for (; isdigit((unsigned char)**p); (*p)++) {
        value = value * 10 + (**p - '0');
        if (value > max)
            return -1;
    }
    return value;
}

static const struct unit *unit_at(const char **p)
{
    size_t len = 0;
    while (isalpha((unsigned char)(*p)[len]) && len <= UNIT_MAX)
        len++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == len && strncmp(units[i].name, *p, len) == 0) {
            *p += len;
            return &units[i];
        }
    return NULL;
}

int duration_parse(const char *text, int64_t *ms, struct err *err)
{
    const int64_t max = INT64_C(3153600000000); /* a hundred years */
    const char *p = text;
    int64_t total = 0;
    *ms = 0;
    if (strcmp(text, "0") == 0)
        return 0;
    do {
        int64_t value = number(&p, max);
        const struct unit *unit = value < 0 ? NULL : unit_at(&p);
        if (!unit || value > max / unit->ms)
            return err_set(err, ERR_DATA, "'%s' is no duration (write 90s, 15m, 2h, 1d or 1h30m)",
                           text);
        total += value * unit->ms;
        if (total > max)
            return err_set(err, ERR_DATA, "'%s' is longer than a hundred years", text);
    } while (*p);
    *ms = total;
    return 0;
}

int duration_parse_keep(const char *text, int64_t *ms, struct err *err)
{
    *ms = INT64_MAX;
    if (strcmp(text, "forever") == 0)
        return 0;
    int rc = duration_parse(text, ms, err);
    return rc == 0 && *ms == 0 ? err_set(err, ERR_DATA, "'%s' keeps nothing", text) : rc;
}

char *duration_text(int64_t ms, char text[DURATION_TEXT])
{
    if (ms < 0)
        ms = 0;
    if (ms < 1000)
        (void)snprintf(text, DURATION_TEXT, "%dms", (int)ms);
    else if (ms < 60000)
        (void)snprintf(text, DURATION_TEXT, "%d.%ds", (int)(ms / 1000), (int)(ms % 1000 / 100));
    else if (ms < 3600000)
        (void)snprintf(text, DURATION_TEXT, "%dm%02ds", (int)(ms / 60000),
                       (int)(ms % 60000 / 1000));
    else if (ms < 86400000)
        (void)snprintf(text, DURATION_TEXT, "%dh%02dm", (int)(ms / 3600000),
                       (int)(ms % 3600000 / 60000));
    else
        (void)snprintf(text, DURATION_TEXT, "%lldd%02dh", (long long)(ms / 86400000),
                       (int)(ms % 86400000 / 3600000));
    return text;
}

int size_parse(const char *text, int64_t *bytes, struct err *err)
{
    static const char suffixes[] = "KMGT";
    const char *p = text;
    int64_t value = number(&p, INT64_C(1) << 40);
    int shift = 0;
    *bytes = 0;
    if (value >= 0 && *p) {
        const char *suffix = strchr(suffixes, *p++);
        shift = suffix ? 10 * (int)(suffix - suffixes + 1) : -1;
    }
    if (value < 0 || shift < 0 || *p || value > (INT64_MAX >> shift))
        return err_set(err, ERR_DATA, "'%s' is no size (write 512, 64K, 16M or 2G)", text);
    *bytes = value << shift;
    return 0;
}

char *size_text(int64_t bytes, char text[DURATION_TEXT])
{
    static const char suffixes[] = "KMGTPE";
    if (bytes < 1024) {
        (void)snprintf(text, DURATION_TEXT, "%d", (int)bytes);
        return text;
    }
    double value = (double)bytes / 1024;
    int i = 0;
    for (; value >= 1023.95 && suffixes[i + 1]; i++) /* which would be written as 1024.0 */
        value /= 1024;
    (void)snprintf(text, DURATION_TEXT, "%.1f%c", value, suffixes[i]);
    return text;
}
