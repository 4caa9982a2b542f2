/* config_channel: by what a section [alert NAME] tells: the keys of its channels and their values. */
#ifndef ROTA_CONFIG_CHANNEL_H
#define ROTA_CONFIG_CHANNEL_H

#include "config_item.h"

/* The channels: constant, key of [alert NAME], reader of its value. How one sends is channel_KEY of
 * lib/monitor/channel_KEY.c: all that knows channels is made from this table. */
#define ALERT_CHANNELS(ROW)                                                                        \
    ROW(CHANNEL_MAIL, mail, channel_read_addresses)                                                \
    ROW(CHANNEL_WEBHOOK, webhook, channel_read_url)                                                \
    ROW(CHANNEL_COMMAND, command, channel_read_path)

#define CHANNEL_CONSTANT(constant, key, read) constant,
enum alert_channel { ALERT_CHANNELS(CHANNEL_CONSTANT) CHANNELS };
#undef CHANNEL_CONSTANT

/* "mail, webhook and command", with `suffix` behind each; free. */
char *channel_list(const char *suffix, const char *conjunction);

/* Readers: each adds targets to a struct strlist. */
config_reader channel_read_addresses; /* of mail, between commas */
config_reader channel_read_url;       /* of the web */
config_reader channel_read_path;      /* of a program; "~/" is our home */

/* The same for keys of other sections: to a char *. */
config_reader config_read_address;
config_reader config_read_url;

#endif
