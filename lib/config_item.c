#include "config_item.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

int config_each_item(const char *value, void *to, config_reader *read, struct err *err)
{
    int rc = 0;
    while (rc == 0) {
        value += strspn(value, " \t");
        size_t len = strcspn(value, ","), kept = len;
        while (kept && strchr(" \t", value[kept - 1]))
            kept--;
        char *item = xstrndup(value, kept);
        rc = *item ? read(to, item, err)
                   : err_set(err, ERR_CONFIG, "there is nothing between two commas");
        free(item);
        value += len;
        if (!*value++)
            break;
    }
    return rc;
}
