/* config_pool: the [pool] sections of rota.ini: how many runs that name a pool go on at once, over all
 * hosts. */
#ifndef ROTA_CONFIG_POOL_H
#define ROTA_CONFIG_POOL_H

#include "err.h"

struct config;

enum { POOL_LIMIT_MAX = 1000000 };

struct pool_config {
    char *name;  /* first: near_word walks the array */
    int limit;   /* 0: nothing that needs it starts */
    char *place; /* "rota.ini:12", for messages */
};

/* Appends a section whose limit is yet to be read; name and place are copied. */
struct pool_config *config_add_pool(struct config *config, const char *name, const char *place);
void pool_config_free(struct pool_config *pool);
/* The pool of this name, borrowed; NULL when there is none. */
const struct pool_config *config_pool(const struct config *config, const char *name);
/* Adds what is wrong with all of them together. */
void config_check_pools(const struct config *config, struct errlist *errors);

#endif
