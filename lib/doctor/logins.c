#include "doctor/logins.h"

#include <stdbool.h>
#include <string.h>

enum { AT_ONCE = 8 }; /* SSH_CONNECTS_MAX and STARTS_MAX of the transports */

static bool by_ssh(const struct host_config *host)
{
    return host->transport == TRANSPORT_SSH || host->transport == TRANSPORT_OPENSSH;
}

size_t logins_hosts(const struct config *config, const struct host_config *host)
{
    size_t n = 0;
    for (size_t i = 0; by_ssh(host) && i < config->nhosts; i++) {
        const struct host_config *other = &config->hosts[i];
        n += by_ssh(other) && other->port == host->port &&
             strcmp(other->address, host->address) == 0;
    }
    return n;
}

size_t logins_at_once(size_t hosts)
{
    return hosts < AT_ONCE ? hosts : AT_ONCE;
}
