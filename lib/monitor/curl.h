/* curl: a request to a server of the web, made by curl(1). */
#ifndef ROTA_MONITOR_CURL_H
#define ROTA_MONITOR_CURL_H

#include "monitor/sender.h"

/* A POST of the sender's body, which is JSON and was written before; without one a GET. An answer that is
 * not 2xx is trouble. */
void curl_prepare(const char *url, struct sender *sender);

#endif
