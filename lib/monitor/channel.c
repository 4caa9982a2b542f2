#include "monitor/channel.h"

#define CHANNEL_OF(constant, key, read) [constant] = &channel_##key,
static const struct channel *const channels[CHANNELS] = {ALERT_CHANNELS(CHANNEL_OF)};

void channel_prepare(const struct config *config, const struct notice *notice,
                     struct sender *sender)
{
    enum alert_channel i = alert_channel(notice->section);
    channels[i]->prepare(config, &notice->section->to[i], notice, sender);
}

char *channel_describe(const struct alert_config *section)
{
    enum alert_channel i = alert_channel(section);
    const struct strlist *to = &section->to[i];
    struct buf out = {0};
    buf_addstr(&out, channels[i]->how);
    for (size_t n = 0; n < to->n; n++) {
        buf_addstr(&out, n ? ", " : " ");
        if (channels[i]->show)
            channels[i]->show(&out, to->v[n]);
        else
            buf_addstr(&out, to->v[n]);
    }
    buf_str(&out);
    return buf_detach(&out);
}
