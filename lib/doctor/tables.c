#include "doctor/tables.h"

#include <dirent.h>
#include <glob.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "child.h"
#include "clock.h"
#include "io.h"
#include "xalloc.h"

enum { FILE_MAX = 1 << 20, CRONTAB_MS = 5000 };

struct reading {
    void (*each)(const struct table_line *line, void *arg);
    void *arg;
};

/* The value of a line "PATH = value", borrowed; NULL: it is another. */
static char *path_of(char *line)
{
    if (strncmp(line, "PATH", 4) != 0)
        return NULL;
    char *p = line + 4 + strspn(line + 4, " \t");
    if (*p != '=')
        return NULL;
    p += 1 + strspn(p + 1, " \t\"'");
    p[strcspn(p, "\"'")] = '\0';
    return p;
}

static void read_text(const struct reading *reading, char *text, const char *where, bool systemd)
{
    struct table_line line = {.where = where, .systemd = systemd};
    char *save = NULL;
    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        p += strspn(p, " \t");
        size_t len = strlen(p);
        while (len && strchr(" \t\r", p[len - 1]))
            p[--len] = '\0';
        if (!len || *p == '#' || *p == ';')
            continue;
        char *path = systemd ? NULL : path_of(p);
        if (path) {
            line.path = path;
            continue;
        }
        line.line = p;
        reading->each(&line, reading->arg);
    }
}

static void read_file(const struct reading *reading, const char *path, bool systemd)
{
    struct buf text = {0};
    if (io_read_file(path, FILE_MAX, &text, NULL) == 0)
        read_text(reading, buf_str(&text), path, systemd);
    buf_free(&text);
}

static bool ends_with(const char *name, const char *end)
{
    size_t len = strlen(name), tail = strlen(end);
    return len > tail && strcmp(name + len - tail, end) == 0;
}

static char *below(const char *root, const char *path)
{
    return xasprintf("%s%s", root ? root : "", path);
}

/* Whether something is there that wants the unit of this file, or the timer of that name: what is
 * enabled has a link in a directory .wants. A template is wanted by its instances. */
static bool is_enabled(const char *name)
{
    static const struct {
        const char *path;
        bool home;
    } dirs[] = {
        {"/etc/systemd/system", false},
        {"/etc/systemd/user", false},
        {"/.config/systemd/user", true},
    };
    int stem = (int)strcspn(name, ".");
    const char *instance = stem && name[stem - 1] == '@' ? "*" : "";
    bool enabled = false;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs && !enabled; i++) {
        char *dir = below(getenv(dirs[i].home ? "HOME" : "ROTA_TEST_ROOT"), dirs[i].path);
        char *pattern = xasprintf("%s/*.wants/%.*s%s.*", dir, stem, name, instance);
        glob_t found = {0};
        enabled = glob(pattern, 0, NULL, &found) == 0;
        globfree(&found);
        free(pattern);
        free(dir);
    }
    return enabled;
}

/* How a directory is read: a crontab or a unit a file; units that came with a package, which do
 * nothing before they are enabled. */
enum kind { CRONTABS, UNITS, OFFERED_UNITS };

static bool takes_part(enum kind kind, const char *name)
{
    if (*name == '.' || kind == CRONTABS)
        return *name != '.';
    return (ends_with(name, ".service") || ends_with(name, ".timer")) &&
           (kind == UNITS || is_enabled(name));
}

static void read_directory(const struct reading *reading, const char *dir, enum kind kind)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        if (!takes_part(kind, entry->d_name))
            continue;
        char *path = xasprintf("%s/%s", dir, entry->d_name);
        read_file(reading, path, kind != CRONTABS);
        free(path);
    }
    if (d)
        (void)closedir(d);
}

/* crontab exits 1 when there is none, and says so on standard error. */
static void read_crontab(const struct reading *reading)
{
    static const char *const argv[] = {"crontab", "-l", NULL};
    struct child child = {0};
    int64_t until = clock_mono() + CRONTAB_MS;
    int rc;
    child_begin(&child, argv);
    while ((rc = child_step(&child, NULL)) == 0 && clock_mono() < until) {
        struct pollfd p = {.fd = child.fd, .events = POLLIN};
        (void)poll(&p, 1, (int)(until - clock_mono()));
    }
    if (rc > 0 && child.status == 0)
        read_text(reading, buf_str(&child.out), "your crontab", false);
    child_stop(&child);
}

void tables_read(void (*each)(const struct table_line *line, void *arg), void *arg)
{
    static const struct {
        const char *path;
        enum kind kind;
        bool home;
    } dirs[] = {
        {"/etc/cron.d", CRONTABS, false},
        {"/etc/systemd/system", UNITS, false},
        {"/usr/local/lib/systemd/system", OFFERED_UNITS, false},
        {"/usr/lib/systemd/system", OFFERED_UNITS, false},
        {"/.config/systemd/user", UNITS, true},
        {"/usr/local/lib/systemd/user", OFFERED_UNITS, false},
        {"/usr/lib/systemd/user", OFFERED_UNITS, false},
    };
    const struct reading reading = {each, arg};
    const char *seam = getenv("ROTA_TEST_ROOT"), *home = getenv("HOME");
    read_crontab(&reading);
    char *path = below(seam, "/etc/crontab");
    read_file(&reading, path, false);
    free(path);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        path = below(dirs[i].home ? home : seam, dirs[i].path);
        read_directory(&reading, path, dirs[i].kind);
        free(path);
    }
}
