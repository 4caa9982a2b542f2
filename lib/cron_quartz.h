/*
 * cron_quartz: an expression of Quartz (seconds first, perhaps a year last) or of AWS (minutes first,
 * a year last) in our words, for messages. Theirs know `?`, count Sunday as 1 and write 5/15 for
 * 5-59/15.
 */
#ifndef ROTA_CRON_QUARTZ_H
#define ROTA_CRON_QUARTZ_H

#include <stdbool.h>

enum { CRON_QUARTZ_TEXT = 200 };

/* The expression in our words, without a `?`; a year is left out. False when it is none of theirs or
 * too long. What it gives need not be a valid expression: that is cron_parse's to say. */
bool cron_from_quartz(const char *text, char mend[CRON_QUARTZ_TEXT]);

#endif
