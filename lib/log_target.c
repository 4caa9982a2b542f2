#include "log_target.h"

#include <fcntl.h>
#include <stdbool.h>
#include <syslog.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

/* In the order of enum log_level. */
static const struct {
    const char *name;
    int priority;
} levels[] = {
    {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

void log_target_syslog(const char *ident, int level, const char *text)
{
    static bool open;
    if (!open)
        openlog(ident, LOG_PID, LOG_DAEMON);
    open = true;
    syslog(levels[level].priority, "%s", text);
}

int log_target_file(const char *path, const char *ident, int level, const char *text,
                    struct err *err)
{
    struct buf line = {0};
    char now[CLOCK_TEXT];
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open the log %s", path);
    buf_addf(&line, "%s %s[%d]: %s: %s\n", clock_rfc3339(clock_now(), now), ident, (int)getpid(),
             levels[level].name, text);
    ssize_t n = write(fd, buf_data(&line), line.len);
    int rc = n == (ssize_t)line.len ? 0 : err_sys(err, ERR_IO, "cannot write the log %s", path);
    buf_free(&line);
    close(fd);
    return rc;
}
