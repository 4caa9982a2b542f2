/* config_log: the section [log] of rota.ini. */
#ifndef ROTA_CONFIG_LOG_H
#define ROTA_CONFIG_LOG_H

#include <stdbool.h>

#include "err.h"

enum log_to { LOG_TO_STDERR = 0, LOG_TO_SYSLOG, LOG_TO_FILE };

struct config_log {
    enum log_to to;
    char *path;     /* with LOG_TO_FILE; else NULL */
    int level;      /* enum log_level */
    bool level_set; /* else LOG_WARN on standard error, LOG_INFO elsewhere */
};

/* Set what `to` and `level` say; ERR_CONFIG with what the value is to be. */
int config_log_to(struct config_log *log, const char *value, struct err *err);
int config_log_level(struct config_log *log, const char *value, struct err *err);
void config_log_free(struct config_log *log);

#endif
