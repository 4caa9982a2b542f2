#include "worker/moment.h"

#include <time.h>

#include "clock.h"
#include "proc.h"

uint64_t moment_boot(void)
{
    char text[PROC_ID_TEXT];
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */
    for (const char *p = proc_boot_id(text); *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3U;
    return hash;
}

int64_t moment_up(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct moment moment_now(uint64_t boot)
{
    return (struct moment){boot, clock_now(), moment_up()};
}

int64_t moment_age(const struct moment *m, uint64_t boot)
{
    int64_t age = m->boot == boot ? moment_up() - m->up : clock_now() - m->wall;
    return age > 0 ? age : 0;
}
