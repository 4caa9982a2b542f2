/*
 * The part of schema 4 that is about runs that wait for others, and what they are told by
 * them.
 *
 * A run's needs are clauses, all of which must hold; a clause holds when one of its needs is met. A need
 * is on one run (scope 1); on a whole group (2: parent is run.array of it); on one run in the place of its
 * group (3: an element that had done its part before the others were run again). One on a job that has no
 * run on its day yet has no parent, but the day.
 *
 * What is paid by whom: run.awaited is set only for runs that somebody needs, so all others pay for the
 * triggers with a look at a column that is NULL. Whatever changes such a run, the trigger puts it
 * into `settling` in the transaction of the change, and catalogue_commit settles what is there: no way for
 * a run to end can pass that by, and no crash can come between.
 *
 * Whoever removes runs leaves alone those that a run which is not over needs: they have values for it.
 */
#include "schema.h"

const char schema_need[] =
    /* clauses that do not hold yet, 0: it waits for nothing any more; NULL: it never did */
    "ALTER TABLE run ADD COLUMN unmet INTEGER;"
    /* 1: somebody needs it; 2: and its start was seen to; 3: and its end was; NULL: nobody does */
    "ALTER TABLE run ADD COLUMN awaited INTEGER;"
    "CREATE TABLE need ("
    "  run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  clause INTEGER NOT NULL,"
    "  place INTEGER NOT NULL,"
    "  parent INTEGER,"
    "  scope INTEGER NOT NULL CHECK (scope BETWEEN 1 AND 3),"
    "  condition INTEGER NOT NULL CHECK (condition BETWEEN 1 AND 4),"
    "  job TEXT NOT NULL,"
    "  met INTEGER," /* 1: it is; 0: it cannot be met any more; NULL: open */
    "  day TEXT,"    /* while there is no parent: its local day, and the instants of that */
    "  since INTEGER,"
    "  until INTEGER,"
    "  PRIMARY KEY (run, clause, place)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX need_parent ON need (parent, scope, condition) WHERE parent IS NOT NULL;"
    "CREATE INDEX need_job ON need (job) WHERE parent IS NULL AND met IS NULL;"
    "CREATE INDEX need_until ON need (until) WHERE parent IS NULL AND met IS NULL;"

    /* of each group that is needed as a whole: how many of its runs have not started, are not
     * over, have not succeeded, failed */
    "CREATE TABLE team ("
    "  id INTEGER PRIMARY KEY,"
    "  unstarted INTEGER NOT NULL,"
    "  open INTEGER NOT NULL,"
    "  bad INTEGER NOT NULL,"
    "  failed INTEGER NOT NULL,"
    "  never INTEGER NOT NULL" /* over without having started */
    ") STRICT;"

    "CREATE TABLE settling (run INTEGER PRIMARY KEY) STRICT;"
    "CREATE TRIGGER run_settles AFTER UPDATE OF finished_at ON run"
    " WHEN NEW.awaited < 3 AND NEW.state >= 6 BEGIN"
    "  INSERT OR IGNORE INTO settling (run) VALUES (NEW.id);"
    " END;"
    "CREATE TRIGGER run_starts AFTER UPDATE OF started_at ON run"
    " WHEN NEW.awaited < 2 AND NEW.started_at IS NOT NULL BEGIN"
    "  INSERT OR IGNORE INTO settling (run) VALUES (NEW.id);"
    " END;"

    /* what a run has told those that come after it */
    "CREATE TABLE value ("
    "  run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  key TEXT NOT NULL,"
    "  value TEXT NOT NULL,"
    "  team INTEGER," /* the run's group, NULL: none; most runs of a group tell nothing */
    "  PRIMARY KEY (run, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX value_team ON value (team) WHERE team IS NOT NULL;"

    /* the overlap policy looks at what it blocks itself, and at what waits for others apart */
    "DROP INDEX run_blocked;"
    "CREATE INDEX run_blocked ON run (job, id)"
    "  WHERE state = 2 AND occurrence IS NOT NULL AND ifnull(unmet, 0) = 0;"
    "CREATE INDEX run_needy ON run (job, id) WHERE state = 2 AND unmet > 0;"

    "CREATE VIEW v_needs AS SELECT"
    "  run, clause, parent,"
    "  CASE scope WHEN 1 THEN 'run' WHEN 2 THEN 'group' ELSE 'element' END AS scope,"
    "  job,"
    "  CASE condition WHEN 1 THEN 'succeeded' WHEN 2 THEN 'failed' WHEN 3 THEN 'finished'"
    "    ELSE 'started' END AS condition,"
    "  CASE met WHEN 1 THEN 'met' WHEN 0 THEN 'failed' ELSE 'open' END AS state,"
    "  day"
    " FROM need;"
    "CREATE VIEW v_values AS SELECT run, key, value FROM value;"

    "PRAGMA user_version = 4;";
