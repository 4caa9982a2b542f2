/* base64: as in RFC 4648, with padding. */
#ifndef ROTA_BASE64_H
#define ROTA_BASE64_H

#include <stddef.h>

#include "buf.h"

/* Appends. Decoding skips white space, and stops at the first character that is not base64; the
 * number of characters that were read. */
void base64_encode(struct buf *out, const void *p, size_t len);
size_t base64_decode(struct buf *out, const char *text, size_t len);

#endif
