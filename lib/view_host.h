/* view_host: the fields of a host: what the configuration says and what the catalogue knows. */
#ifndef ROTA_VIEW_HOST_H
#define ROTA_VIEW_HOST_H

#include "catalogue.h"
#include "config.h"
#include "view.h"

struct host_record {
    const struct host_config *config; /* borrowed */
    struct host known;                /* name NULL: never heard of */
    int used, runs; /* slots taken by the runs that are there, and how many these are */
    char *tags;     /* with commas, owned */
};

/* Records are struct host_record. Fields are only ever added. */
extern const struct view_record view_host_record;

#endif
