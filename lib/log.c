#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "io.h"

static struct {
    const char *program;
    enum log_level level;
    void (*clear)(void);
    void (*draw)(void);
    log_send *send; /* NULL: standard error only */
    void *send_arg;
    enum log_level send_level;
    bool send_failed; /* and that was said */
} log_state = {.program = "rota", .level = LOG_WARN};

void log_open(const char *program, enum log_level level)
{
    log_state.program = program;
    log_state.level = level;
}

enum log_level log_level(void)
{
    return log_state.level;
}

const char *log_program(void)
{
    return log_state.program;
}

void log_progress(void (*clear)(void), void (*draw)(void))
{
    log_state.clear = clear;
    log_state.draw = draw;
}

/* One write a message, so that messages of concurrent processes do not mix. */
static void emit(const char *text)
{
    struct buf line = {0};
    buf_addf(&line, "%s: ", log_state.program);
    escape_terminal(&line, text, strlen(text), false);
    buf_addch(&line, '\n');
    if (log_state.clear)
        log_state.clear();
    (void)io_write_all(STDERR_FILENO, buf_data(&line), line.len, NULL);
    if (log_state.draw)
        log_state.draw();
    buf_free(&line);
}

/* "rota-dispatch", for as long as the program lives: syslog keeps the pointer. */
static const char *ident(void)
{
    static char text[64];
    if (!text[0])
        (void)snprintf(text, sizeof text, "%s", log_state.program);
    for (char *c = text; *c; c++)
        if (*c == ' ')
            *c = '-';
    return text;
}

/* Whether it arrived. */
static bool divert(enum log_level level, const char *text)
{
    struct buf escaped = {0};
    struct err err;
    escape_terminal(&escaped, text, strlen(text), false);
    int rc = log_state.send(log_state.send_arg, ident(), level, buf_str(&escaped), &err);
    buf_free(&escaped);
    if (rc < 0 && !log_state.send_failed) {
        log_state.send_failed = true;
        emit(err.msg);
    }
    return rc == 0;
}

static bool is_diverted(enum log_level level)
{
    return log_state.send && (level <= log_state.send_level || level <= log_state.level);
}

void log_at(enum log_level level, const char *fmt, ...)
{
    char text[2048];
    bool shown = level <= log_state.level;
    if (!shown && !is_diverted(level))
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    bool there = is_diverted(level) && divert(level, text);
    if (shown && (!there || level == LOG_ERROR || isatty(STDERR_FILENO)))
        emit(text);
}

void log_divert(log_send *send, void *arg, enum log_level level)
{
    log_state.send = send;
    log_state.send_arg = arg;
    log_state.send_level = level;
}

/* LOG_WARN is what there is without -q and -v. */
void log_default(enum log_level level)
{
    if (log_state.level == LOG_WARN)
        log_state.level = level;
}

void log_err(const struct err *err)
{
    log_at(LOG_ERROR, "%s%s%s", err->place, err->place[0] ? ": " : "", err->msg);
}
