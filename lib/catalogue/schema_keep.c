/*
 * Schema 5: what prune needs (prune.c), and what tells one WAL from another (wal.c). The catalogue of before was made to be written at a rate; only
 * run_spec is paid by each run, once, when it is made: without it no specification could be taken away, since
 * SQLite would look for its runs in all of them.
 */
#include "schema.h"

const char schema_keep[] =
    /* how long the runs of a specification stay, as its job says it; NULL: as the configuration says */
    "ALTER TABLE spec ADD COLUMN keep_ms INTEGER;"
    "ALTER TABLE spec ADD COLUMN keep_failed_ms INTEGER;"
    "CREATE INDEX spec_keep ON spec (id)"
    "  WHERE keep_ms IS NOT NULL OR keep_failed_ms IS NOT NULL;"
    "CREATE INDEX run_spec ON run (spec);"
    "CREATE INDEX job_spec ON job (spec);"
    /* what goes by its own age, not with its runs */
    "CREATE INDEX event_general ON event (at) WHERE run IS NULL;"
    "CREATE INDEX occurrence_idle ON occurrence (recorded_at) WHERE outcome <> 1;"

    /* runs that were taken away and whose files of output may still be there */
    "CREATE TABLE discarded ("
    "  run INTEGER PRIMARY KEY,"
    "  attempts INTEGER NOT NULL"
    ") STRICT;"

    /* when the last prune had nothing left to do; a young catalogue has nothing to prune */
    "CREATE TABLE pruning ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  pruned_at INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO pruning (one, pruned_at) VALUES (1, strftime('%s') * 1000);"

    /* random; NULL: none was given yet */
    "ALTER TABLE meta ADD COLUMN generation INTEGER;"
    "ALTER TABLE meta ADD COLUMN previous INTEGER;"

    "PRAGMA user_version = 5;";
