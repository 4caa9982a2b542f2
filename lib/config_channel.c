#include "config_channel.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "near.h"
#include "strlist.h"
#include "xalloc.h"

char *channel_list(const char *suffix, const char *conjunction)
{
#define CHANNEL_NAME(constant, key, read) #key,
    static const char *const names[CHANNELS] = {ALERT_CHANNELS(CHANNEL_NAME)};
#undef CHANNEL_NAME
    return near_all(names, CHANNELS, sizeof *names, suffix, conjunction);
}

/* ---- values ---- */

/* What stands in a header, and cannot be anything else there. */
static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || !at[1] || strchr(at + 1, '@') || text[0] == '-')
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f ||
            strchr("<>()[],;:\"\\", *text))
            return false;
    return true;
}

int config_read_address(void *to, const char *value, struct err *err)
{
    if (!is_address(value))
        return err_set(err, ERR_CONFIG, "'%s' is no address (write ops@example.com)", value);
    *(char **)to = xstrdup(value);
    return 0;
}

int config_read_url(void *to, const char *value, struct err *err)
{
    const char *host = strncmp(value, "https://", 8) == 0  ? value + 8
                       : strncmp(value, "http://", 7) == 0 ? value + 7
                                                           : "";
    const char *c = host;
    while (isgraph((unsigned char)*c))
        c++;
    if (!*host || *host == '/' || *c)
        return err_set(err, ERR_CONFIG, "'%s' is no address of the web (write https://…)", value);
    *(char **)to = xstrdup(value);
    return 0;
}

/* ---- targets ---- */

static int add_one(void *to, config_reader *read, const char *value, struct err *err)
{
    char *target = NULL;
    int rc = read(&target, value, err);
    if (rc == 0)
        strlist_take(to, target);
    return rc;
}

static int add_address(void *to, const char *item, struct err *err)
{
    return add_one(to, config_read_address, item, err);
}

int channel_read_addresses(void *to, const char *value, struct err *err)
{
    return config_each_item(value, to, add_address, err);
}

int channel_read_url(void *to, const char *value, struct err *err)
{
    return add_one(to, config_read_url, value, err);
}

int channel_read_path(void *to, const char *value, struct err *err)
{
    char *path = io_expand_home(value);
    if (path[0] == '/') {
        strlist_take(to, path);
        return 0;
    }
    free(path);
    return err_set(err, ERR_CONFIG, "is to be the path of a program from / or ~/, not '%s'", value);
}
