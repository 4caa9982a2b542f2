/* channel: how a notice leaves: by mail, to a webhook, through a command. */
#ifndef ROTA_MONITOR_CHANNEL_H
#define ROTA_MONITOR_CHANNEL_H

#include "config.h"
#include "monitor/notice.h"
#include "monitor/sender.h"

/* What is to be run to tell the notice to its section. */
void channel_prepare(const struct config *config, const struct notice *notice,
                     struct sender *sender);
/* "by mail to ops@example.com", for people, without what a webhook keeps secret; free. */
char *channel_describe(const struct alert_config *section);
/* A GET of the heartbeat's URL. */
void channel_heartbeat(const char *url, struct sender *sender);

#endif
