/* escape: makes untrusted bytes harmless for a terminal, TSV and JSON. */
#ifndef ROTA_ESCAPE_H
#define ROTA_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* For a terminal: control characters (C0 but \n and \t if keep_lines, DEL, C1 in UTF-8) and bytes
 * that are not UTF-8 as \xNN; everything else unchanged. */
void escape_terminal(struct buf *out, const char *p, size_t len, bool keep_lines);
/* One TSV field: \t \n \r \\ and control characters as backslash escapes. */
void escape_tsv(struct buf *out, const char *s);
/* A JSON string with its quotes, which is a YAML string too; bytes that are not UTF-8 become U+FFFD. */
void escape_json(struct buf *out, const char *p, size_t len);
/* A word as sh(1) reads it back: in single quotes where it needs them. */
void escape_shell(struct buf *out, const char *word);
/* Whether all bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool escape_is_utf8(const char *p, size_t len);

#endif
