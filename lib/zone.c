#include "zone.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xalloc.h"

enum { NAME_LONGEST = 100 };

bool zone_exists(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    char magic[4] = "";
    size_t len = strlen(name);
    if (strcmp(name, "UTC") == 0)
        return true;
    if (!len || len > NAME_LONGEST || name[0] == '/' || name[strspn(name, allowed)])
        return false; /* without dots there is no way out of the directory */
    const char *dir = getenv("TZDIR");
    char *path = xasprintf("%s/%s", dir && dir[0] ? dir : "/usr/share/zoneinfo", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(path);
    if (fd < 0)
        return false;
    bool found = read(fd, magic, sizeof magic) == sizeof magic &&
                 memcmp(magic, "TZif", sizeof magic) == 0; /* RFC 8536; a directory does not read */
    close(fd);
    return found;
}
