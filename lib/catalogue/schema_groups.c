/*
 * Schema 4, with schema_array.c and schema_need.c: runs that belong together. A group is what one job
 * was made into at one time: the elements of an array, or a run on each of several hosts; run.array is
 * the id of its first run, run.idx the place in it.
 */
#include "schema.h"

const char schema_groups[] =
    "ALTER TABLE run ADD COLUMN item TEXT;" /* the element, as its job or its submitter said it */
    "ALTER TABLE run ADD COLUMN shards INTEGER;" /* of each and count: how many runs the group has */
    "ALTER TABLE run ADD COLUMN pin TEXT;"       /* of each: the host that it is for */
    "ALTER TABLE run ADD COLUMN workflow INTEGER;" /* the first run of what was submitted together */
    "CREATE INDEX run_array ON run (array) WHERE array IS NOT NULL;"
    "CREATE INDEX run_workflow ON run (workflow) WHERE workflow IS NOT NULL;"

    /* whether its runs are made from its specification: else a tick need not read that */
    "ALTER TABLE job ADD COLUMN expands INTEGER NOT NULL DEFAULT 0;"

    "DROP VIEW v_runs;"
    "CREATE VIEW v_runs AS SELECT" SCHEMA_RUN_COLUMNS ","
    "  item,"
    "  shards,"
    "  pin,"
    "  workflow,"
    "  unmet"
    " FROM run;";
