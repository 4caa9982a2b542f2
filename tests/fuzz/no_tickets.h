/* no_tickets: stands in for the tickets of runs that Slurm carries and for its carrier, where no run is carried. */
#ifndef ROTA_FUZZ_NO_TICKETS_H
#define ROTA_FUZZ_NO_TICKETS_H

#include <stdlib.h>

#include "worker/carrier.h"
#include "worker/ticket.h"

int carrier_lock(const char *spool)
{
    (void)spool;
    abort();
}

void carrier_wake(const char *spool, const char *build)
{
    (void)spool, (void)build;
    abort();
}

void carrier_main(const struct carrier_task *task)
{
    (void)task;
    abort();
}

void tickets_sweep(const char *base)
{
    (void)base;
}

void tickets_each(const char *base, void (*each)(const char *name, void *arg), void *arg)
{
    (void)base, (void)each, (void)arg;
}

void ticket_name(struct message_key key, char name[TICKET_NAME])
{
    (void)key, (void)name;
    abort();
}

bool ticket_key(const char *name, struct message_key *key)
{
    (void)name, (void)key;
    abort();
}

bool ticket_has(const char *base, const char *name, const char *file)
{
    (void)base, (void)name, (void)file;
    abort();
}

bool ticket_get(const char *base, const char *name, const char *file, size_t max, struct buf *out)
{
    (void)base, (void)name, (void)file, (void)max, (void)out;
    abort();
}

bool ticket_get_record(const char *base, const char *name, const char *file, struct record *record)
{
    (void)base, (void)name, (void)file, (void)record;
    abort();
}

struct order *ticket_read(const char *base, const char *name)
{
    (void)base, (void)name;
    abort();
}

int ticket_write(const char *base, const struct order *order, const struct message *start,
                 struct err *err)
{
    (void)base, (void)order, (void)start, (void)err;
    abort();
}

void ticket_remove(const char *base, const char *name)
{
    (void)base, (void)name;
    abort();
}

#endif
