/*
 * log_target: where a log's lines go besides standard error: syslog or a file.
 *
 * Apart from log.c because <syslog.h> has LOG_* names of its own.
 */
#ifndef ROTA_LOG_TARGET_H
#define ROTA_LOG_TARGET_H

#include "err.h"

/* Sends a message to syslog(3), facility daemon. `level` is an enum log_level; ident must stay. */
void log_target_syslog(const char *ident, int level, const char *text);
/* Appends "TIME IDENT[PID]: LEVEL: TEXT" to a file in one write. It is opened for each message, so that
 * logrotate may rename or remove it at any time. Never waits for a reader of a FIFO. ERR_IO. */
int log_target_file(const char *path, const char *ident, int level, const char *text,
                    struct err *err);

#endif
