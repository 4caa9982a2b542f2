/* cron_field: the reader of one field of a cron expression; a part of cron. */
#ifndef ROTA_CRON_FIELD_H
#define ROTA_CRON_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "cron.h"

enum cron_field {
    CRON_SECOND = 0,
    CRON_MINUTE,
    CRON_HOUR,
    CRON_DAY,
    CRON_MONTH,
    CRON_WEEKDAY,
    CRON_FIELDS,
};

struct cron_span {
    const char *p;
    size_t len;
};

struct cron_reader {
    const char *text;       /* the expression, of at most CRON_TEXT_MAX bytes */
    const char *p;          /* where it is read */
    const char *item, *end; /* what messages quote: the item of a list, or all */
    const char *name;       /* for H, or NULL */
    enum cron_field number;
    const struct field *field; /* NULL while no field is read */
    uint64_t *bits;            /* of the field so far */
    struct cron *cron;
    struct err *err;
};

/* Reads a field: the values it matches go to *bits, L and # to r->cron. 0 or ERR_DATA. */
int cron_read_field(struct cron_reader *r, enum cron_field number, struct cron_span span,
                    uint64_t *bits);

/* "column 3: hour '25' is not within 0-23": `at` gives the column, `fmt` what follows the quote.
 * Escaped. Returns ERR_DATA. */
int cron_refuse(const struct cron_reader *r, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
