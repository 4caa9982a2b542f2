/* replace: a file appears, or changes, as a whole or not at all. */
#ifndef ROTA_REPLACE_H
#define ROTA_REPLACE_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* Writes len bytes to a temporary file in the directory of `path` (".NAME.XXXXXX"), syncs it, and renames
 * it over `path`. ERR_IO, and what was there stays; no temporary file is left. */
int replace_file(const char *path, const void *p, size_t len, mode_t mode, struct err *err);

/* The same where nothing is to be yet: ERR_BUSY when something is. */
int replace_nothing(const char *path, const void *p, size_t len, mode_t mode, struct err *err);

#endif
