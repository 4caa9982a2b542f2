/* duration: lengths of time and sizes as users write them. */
#ifndef ROTA_DURATION_H
#define ROTA_DURATION_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { DURATION_TEXT = 32 };

/* "90s", "15m", "2h", "1d", "1h30m", "500ms", "0": milliseconds into *ms. A bare number other than
 * 0 is refused (ERR_DATA), because cron users read it as minutes and sleep(1) users as seconds. */
int duration_parse(const char *text, int64_t *ms, struct err *err);
/* The same, and "forever": INT64_MAX; not nothing (ERR_DATA). For how long something is kept. */
int duration_parse_keep(const char *text, int64_t *ms, struct err *err);
/* For people: "1h30m", "2.5s", "12ms"; returns text. */
char *duration_text(int64_t ms, char text[DURATION_TEXT]);
/* "512", "64K", "16M", "2G" (powers of 1024): bytes into *bytes. ERR_DATA. */
int size_parse(const char *text, int64_t *bytes, struct err *err);
/* For people: "1.2M"; returns text. */
char *size_text(int64_t bytes, char text[DURATION_TEXT]);

#endif
