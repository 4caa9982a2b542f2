/* config_keys: the sections and keys of rota.ini, as tables. */
#ifndef ROTA_CONFIG_KEYS_H
#define ROTA_CONFIG_KEYS_H

#include <stddef.h>

#include "config.h"
#include "err.h"

/* Reads the text of `file` into *config, which holds the defaults: all but path and by_name. Adds
 * what is wrong to *errors, all at once; with errors the content of *config is only to be freed. */
void config_parse(const char *file, const char *text, size_t len, struct config *config,
                  struct errlist *errors);

#endif
