/*
 * log: messages for people on standard error, as "rota submit: place: what is wrong".
 *
 * Library code returns errors; log is for what happens on the way (warnings,
 * -v). Control characters of untrusted text are escaped on the way out.
 */
#ifndef ROTA_LOG_H
#define ROTA_LOG_H

#include "err.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Sets the program's name ("rota submit") and what is shown; the default shows LOG_WARN and worse. */
void log_open(const char *program, enum log_level level);
enum log_level log_level(void);
const char *log_program(void);
void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
/* Prints an error with its place. */
void log_err(const struct err *err);
/* A progress line on standard error is drawn by `draw` again after each message; NULL: none. */
void log_progress(void (*clear)(void), void (*draw)(void));

#endif
