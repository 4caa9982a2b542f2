/* zone: names of time zones. */
#ifndef ROTA_ZONE_H
#define ROTA_ZONE_H

#include <stdbool.h>

/* Whether the time zone database ($TZDIR, else /usr/share/zoneinfo) has this zone ("Europe/Berlin";
 * "UTC" always). To be asked before TZ is set: glibc takes a name it does not know for UTC. */
bool zone_exists(const char *name);

#endif
