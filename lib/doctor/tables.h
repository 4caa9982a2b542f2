/* tables: what this machine starts by itself: crontabs and systemd's units, read line by line. */
#ifndef ROTA_DOCTOR_TABLES_H
#define ROTA_DOCTOR_TABLES_H

#include <stdbool.h>

struct table_line {
    const char *where; /* "your crontab", or a path */
    const char *line;  /* without blanks at its ends; no comment */
    bool systemd;      /* of a unit, not of a crontab */
    const char *path;  /* the last PATH = of this crontab above it; NULL: none */
};

/* Calls each for every line that means something: of `crontab -l`, /etc/crontab, /etc/cron.d/ and the
 * .service and .timer files of systemd and of the user's own; those that packages bring count only when
 * they are enabled. What cannot be read is not there.
 * $ROTA_TEST_ROOT is what the paths in /etc and /usr begin with (a seam for tests). */
void tables_read(void (*each)(const struct table_line *line, void *arg), void *arg);

#endif
