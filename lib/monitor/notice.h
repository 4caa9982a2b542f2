/*
 * notice: all that is due for one section, as one message: a dead host and the forty runs that were
 * lost there are one notice.
 */
#ifndef ROTA_MONITOR_NOTICE_H
#define ROTA_MONITOR_NOTICE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "catalogue/alert.h"
#include "config.h"
#include "err.h"

/* Beyond these a message only counts: it must stay one that somebody reads. */
enum {
    NOTICE_ITEMS = 50, /* and as many children of each */
    NOTICE_OUTPUTS = 10,
    NOTICE_OUTPUT_BYTES = 64 << 10, /* of all of them */
    NOTICE_LINES = 20,
    NOTICE_NAMES = 20
};

struct notice_item {
    struct alert alert;
    enum delivery_kind kind;
    struct alert *children; /* what belongs to it */
    size_t nchildren;
    char *output
        [2]; /* the end of what its run wrote to standard output and error, raw; NULL: nothing */
};

struct notice {
    const struct alert_config *section; /* borrowed */
    char head[65];                      /* this machine */
    int64_t now;
    struct notice_item *v; /* by alert; one that opened and closed is only closed */
    size_t n;
    size_t output_bytes; /* of all items */
};

/* Reads what the deliveries are about. Start with {.section, .now}; notice_free also after failure. */
int notice_load(struct notice *notice, struct catalogue *cat, const struct delivery *list, size_t n,
                struct err *err);
void notice_free(struct notice *notice);

/* One line about an item; untrusted bytes are escaped. */
void notice_line(const struct notice *notice, const struct notice_item *item, struct buf *out);
/* One line about all of it. */
void notice_subject(const struct notice *notice, struct buf *out);
/* All of it, as far as it is shown, for people. */
void notice_text(const struct notice *notice, struct buf *out);
/* The same for programs: one JSON object. */
void notice_json(const struct notice *notice, struct buf *out);
/* "opened", "open" (a reminder), "closed". */
const char *notice_state(const struct notice_item *item);

#endif
