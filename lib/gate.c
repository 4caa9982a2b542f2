#include "gate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "xalloc.h"

struct gate {
    char *name;
    int taken;
    struct gate_pass *first; /* who waits, oldest first */
    struct gate *next;
};

static struct gate *gates; /* those that somebody is in or waits at */

static struct gate *find_gate(const char *name)
{
    for (struct gate *g = gates; g; g = g->next)
        if (strcmp(g->name, name) == 0)
            return g;
    struct gate *g = xcalloc(1, sizeof *g);
    g->name = xstrdup(name);
    g->next = gates;
    gates = g;
    return g;
}

static void drop_if_empty(struct gate *gate)
{
    if (gate->taken || gate->first)
        return;
    struct gate **p = &gates;
    while (*p != gate)
        p = &(*p)->next;
    *p = gate->next;
    free(gate->name);
    free(gate);
}

static void stop_waiting(struct gate_pass *pass)
{
    struct gate_pass **p = &pass->gate->first;
    while (*p != pass)
        p = &(*p)->next;
    *p = pass->next;
    pass->next = NULL;
}

int gate_ask(struct gate_pass *pass, const char *name, int limit, struct err *err)
{
    if (pass->gate) {
        if (pass->in && pass->fd >= 0) {
            close(pass->fd);
            pass->fd = -1;
        }
        return pass->in;
    }
    struct gate *gate = find_gate(name);
    pass->fd = -1;
    if (gate->taken < limit) {
        gate->taken++;
        pass->gate = gate;
        pass->in = true;
        return 1;
    }
    pass->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pass->fd < 0)
        return err_sys(err, ERR_OS, "cannot wait for a free place");
    pass->gate = gate;
    struct gate_pass **end = &gate->first;
    while (*end)
        end = &(*end)->next;
    *end = pass;
    return 0;
}

void gate_leave(struct gate_pass *pass)
{
    struct gate *gate = pass->gate;
    if (!gate)
        return;
    if (!pass->in) {
        stop_waiting(pass);
    } else if (gate->first) {
        /* the place goes straight to the next in line: nobody can slip in between */
        struct gate_pass *heir = gate->first;
        uint64_t one = 1;
        stop_waiting(heir);
        heir->in = true;
        ssize_t n = write(heir->fd, &one, sizeof one); /* a fresh eventfd has room for 1 */
        (void)n;
    } else {
        gate->taken--;
    }
    if (pass->fd >= 0)
        close(pass->fd);
    *pass = (struct gate_pass){.fd = -1};
    drop_if_empty(gate);
}
