#include "config_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "job.h"
#include "xalloc.h"

enum { NOT_SAID = -1 };

struct pool_config *config_add_pool(struct config *config, const char *name, const char *place)
{
    config->pools = xreallocarray(config->pools, config->npools + 1, sizeof *config->pools);
    struct pool_config *pool = &config->pools[config->npools++];
    *pool = (struct pool_config){.name = xstrdup(name), .limit = NOT_SAID, .place = xstrdup(place)};
    return pool;
}

void pool_config_free(struct pool_config *pool)
{
    free(pool->name);
    free(pool->place);
}

const struct pool_config *config_pool(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->npools; i++)
        if (strcmp(config->pools[i].name, name) == 0)
            return &config->pools[i];
    return NULL;
}

static void check_pool(const struct config *config, const struct pool_config *pool, bool whole,
                       struct errlist *errors)
{
    if (!name_is_valid(pool->name))
        errlist_add(errors, ERR_CONFIG, pool->place,
                    "'%s' is no name of a pool: it begins with a letter, goes on with letters, "
                    "digits, . _ - and is not 'last'",
                    pool->name);
    else if (config_pool(config, pool->name) != pool)
        errlist_add(errors, ERR_CONFIG, pool->place, "[pool %s] is there twice, first at %s",
                    pool->name, config_pool(config, pool->name)->place);
    if (pool->limit == NOT_SAID && whole)
        errlist_add(errors, ERR_CONFIG, pool->place,
                    "[pool %s] needs 'limit = N': how many runs of it go on at once", pool->name);
}

void config_check_pools(const struct config *config, struct errlist *errors)
{
    bool whole = !errors->n; /* a limit that does not read was complained about */
    for (size_t i = 0; i < config->npools; i++)
        if (config->pools[i].name[0]) /* else its line was complained about */
            check_pool(config, &config->pools[i], whole, errors);
}
