/*
 * crontab: crontab(5) files become job files. Pure: text in, text out.
 *
 * Lines are comments, settings (NAME = value, which hold for the lines after them) and entries: five
 * fields or a word, in a system crontab (/etc/crontab, /etc/cron.d) a user, and a command, in which %
 * ends the command and begins its standard input, line by line.
 */
#ifndef ROTA_CRONTAB_H
#define ROTA_CRONTAB_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "strlist.h"

struct crontab {
    const char *file;     /* for messages and, of a system crontab, for names */
    bool system;          /* entries have a user field */
    const char *timezone; /* of entries without CRON_TZ; NULL: none is written */
    struct strlist names; /* given so far, so that none is given twice */
    size_t imported, refused;
};

/* Appends one YAML document for each entry, with the comments above it, to out. What cannot be done
 * (@reboot, a malformed line) is a comment in its place and, with line, reason and mend, one of *notes.
 * Call it again for the next file; end with crontab_free. */
void crontab_import(struct crontab *crontab, const char *text, struct buf *out,
                    struct errlist *notes);
void crontab_free(struct crontab *crontab);

#endif
