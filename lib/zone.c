#include "zone.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xalloc.h"

enum {
    NAME_LONGEST = 100,
    HOUR = 3600,
    /* No zone since 1970 is further ahead of UTC, or behind it (Kiritimati, Kwajalein). */
    AHEAD_MOST = 14 * HOUR,
    BEHIND_MOST = 12 * HOUR,
};

static const char database[] = "/usr/share/zoneinfo";

bool zone_exists(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    char magic[4] = "";
    size_t len = strlen(name);
    if (strcmp(name, "UTC") == 0)
        return true;
    if (!len || len > NAME_LONGEST || name[0] == '/' || name[strspn(name, allowed)])
        return false; /* without dots there is no way out of the directory */
    if (strncmp(name, "right/", 6) == 0)
        return false; /* these count leap seconds: not the instants of the kernel's clock */
    const char *dir = getenv("TZDIR");
    char *path = xasprintf("%s/%s", dir && dir[0] ? dir : database, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(path);
    if (fd < 0)
        return false;
    bool found = read(fd, magic, sizeof magic) == sizeof magic &&
                 memcmp(magic, "TZif", sizeof magic) == 0; /* RFC 8536; a directory does not read */
    close(fd);
    return found;
}

/* The first line of /etc/timezone, which Debian keeps beside a copied /etc/localtime. */
static char *zone_written(const char *file)
{
    char line[NAME_LONGEST + 2] = "";
    FILE *f = fopen(file, "re");
    if (f && !fgets(line, sizeof line, f))
        line[0] = '\0';
    if (f)
        (void)fclose(f);
    line[strcspn(line, " \t\r\n")] = '\0';
    return zone_exists(line) ? xstrdup(line) : NULL;
}

char *zone_system(void)
{
    static const char parent[] = "/zoneinfo/";
    char path[PATH_MAX];
    const char *name = getenv("TZ");
    if (name && name[0] == ':')
        name++; /* POSIX's way to say that the rest is the implementation's */
    if (name && zone_exists(name))
        return xstrdup(name);
    ssize_t len = readlink("/etc/localtime", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    name = strstr(path, parent);
    if (name && zone_exists(name + strlen(parent)))
        return xstrdup(name + strlen(parent));
    char *written = len < 0 ? zone_written("/etc/timezone") : NULL;
    return written ? written : xstrdup("UTC");
}

void zone_list(struct strlist *names)
{
    char line[512];
    const char *dir = getenv("TZDIR");
    char *path = xasprintf("%s/zone1970.tab", dir && dir[0] ? dir : database);
    FILE *f = fopen(path, "re");
    free(path);
    strlist_add(names, "UTC");
    while (f && fgets(line, sizeof line, f)) {
        char *save = NULL; /* codes, coordinates, name, remarks */
        const char *name = line[0] == '#' ? NULL : strtok_r(line, "\t\n", &save);
        for (int i = 0; i < 2 && name; i++)
            name = strtok_r(NULL, "\t\n", &save);
        if (name)
            strlist_add(names, name);
    }
    if (f)
        (void)fclose(f);
}

/* What is in force by us; empty: what the process began with, which `first` then remembers. */
static char current[NAME_LONGEST + 1];
static char *first; /* $TZ of the beginning; NULL: it was not set */

static void set_zone(const char *name)
{
    if (name)
        (void)setenv("TZ", name, 1);
    else
        (void)unsetenv("TZ");
    tzset();
}

void zone_use(const char *name)
{
    if (strcmp(name, current) == 0 || strlen(name) > NAME_LONGEST)
        return;
    if (!current[0]) {
        free(first);
        first = getenv("TZ") ? xstrdup(getenv("TZ")) : NULL;
    }
    set_zone(name);
    memcpy(current, name, strlen(name) + 1);
}

void zone_restore(void)
{
    if (!current[0])
        return;
    set_zone(first);
    current[0] = '\0';
}

int64_t zone_offset(int64_t at)
{
    struct tm tm;
    time_t t = (time_t)at;
    return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

int64_t zone_change(int64_t after, int64_t until)
{
    int64_t offset = zone_offset(after);
    if (zone_offset(until) == offset)
        return -1;
    while (until - after > 1) {
        int64_t middle = after + (until - after) / 2;
        if (zone_offset(middle) == offset)
            after = middle;
        else
            until = middle;
    }
    return until;
}

int64_t zone_instant(int64_t local, enum zone_fit *fit, int64_t *gap)
{
    int64_t from = local - AHEAD_MOST, to = local + BEHIND_MOST;
    int64_t before = zone_offset(from), after = zone_offset(to);
    enum zone_fit fits = ZONE_EXACT;
    int64_t at = local - before, length = 0;
    if (before != after) {
        int64_t change = zone_change(from, to);
        bool early = local - before < change, late = local - after >= change;
        if (early && late) {
            fits = ZONE_OVERLAP;
        } else if (late) {
            at = local - after;
        } else if (!early) {
            fits = ZONE_GAP;
            at = change;
            length = after - before;
        }
    }
    if (fit)
        *fit = fits;
    if (gap)
        *gap = length;
    return at;
}

/* Both by Howard Hinnant's "chrono-compatible low-level date algorithms": years that begin in March
 * have their leap day at the end, and 400 of them always 146097 days. */
int64_t civil_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void civil_date(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}
