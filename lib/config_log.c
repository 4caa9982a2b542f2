#include "config_log.h"

#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "log.h"
#include "near.h"
#include "xalloc.h"

int config_log_to(struct config_log *log, const char *value, struct err *err)
{
    log->to = LOG_TO_STDERR;
    if (strcmp(value, "stderr") == 0)
        return 0;
    if (strcmp(value, "syslog") == 0) {
        log->to = LOG_TO_SYSLOG;
        return 0;
    }
    char *path = io_expand_home(value);
    if (path[0] != '/') {
        free(path);
        return err_set(err, ERR_CONFIG, "is to be stderr, syslog, or a path from / or ~/, not '%s'",
                       value);
    }
    log->to = LOG_TO_FILE;
    log->path = path;
    return 0;
}

int config_log_level(struct config_log *log, const char *value, struct err *err)
{
    static const char *const names[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    enum { LEVELS = sizeof names / sizeof *names };
    for (int i = 0; i < LEVELS; i++)
        if (strcmp(value, names[i]) == 0) {
            log->level = i;
            log->level_set = true;
            return 0;
        }
    const char *near = near_word(value, names, LEVELS, sizeof *names);
    return err_set(err, ERR_CONFIG, "is to be error, warn, info or debug, not '%s'%s%s%s", value,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

void config_log_free(struct config_log *log)
{
    free(log->path);
    *log = (struct config_log){0};
}
