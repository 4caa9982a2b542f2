#include "transport.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

enum { STEP_MS = 10000 };

const struct transport *transport_of(enum transport_kind kind)
{
    static const struct transport *const rows[] = {
        [TRANSPORT_SSH] = &transport_ssh,
        [TRANSPORT_LOCAL] = &transport_local,
        [TRANSPORT_OPENSSH] = &transport_openssh,
        [TRANSPORT_EXEC] = &transport_exec,
    };
    return rows[kind];
}

int link_wait_open(struct link_wait *wait, struct err *err)
{
    wait->watched = -1;
    wait->set = epoll_create1(EPOLL_CLOEXEC);
    return wait->set < 0 ? err_sys(err, ERR_OS, "cannot make an epoll set") : 0;
}

void link_wait_for(struct link_wait *wait, int fd, short events)
{
    struct epoll_event ev = {.data.fd = fd};
    ev.events = (events & POLLIN ? EPOLLIN : 0u) | (events & POLLOUT ? EPOLLOUT : 0u);
    if (wait->watched >= 0 && wait->watched != fd)
        (void)epoll_ctl(wait->set, EPOLL_CTL_DEL, wait->watched, NULL); /* may be closed already */
    wait->watched = fd;
    if (fd >= 0 && epoll_ctl(wait->set, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT)
        (void)epoll_ctl(wait->set, EPOLL_CTL_ADD, fd, &ev);
}

void link_wait_close(struct link_wait *wait)
{
    if (wait->set >= 0)
        close(wait->set);
    wait->set = -1;
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
