/* config_hosts: from [worker] sections to hosts. */
#ifndef ROTA_CONFIG_HOSTS_H
#define ROTA_CONFIG_HOSTS_H

#include <stdbool.h>

#include "config.h"
#include "err.h"

/* A [worker] section as it stands, or the defaults of [ssh]. The hosts are made at the end of the
 * file, because [ssh] may stand after the workers that it is for. */
struct config_worker {
    struct host_config base; /* first; only what the section says, no name or place */
    bool strict_set;
    char *names; /* a host range; NULL: these are the defaults */
    int line;
    unsigned seen; /* bit i: key i of the section's table was there */
};

/* Appends the hosts of a section of `file`, with the defaults for what it does not say. */
void config_add_hosts(struct config *config, const char *file, struct config_worker *worker,
                      const struct config_worker *defaults, struct errlist *errors);
void config_worker_free(struct config_worker *worker);

/* Appends a host with every default, and returns it; name and place are copied. */
struct host_config *config_add_host(struct config *config, const char *name, const char *place);

/* Fills by_name. Two hosts of one name are an error at the second. */
void config_index(struct config *config, struct errlist *errors);

#endif
