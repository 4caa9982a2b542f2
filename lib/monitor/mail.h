/* mail: a message as sendmail -t reads it (RFC 5322, 2045, 2047). */
#ifndef ROTA_MONITOR_MAIL_H
#define ROTA_MONITOR_MAIL_H

#include "buf.h"
#include "strlist.h"

/* Appends the headers and the body. Addresses were checked by the configuration; from NULL: the mail
 * system's choice. Subject and body are any UTF-8 text: what a header cannot hold is encoded, so that
 * no text can begin a header of its own. */
void mail_write(struct buf *out, const struct strlist *to, const char *from, const char *subject,
                const char *body);

#endif
