/*
 * The part of schema 4 that arrays need. array_stop has a row only for arrays with stop_after, and
 * run_array_bad only the elements that ended badly: an array of which all goes well pays for neither.
 */
#include "schema.h"

const char schema_array[] = "CREATE TABLE array_stop ("
                            "  array INTEGER PRIMARY KEY,"
                            "  stop_after INTEGER NOT NULL,"
                            "  stopped_at INTEGER" /* NULL: not yet */
                            ") STRICT;"
                            "CREATE INDEX run_array_bad ON run (array)"
                            " WHERE array IS NOT NULL AND state IN (7, 8, 10);";
