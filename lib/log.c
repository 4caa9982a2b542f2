#include "log.h"

#include <stdarg.h>
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

void log_at(enum log_level level, const char *fmt, ...)
{
    char text[2048];
    if (level > log_state.level)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    emit(text);
}

void log_err(const struct err *err)
{
    log_at(LOG_ERROR, "%s%s%s", err->place, err->place[0] ? ": " : "", err->msg);
}
