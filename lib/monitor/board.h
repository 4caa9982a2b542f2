/*
 * board: a page that shows the whole system, for a browser and without a server.
 *
 * DIRECTORY/index.html holds style, program and data; DIRECTORY/output/ID.out.txt and ID.err.txt are copies
 * of what the runs on it wrote (the end of it, BOARD_COPY_BYTES). The names end in .txt so that
 * every web server and browser takes them for text: a job's output is never a page.
 */
#ifndef ROTA_MONITOR_BOARD_H
#define ROTA_MONITOR_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "config.h"
#include "err.h"

enum {
    BOARD_RUNS = 10000,               /* the newest so many are on the page */
    BOARD_PAGE_BYTES = 3000000,       /* the page is smaller than this */
    BOARD_COPY_BYTES = 1 << 20,       /* of each stream's end */
    BOARD_COPIES_BYTES = 64 * 1 << 20 /* of all copies together */
};

struct board_report {
    size_t runs, copies;
    size_t bytes; /* of the page */
};

/* Writes the page and the copies, and takes away copies of runs that are not on it any more.
 *
 * A directory that is missing is made for its owner alone (0700); files may be read by whoever may
 * enter the directory. ERR_IO: something cannot be written, or the directory holds an index.html that is
 * none of ours; ERR_BUSY: another one is writing there; and what the catalogue says. Without a
 * complete new page the old one stays. */
int board_write(struct catalogue *cat, const struct config *config, const char *directory,
                struct board_report *report, struct err *err);

#endif
