/*
 * clock: what time it is, and times as text.
 *
 * An instant is an int64_t of milliseconds since 1970-01-01T00:00:00Z; 0 means
 * "none" where a column may be NULL. A monotonic time is milliseconds of
 * CLOCK_MONOTONIC and is compared with other monotonic times only.
 */
#ifndef ROTA_CLOCK_H
#define ROTA_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

int64_t clock_now(void);  /* wall clock, ms */
int64_t clock_mono(void); /* monotonic, ms */

enum { CLOCK_TEXT = 32 };

/* Writes RFC 3339 UTC with milliseconds ("2026-12-01T10:00:00.000Z") and returns text. */
char *clock_rfc3339(int64_t at, char text[CLOCK_TEXT]);
/* Writes the local time of TZ for people ("2026-12-01 10:00:00") and returns text. */
char *clock_local(int64_t at, char text[CLOCK_TEXT]);

/* Reads an instant as users write it: "now", "-2h", "+15m", "today", "yesterday", "tomorrow",
 * "10:00" (today), "2026-12-01", "2026-12-01 10:00[:00]" (local time of TZ), RFC 3339 with any
 * offset. ERR_USAGE when it is none of these. */
int clock_parse(const char *text, int64_t now, int64_t *at, struct err *err);

#endif
