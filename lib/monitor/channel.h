/* channel: how a notice leaves. Each channel of config_channel.h is a struct in a file of its own. */
#ifndef ROTA_MONITOR_CHANNEL_H
#define ROTA_MONITOR_CHANNEL_H

#include "config.h"
#include "config_channel.h"
#include "monitor/notice.h"
#include "monitor/sender.h"
#include "strlist.h"

struct channel {
    const char *how; /* before its targets, for people: "by mail to" */
    /* Fills the sender with what is to be run to tell the notice to the targets, of which there is one or
     * more. */
    void (*prepare)(const struct config *config, const struct strlist *to,
                    const struct notice *notice, struct sender *sender);
    /* Appends what people may see of a target; NULL: all of it. */
    void (*show)(struct buf *out, const char *target);
};

#define CHANNEL_DECLARATION(constant, key, read) extern const struct channel channel_##key;
ALERT_CHANNELS(CHANNEL_DECLARATION)
#undef CHANNEL_DECLARATION

/* What is to be run to tell the notice to its section. */
void channel_prepare(const struct config *config, const struct notice *notice,
                     struct sender *sender);
/* "by mail to ops@example.com", for people, without what a webhook keeps secret; free. */
char *channel_describe(const struct alert_config *section);

#endif
