#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { STEP_MS = 10000 };

const struct transport *transport_of(enum transport_kind kind)
{
    static const struct {
        enum transport_kind kind;
        const struct transport *transport;
    } rows[] = {{TRANSPORT_SSH, &transport_ssh}, {TRANSPORT_LOCAL, &transport_local}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == kind)
            return rows[i].transport;
    return NULL;
}

void link_nonce(struct link *link)
{
    unsigned char random[(sizeof link->nonce - 1) / 2];
    /* this few bytes come whole or, before the kernel has any, not at all: then it waits */
    while (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        if (errno != EINTR)
            abort(); /* no kernel we run on lacks it */
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(link->nonce + 2 * i, 3, "%02x", random[i]);
}

int64_t link_step_ms(void)
{
    const char *seam = getenv("ROTA_TEST_STEP_MS");
    int64_t ms = seam ? strtol(seam, NULL, 10) : 0;
    return ms > 0 ? ms : STEP_MS;
}
