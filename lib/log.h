/*
 * log: messages for people, as "rota submit: place: what is wrong", on standard error or, as
 * the configuration says, in syslog or a file.
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
/* Besides standard error, messages go where `send` brings them, those of `level` or worse, and of what -v
 * asks for: "rota dispatch" is "rota-dispatch" there. Standard error keeps the errors, because whoever
 * called must see why it failed, and the rest as long as it is a terminal. A message that `send`
 * cannot bring (negative) is said on standard error in its place, once with the reason. */
typedef int log_send(void *arg, const char *ident, enum log_level level, const char *text,
                     struct err *err);
void log_divert(log_send *send, void *arg, enum log_level level);
/* The level of standard error where neither -q nor -v said one. */
void log_default(enum log_level level);
/* Prints an error with its place. */
void log_err(const struct err *err);
/* A progress line on standard error is drawn by `draw` again after each message; NULL: none. */
void log_progress(void (*clear)(void), void (*draw)(void));

#endif
