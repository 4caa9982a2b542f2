#include <inttypes.h>
#include <sqlite3.h>

#include "internal.h"
#include "schema.h"

/*
 * Every index costs every run, so there are three on run:
 * - run_state is partial: most runs of an old catalogue succeeded, and nobody looks these up by
 *   state. A query names `state <> 6` literally, or SQLite does not see that the index serves it.
 * - run_job is written once a run and never moved.
 * - run_finished is appended to, for --since.
 * A run's spec is text shared by many runs; its hash only finds it, the text itself identifies it.
 */
static const char SCHEMA_1[] =
    "CREATE TABLE meta ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  uuid TEXT NOT NULL,"
    "  epoch INTEGER NOT NULL"
    ") STRICT;"
    "INSERT INTO meta (one, uuid, epoch) VALUES (1, lower(hex(randomblob(16))), 1);"

    "CREATE TABLE spec ("
    "  id INTEGER PRIMARY KEY,"
    "  hash INTEGER NOT NULL," /* FNV-1a 64 of text */
    "  text TEXT NOT NULL,"
    "  waiting TEXT" /* why its queued runs wait: one row, however many they are */
    ") STRICT;"
    "CREATE INDEX spec_hash ON spec (hash);"

    "CREATE TABLE run ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  spec INTEGER NOT NULL REFERENCES spec (id),"
    "  job TEXT NOT NULL,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),"
    "  reason TEXT,"
    "  host TEXT,"
    "  attempt INTEGER NOT NULL DEFAULT 0,"
    "  priority INTEGER NOT NULL DEFAULT 0,"
    "  exit_code INTEGER,"
    "  signal INTEGER,"
    "  due_at INTEGER,"
    "  queued_at INTEGER NOT NULL,"
    "  not_before INTEGER,"
    "  started_at INTEGER,"
    "  finished_at INTEGER,"
    "  cancel_at INTEGER,"
    "  utime_us INTEGER,"
    "  stime_us INTEGER,"
    "  maxrss_kb INTEGER,"
    "  out_bytes INTEGER,"
    "  out_dropped INTEGER,"
    "  err_bytes INTEGER,"
    "  err_dropped INTEGER,"
    "  submitter TEXT,"
    "  rerun_of INTEGER,"
    "  array INTEGER,"
    "  idx INTEGER,"
    "  occurrence INTEGER"
    ") STRICT;"
    "CREATE INDEX run_state ON run (state) WHERE state <> 6;"
    "CREATE INDEX run_job ON run (job);"
    "CREATE INDEX run_finished ON run (finished_at) WHERE finished_at IS NOT NULL;"

    /* state is NULL while the attempt is not over; started_at is then in run */
    "CREATE TABLE attempt ("
    "  run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  attempt INTEGER NOT NULL,"
    "  host TEXT NOT NULL,"
    "  token INTEGER NOT NULL,"
    "  claimed_at INTEGER NOT NULL,"
    "  started_at INTEGER,"
    "  ended_at INTEGER,"
    "  state INTEGER CHECK (state BETWEEN 6 AND 10),"
    "  exit_code INTEGER,"
    "  signal INTEGER,"
    "  reason TEXT,"
    "  PRIMARY KEY (run, attempt)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE host ("
    "  name TEXT PRIMARY KEY,"
    "  state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),"
    "  drained TEXT,"
    "  reason TEXT,"
    "  machine TEXT,"
    "  boot TEXT,"
    "  spool TEXT," /* identity of the spool that last answered */
    "  hostname TEXT,"
    "  system TEXT,"
    "  build TEXT,"
    "  cpus INTEGER,"
    "  load_percent INTEGER,"
    "  mem_total_kb INTEGER,"
    "  mem_free_kb INTEGER,"
    "  disk_free_kb INTEGER,"
    "  skew_ms INTEGER,"
    "  seen_at INTEGER,"
    "  state_at INTEGER"
    ") STRICT, WITHOUT ROWID;"

    /* AUTOINCREMENT: the dispatcher follows ids, so none may come back after a prune */
    "CREATE TABLE event ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at INTEGER NOT NULL,"
    "  run INTEGER,"
    "  kind TEXT NOT NULL,"
    "  actor TEXT,"
    "  detail TEXT"
    ") STRICT;"

    /* pid NULL: nobody holds the catalogue; the fence outlives every holder */
    "CREATE TABLE holder ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  boot TEXT,"
    "  pid INTEGER,"
    "  pid_space INTEGER,"
    "  start INTEGER,"
    "  host TEXT,"
    "  fence INTEGER NOT NULL,"
    "  since INTEGER,"
    "  expires INTEGER" /* CLOCK_MONOTONIC of that boot, ms */
    ") STRICT;"
    "INSERT INTO holder (one, fence) VALUES (1, 0);"

    "CREATE VIEW v_runs AS SELECT" SCHEMA_RUN_COLUMNS " FROM run;"

    "CREATE VIEW v_attempts AS SELECT"
    "  attempt.run,"
    "  attempt.attempt,"
    "  attempt.host,"
    "  CASE coalesce(attempt.state, run.state)"
    "    WHEN 4 THEN 'starting' WHEN 5 THEN 'running' WHEN 6 THEN 'succeeded' WHEN 7 THEN 'failed'"
    "    WHEN 8 THEN 'timeout' WHEN 9 THEN 'cancelled' WHEN 10 THEN 'lost' END AS state,"
    "  iif(attempt.state IS NULL, run.reason, attempt.reason) AS reason,"
    "  attempt.exit_code,"
    "  attempt.signal,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', attempt.claimed_at / 1000.0, 'unixepoch') AS claimed_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', iif(attempt.state IS NULL, run.started_at,"
    "    attempt.started_at) / 1000.0, 'unixepoch') AS started_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', attempt.ended_at / 1000.0, 'unixepoch') AS finished_at,"
    "  (attempt.ended_at - attempt.started_at) / 1000.0 AS duration"
    " FROM attempt JOIN run ON run.id = attempt.run;"

    "CREATE VIEW v_hosts AS SELECT"
    "  name,"
    "  CASE state WHEN 1 THEN 'up' WHEN 2 THEN 'down' ELSE 'unknown' END AS state,"
    "  drained,"
    "  reason,"
    "  machine,"
    "  boot,"
    "  hostname,"
    "  system,"
    "  build,"
    "  cpus,"
    "  load_percent / 100.0 AS load,"
    "  mem_total_kb,"
    "  mem_free_kb,"
    "  disk_free_kb,"
    "  skew_ms / 1000.0 AS skew,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', seen_at / 1000.0, 'unixepoch') AS seen_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', state_at / 1000.0, 'unixepoch') AS state_at"
    " FROM host;"

    "PRAGMA user_version = 1;";

/*
 * Schedules. job_next serves a tick: nothing due is one search, however many jobs there are.
 * run_active and run_blocked serve the overlap policy: whether a job has a run that is not over, and which
 * of those that wait for it is the next, without walking over the others.
 * run_start_by holds only runs with a deadline that have not started.
 */
static const char SCHEMA_2[] =
    "CREATE TABLE job ("
    "  name TEXT PRIMARY KEY,"
    "  spec INTEGER NOT NULL REFERENCES spec (id),"
    "  priority INTEGER NOT NULL DEFAULT 0,"
    "  timetable TEXT," /* see timetable.h; NULL: runs only when asked for */
    "  jitter_ms INTEGER NOT NULL DEFAULT 0,"
    "  deadline_ms INTEGER NOT NULL DEFAULT 0," /* 0: none */
    "  catch_up INTEGER NOT NULL DEFAULT 0 CHECK (catch_up BETWEEN 0 AND 1),"
    "  overlap INTEGER NOT NULL DEFAULT 0 CHECK (overlap BETWEEN 0 AND 3),"
    "  next_at INTEGER," /* the first instant that has no occurrence yet; NULL: never again */
    "  last_at INTEGER," /* the last that has one */
    "  paused_at INTEGER,"
    "  paused TEXT,"
    "  skip INTEGER NOT NULL DEFAULT 0 CHECK (skip BETWEEN 0 AND 1),"
    "  aside TEXT," /* why its timetable could not be read; tried again by the next dispatcher */
    "  source TEXT,"
    "  added_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX job_next ON job (next_at) WHERE next_at IS NOT NULL AND aside IS NULL;"
    "CREATE INDEX job_aside ON job (name) WHERE aside IS NOT NULL;"

    /* one row for each instant at which a schedule was due */
    "CREATE TABLE occurrence ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  job TEXT NOT NULL,"
    "  due_at INTEGER NOT NULL,"
    "  outcome INTEGER NOT NULL CHECK (outcome BETWEEN 1 AND 4),"
    "  reason TEXT,"
    "  recorded_at INTEGER NOT NULL,"
    "  UNIQUE (job, due_at)"
    ") STRICT;"

    "ALTER TABLE run ADD COLUMN start_by INTEGER;" /* missed when it has not started by then */
    "CREATE INDEX run_active ON run (job) WHERE state < 6 AND state <> 2;"
    "CREATE INDEX run_blocked ON run (job, id) WHERE state = 2 AND occurrence IS NOT NULL;"
    "CREATE INDEX run_start_by ON run (start_by) WHERE start_by IS NOT NULL AND state < 4;"
    "CREATE INDEX run_occurrence ON run (occurrence) WHERE occurrence IS NOT NULL;"

    "CREATE VIEW v_jobs AS SELECT"
    "  name,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', next_at / 1000.0, 'unixepoch') AS next_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', last_at / 1000.0, 'unixepoch') AS last_at,"
    "  timetable,"
    "  jitter_ms / 1000.0 AS jitter,"
    "  nullif(deadline_ms, 0) / 1000.0 AS deadline,"
    "  CASE catch_up WHEN 0 THEN 'last' ELSE 'all' END AS catch_up,"
    "  CASE overlap WHEN 0 THEN 'forbid' WHEN 1 THEN 'allow' WHEN 2 THEN 'queue' ELSE 'replace' END"
    "    AS overlap,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', paused_at / 1000.0, 'unixepoch') AS paused_at,"
    "  paused,"
    "  skip,"
    "  aside,"
    "  source,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', added_at / 1000.0, 'unixepoch') AS added_at,"
    "  priority,"
    "  spec"
    " FROM job;"

    "CREATE VIEW v_occurrences AS SELECT"
    "  id,"
    "  job,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', due_at / 1000.0, 'unixepoch') AS due_at,"
    "  CASE outcome WHEN 1 THEN 'ran' WHEN 2 THEN 'skipped' WHEN 3 THEN 'missed'"
    "    WHEN 4 THEN 'coalesced' END AS outcome,"
    "  reason,"
    "  (SELECT group_concat(run.id) FROM run WHERE run.occurrence = occurrence.id) AS runs,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', recorded_at / 1000.0, 'unixepoch') AS recorded_at"
    " FROM occurrence;"

    "PRAGMA user_version = 2;";

/* migrations[n], one after the other, bring schema n to n + 1; the last says so in user_version. */
static const char *const migrations[CATALOGUE_SCHEMA][4] = {
    {SCHEMA_1},    {SCHEMA_2},        {schema_monitor}, {schema_groups, schema_array, schema_need},
    {schema_keep}, {schema_elsewhere}};

int schema_version(struct catalogue *cat, int64_t *version, struct err *err)
{
    return statement_int(cat, "PRAGMA user_version", NO_VALUES, 0, version, err);
}

int schema_refuse(const struct catalogue *cat, int64_t version, struct err *err)
{
    if (version <= CATALOGUE_SCHEMA)
        return 0;
    return err_set(err, ERR_CONFIG,
                   "the catalogue %s was written by a newer rota (schema %" PRId64
                   ", this program knows %d): upgrade rota",
                   cat->path, version, CATALOGUE_SCHEMA);
}

int catalogue_refuse(struct catalogue *cat, struct err *err)
{
    int64_t version;
    int rc = schema_version(cat, &version, err);
    return rc < 0 ? rc : schema_refuse(cat, version, err);
}

int schema_migrate(struct catalogue *cat, struct err *err)
{
    int64_t version = 0;
    int rc = catalogue_begin(cat, err);
    if (rc < 0)
        return rc;
    /* read again under the lock: another process may have migrated it meanwhile */
    rc = schema_version(cat, &version, err);
    for (; rc == 0 && version >= 0 && version < CATALOGUE_SCHEMA; version++)
        for (const char *const *text = migrations[version]; rc == 0 && *text; text++)
            if (sqlite3_exec(cat->db, *text, NULL, NULL, NULL) != SQLITE_OK)
                rc = catalogue_fail(cat, err);
    if (rc == 0)
        rc = catalogue_commit(cat, err);
    catalogue_rollback(cat);
    return rc;
}
