/* config_item: values of rota.ini, and those that are several items between commas. */
#ifndef ROTA_CONFIG_ITEM_H
#define ROTA_CONFIG_ITEM_H

#include "err.h"

/* Stores what the text of a key says, or fills err: what is wrong and the mend, without the key. */
typedef int config_reader(void *to, const char *value, struct err *err);

/* Calls read for each item between commas, without the blanks around it, until one is refused. */
int config_each_item(const char *value, void *to, config_reader *read, struct err *err);

#endif
