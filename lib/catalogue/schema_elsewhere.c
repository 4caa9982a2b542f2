/*
 * Schema 6: where a run was carried to when its host handed it on (Slurm). A table of its own, since few runs are, and
 * the others are not to pay for it.
 */
#include "schema.h"

const char schema_elsewhere[] =
    "CREATE TABLE elsewhere ("
    "  run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  attempt INTEGER NOT NULL,"
    "  nodes TEXT,"       /* a host range; NULL: not known yet */
    "  external_id TEXT," /* its name there: 'slurm 1234_5' */
    "  PRIMARY KEY (run, attempt)"
    ") STRICT, WITHOUT ROWID;"
    "DROP VIEW v_runs;"
    "CREATE VIEW v_runs AS SELECT" SCHEMA_RUN_COLUMNS ","
    "  item,"
    "  shards,"
    "  pin,"
    "  workflow,"
    "  unmet,"
    "  (SELECT nodes FROM elsewhere AS e WHERE e.run = run.id AND e.attempt = run.attempt) AS "
    "nodes,"
    "  (SELECT external_id FROM elsewhere AS e WHERE e.run = run.id AND e.attempt = run.attempt)"
    "    AS external_id"
    " FROM run;"

    "PRAGMA user_version = 6;";
