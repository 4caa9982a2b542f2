#include "worker/leavings.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void leavings_each(int cells, const char *suffix, leavings_live *is_live, const void *live_arg,
                   void (*each)(int cells, uint32_t cell, uint64_t token, void *arg), void *arg)
{
    int fd = openat(cells, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir)
        close(fd);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        char *end, *dot;
        uint32_t cell = (uint32_t)strtoul(entry->d_name, &dot, 10);
        uint64_t token = *dot == '.' ? strtoull(dot + 1, &end, 16) : 0;
        if (*dot == '.' && strcmp(end, suffix) == 0 && !is_live(cell, token, live_arg))
            each(cells, cell, token, arg);
    }
    if (dir)
        (void)closedir(dir);
}
