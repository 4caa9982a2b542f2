/* logins: how many logins dispatch has under way at one address (the gates of the transports). */
#ifndef ROTA_DOCTOR_LOGINS_H
#define ROTA_DOCTOR_LOGINS_H

#include <stddef.h>

#include "config.h"

/* How many hosts of the configuration are reached by ssh at the address and port of this one, it too;
 * 0: it is not reached by ssh. */
size_t logins_hosts(const struct config *config, const struct host_config *host);
/* How many of so many hosts log in at the same time. */
size_t logins_at_once(size_t hosts);

#endif
