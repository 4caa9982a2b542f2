/* program: where a program is. */
#ifndef ROTA_DOCTOR_PROGRAM_H
#define ROTA_DOCTOR_PROGRAM_H

#include "config.h"

/* The first program with this name in a search path (NULL: that of cron), free; NULL: there is none. */
char *program_find(const char *path, const char *name);
/* The program `rota` that belongs to this one, for a crontab; free. NULL: there is none. */
char *program_rota(void);
/* The line of a crontab that dispatches with this configuration (NULL: what cron would find): with the
 * path of rota, and what cron does not know of our environment. Free. */
char *program_cron_line(const struct config *config);

#endif
