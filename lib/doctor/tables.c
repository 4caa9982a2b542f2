#include "doctor/tables.h"

#include <dirent.h>
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

static void read_directory(const struct reading *reading, const char *dir, bool systemd)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    while (d && (entry = readdir(d))) {
        const char *name = entry->d_name;
        if (*name == '.' || (systemd && !ends_with(name, ".service") && !ends_with(name, ".timer")))
            continue;
        char *path = xasprintf("%s/%s", dir, name);
        read_file(reading, path, systemd);
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
        bool home, systemd;
    } dirs[] = {
        {"/etc/cron.d", false, false},
        {"/etc/systemd/system", false, true},
        {"/usr/local/lib/systemd/system", false, true},
        {"/usr/lib/systemd/system", false, true},
        {"/.config/systemd/user", true, true},
    };
    const struct reading reading = {each, arg};
    const char *seam = getenv("ROTA_TEST_ROOT"), *home = getenv("HOME");
    read_crontab(&reading);
    char *path = xasprintf("%s/etc/crontab", seam ? seam : "");
    read_file(&reading, path, false);
    free(path);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        const char *root = dirs[i].home ? home : seam;
        path = xasprintf("%s%s", root ? root : "", dirs[i].path);
        read_directory(&reading, path, dirs[i].systemd);
        free(path);
    }
}
