/* monitor_health: what the files of `rota monitor` (health) share. */
#ifndef ROTA_CMD_MONITOR_HEALTH_H
#define ROTA_CMD_MONITOR_HEALTH_H

#include <stdio.h>

#include "err.h"
#include "monitor/health.h"

/* Prints it all as one JSON object on one line. */
void monitor_health_json(const struct health *health, FILE *out);
/* Prints the JSON schema of that: ERR_ANSWERED, or ERR_IO. */
int monitor_health_schema(FILE *out, struct err *err);

#endif
