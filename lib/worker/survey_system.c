/* survey: what may keep jobs from running, or end them: limits, time zones, /proc, logind, sshd. */
#include "worker/survey.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "xalloc.h"

enum { FILE_MAX = 1 << 20, PARENTS_MAX = 32 };

/* A file's text, free; "" when it cannot be read. */
static char *text_of(const char *path)
{
    struct buf text = {0};
    (void)io_read_file(path, FILE_MAX, &text, NULL);
    buf_str(&text);
    return buf_detach(&text);
}

/* ---- limits ---- */

static void tell_limit(struct survey *survey, const char *key, rlim_t limit)
{
    if (limit != RLIM_INFINITY)
        survey_number(survey, key, (int64_t)limit);
}

void survey_limits(struct survey *survey)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) /* the worker raises it as far as it may */
        tell_limit(survey, "limit_files", limit.rlim_max);
    if (getrlimit(RLIMIT_NPROC, &limit) == 0)
        tell_limit(survey, "limit_processes", limit.rlim_cur);
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0)
        tell_limit(survey, "limit_file_bytes", limit.rlim_cur);
    survey_number(survey, "shell", access("/bin/sh", X_OK) == 0);
}

/* ---- time zones ---- */

/* What Berlin was ahead of UTC on 1 July 2026, s: 7200, where its rules are there. */
void survey_zone(struct survey *survey)
{
    time_t at = 1782864000;
    struct tm tm;
    (void)setenv("TZ", "Europe/Berlin", 1);
    tzset();
    survey_number(survey, "berlin", localtime_r(&at, &tm) ? tm.tm_gmtoff : 0);
}

/* ---- /proc ---- */

void survey_proc(struct survey *survey)
{
    survey_number(survey, "proc", access("/proc/self/environ", R_OK) == 0);
    char *mounts = text_of("/proc/self/mounts"), *save = NULL;
    for (char *line = strtok_r(mounts, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *hides = strstr(line, "hidepid=");
        if (strstr(line, " /proc proc ") && hides && strncmp(hides, "hidepid=0", 9) != 0 &&
            strncmp(hides, "hidepid=off", 11) != 0)
            survey_number(survey, "hidepid", 1);
    }
    free(mounts);
}

/* ---- logind ---- */

struct logind {
    bool kills;
    char *only, *exclude; /* lists of users */
};

/* Cuts the blanks at both ends off. */
static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void take_setting(struct logind *logind, char *line)
{
    char *value = strchr(line, '=');
    if (!value)
        return;
    *value = '\0';
    value = trim(value + 1);
    line = trim(line);
    if (strcmp(line, "KillUserProcesses") == 0)
        logind->kills = strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 ||
                        strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0;
    char **list = strcmp(line, "KillOnlyUsers") == 0      ? &logind->only
                  : strcmp(line, "KillExcludeUsers") == 0 ? &logind->exclude
                                                          : NULL;
    if (!list)
        return;
    free(*list);
    *list = xstrdup(value);
}

static void read_settings(struct logind *logind, const char *path)
{
    char *text = text_of(path), *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!strchr("#;", *line))
            take_setting(logind, line);
    }
    free(text);
}

static int is_conf(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".conf") == 0;
}

static void read_directory(struct logind *logind, const char *dir)
{
    struct dirent **names;
    int n = scandir(dir, &names, is_conf, alphasort);
    for (int i = 0; i < n; i++) {
        char *path = xasprintf("%s/%s", dir, names[i]->d_name);
        read_settings(logind, path);
        free(path);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += len)
        if ((p == list || p[-1] == ' ') && (!p[len] || p[len] == ' '))
            return true;
    return false;
}

/* A login that logind knows: it ends with the connection, and so does what KillUserProcesses kills. */
static bool in_session(void)
{
    char *groups = text_of("/proc/self/cgroup");
    bool is = strstr(groups, "/session-") || getenv("XDG_SESSION_ID");
    free(groups);
    return is;
}

/* Whether logind ends what is left of this account when its connection ends (logind.conf(5)), and
 * whether the account lingers. $ROTA_TEST_ROOT is what paths begin with (a seam for tests). */
void survey_logind(struct survey *survey)
{
    static const char *const dirs[] = {"/usr/lib", "/run", "/etc"};
    const char *seam = getenv("ROTA_TEST_ROOT"), *root = seam ? seam : "";
    const char *name = survey->own->name;
    struct logind logind = {.only = xstrdup(""), .exclude = xstrdup("root")};
    char *path = xasprintf("%s/etc/systemd/logind.conf", root);
    read_settings(&logind, path);
    free(path);
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        path = xasprintf("%s%s/systemd/logind.conf.d", root, dirs[i]);
        read_directory(&logind, path);
        free(path);
    }
    bool mine = (!*logind.only || has_word(logind.only, name)) && !has_word(logind.exclude, name);
    survey_number(survey, "logind_kills", logind.kills && mine && in_session());
    path = xasprintf("%s/var/lib/systemd/linger/%s", root, name);
    survey_number(survey, "lingers", access(path, F_OK) == 0);
    free(path);
    free(logind.only);
    free(logind.exclude);
}

/* ---- sshd ---- */

/* The parent of a process; 0: none that we see. Names may hold anything, so from the last ')' on. */
static int parent_of(int pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    char *stat = text_of(path), *end = strrchr(stat, ')'), state;
    int parent = 0;
    if (!end || sscanf(end + 1, " %c %d", &state, &parent) != 2)
        parent = 0;
    free(stat);
    return parent;
}

/* The sshd that let us in says in its title how many may be logging in:
 * "sshd: … [listener] 0 of 10-100 startups", of which the first is where it begins to drop some. */
void survey_sshd(struct survey *survey)
{
    int pid = (int)getppid();
    for (int i = 0; i < PARENTS_MAX && pid > 1; i++, pid = parent_of(pid)) {
        char path[64];
        int now, begin;
        (void)snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
        char *title = text_of(path), *listener = strstr(title, "[listener] ");
        if (strncmp(title, "sshd", 4) == 0 && listener &&
            sscanf(listener, "[listener] %d of %d-", &now, &begin) == 2) {
            survey_number(survey, "sshd_startups", begin);
            pid = 1;
        }
        free(title);
    }
}
