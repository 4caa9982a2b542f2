/* rota schedule import: crontabs become job files on standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "crontab.h"
#include "exitcode.h"
#include "io.h"
#include "log.h"
#include "opt.h"
#include "schedule_commands.h"
#include "xalloc.h"
#include "zone.h"

enum { CRONTAB_MAX = 1 << 20 };

static bool is_system_path(const char *path)
{
    return strcmp(path, "/etc/crontab") == 0 || strstr(path, "/cron.d/") != NULL;
}

/* /etc/crontab and what is in a cron.d have a user field; others are a user's own. A link counts where
 * it lies as well as where it leads. */
static bool looks_system(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *dir = slash ? xstrndup(file, (size_t)(slash - file) + 1) : xstrdup(".");
    char *real_dir = realpath(dir, NULL), *real = realpath(file, NULL);
    char *lies = xasprintf("%s/%s", real_dir ? real_dir : dir, slash ? slash + 1 : file);
    bool system = is_system_path(lies) || (real && is_system_path(real));
    free(dir);
    free(real_dir);
    free(real);
    free(lies);
    return system;
}

static int import_file(struct crontab *crontab, const char *file, bool system, struct buf *out,
                       struct errlist *notes, struct err *err)
{
    struct buf text = {0};
    bool is_stdin = strcmp(file, "-") == 0;
    int rc = is_stdin ? io_read_all(STDIN_FILENO, CRONTAB_MAX, &text, err)
                      : io_read_file(file, CRONTAB_MAX, &text, err);
    crontab->file = is_stdin ? "standard input" : file;
    crontab->system = system || (!is_stdin && looks_system(file));
    if (rc == 0 && memchr(buf_data(&text), '\0', text.len))
        rc = err_set(err, ERR_DATA, "%s has a NUL byte: that is no crontab", crontab->file);
    if (rc == 0)
        crontab_import(crontab, buf_str(&text), out, notes);
    buf_free(&text);
    return rc;
}

static int import_all(struct crontab *crontab, char **files, int n, bool system, struct err *err)
{
    struct buf out = {0};
    struct errlist notes = {0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = import_file(crontab, files[i], system, &out, &notes, err);
    for (size_t i = 0; rc == 0 && i < notes.n; i++)
        log_err(&notes.v[i]);
    if (rc == 0)
        (void)fputs(buf_str(&out), stdout);
    errlist_free(&notes);
    buf_free(&out);
    return rc < 0 ? rc : crontab->refused ? EXITCODE_NO : EXITCODE_DONE;
}

int schedule_import(struct command *command, int argc, char **argv, struct err *err)
{
    bool system = false;
    const char *timezone = NULL;
    const struct option_row options[] = {
        {0, "system", OPT_FLAG, &system}, {0, "timezone", OPT_STRING, &timezone}, {0}};
    int first = opt_parse(argc, argv, options, schedule_usage, NULL, err);
    (void)command;
    if (first < 0)
        return first;
    if (first == argc)
        return err_set(err, ERR_USAGE,
                       "import wants crontab files, or - (crontab -l | … import -)");
    if (timezone && !zone_exists(timezone))
        return err_set(err, ERR_USAGE, "--timezone: there is no time zone '%s'", timezone);
    struct crontab crontab = {.timezone = timezone};
    int rc = import_all(&crontab, argv + first, argc - first, system, err);
    crontab_free(&crontab);
    return rc;
}
