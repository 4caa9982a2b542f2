/* candidate: ids found through one index, among which a selection of runs lies. */
#ifndef ROTA_CATALOGUE_CANDIDATE_H
#define ROTA_CATALOGUE_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalogue.h"
#include "err.h"

struct ids {
    int64_t *v; /* owner: who declared the struct, free */
    size_t n, cap;
};

/* Leaves each id once, ascending or descending. */
void ids_sort(struct ids *ids, bool down);

struct finder {
    bool (*fits)(const struct run_query *query);
    int (*find)(struct catalogue *cat, const struct run_query *query, struct ids *ids,
                struct err *err);
    const char *sql[2]; /* what find runs, for run_select_plan */
};
/* The most selective finder for a query; NULL: none helps, walk the table. */
const struct finder *finder_of(const struct run_query *query);

#endif
