/* exposition: lines of the text format of Prometheus. */
#ifndef ROTA_MONITOR_EXPOSITION_H
#define ROTA_MONITOR_EXPOSITION_H

#include "buf.h"

/* The HELP and TYPE lines; the samples of a family follow it without another between. */
void exposition_family(struct buf *out, const char *name, const char *type, const char *help);
/* One sample with pairs of label name and value (any text), ended by NULL. Integers are written as
 * such up to 2^53, others with six digits. */
void exposition_sample(struct buf *out, const char *name, double value, ...)
    __attribute__((sentinel));
/* A label's value without its quotes: \\, \" and \n escaped, what is not UTF-8 as U+FFFD. */
void exposition_escape(struct buf *out, const char *value);

#endif
