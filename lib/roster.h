/* roster: the workers of the configuration with what the catalogue knows of each. */
#ifndef ROTA_ROSTER_H
#define ROTA_ROSTER_H

#include "catalogue.h"
#include "config.h"
#include "err.h"
#include "view_host.h"

struct roster {
    struct host_record *v; /* in the order of the configuration, which they borrow from */
    size_t n;
};

/* All workers, nothing known of them. *roster: roster_free. */
void roster_new(const struct config *config, struct roster *roster);
/* Adds what is known and which slots are taken: by each run that is starting or running as many as its
 * specification says, which is read once however many runs have it. */
int roster_read(struct roster *roster, const struct config *config, struct catalogue *cat,
                struct err *err);
void roster_free(struct roster *roster);

#endif
