#include "internal.h"
#include "schema.h"

/*
 * The monitor. What it looks at is kept by triggers, in the transaction of the change itself, so that no
 * way for a run to end can pass it by: nothing here walks over runs.
 * - tally only grows, also when old runs are pruned; its columns le_… count durations up to so
 *   many seconds and are not cumulative; last_at is the latest end, bytes what was written.
 * - failing has a row for each job whose last end was bad, or that missed an instant since its last success
 *   (streak 0: only that): a success looks there and nowhere else.
 * - news is what happened since the last `monitor check`, which takes it away; where nobody checks, the
 *   newest 20,000 are kept.
 */
const char schema_monitor[] =
    "CREATE TABLE tally ("
    "  job TEXT NOT NULL,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 6 AND 10),"
    "  runs INTEGER NOT NULL,"
    "  duration_ms INTEGER NOT NULL,"
    "  le_1 INTEGER NOT NULL, le_10 INTEGER NOT NULL, le_60 INTEGER NOT NULL,"
    "  le_300 INTEGER NOT NULL, le_1800 INTEGER NOT NULL, le_7200 INTEGER NOT NULL,"
    "  le_43200 INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL,"
    "  last_at INTEGER,"
    "  PRIMARY KEY (job, state)"
    ") STRICT, WITHOUT ROWID;"

    "INSERT INTO tally SELECT job, state, count(*), sum(d), sum(d <= 1000),"
    "  sum(d > 1000 AND d <= 10000), sum(d > 10000 AND d <= 60000),"
    "  sum(d > 60000 AND d <= 300000), sum(d > 300000 AND d <= 1800000),"
    "  sum(d > 1800000 AND d <= 7200000), sum(d > 7200000 AND d <= 43200000), sum(b),"
    "  max(finished_at)"
    "  FROM (SELECT job, state, coalesce(finished_at - started_at, 0) AS d, finished_at,"
    "         coalesce(out_bytes, 0) + coalesce(err_bytes, 0) AS b FROM run WHERE state >= 6)"
    "  GROUP BY job, state;"

    "CREATE TABLE failing ("
    "  job TEXT PRIMARY KEY,"
    "  streak INTEGER NOT NULL," /* bad ends in a row */
    "  since INTEGER NOT NULL,"
    "  run INTEGER" /* the last of them */
    ") STRICT, WITHOUT ROWID;"

    /* of a run: it ended badly, or well after that (streak: bad ends in a row, with this one);
     * of an occurrence: it was missed */
    "CREATE TABLE news ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  at INTEGER NOT NULL,"
    "  run INTEGER,"
    "  streak INTEGER,"
    "  occurrence INTEGER"
    ") STRICT;"

    /* whoever ends a run says when; a trigger on the state would be paid by each claim as well */
    "CREATE TRIGGER run_over AFTER UPDATE OF finished_at ON run"
    " WHEN NEW.state >= 6 AND OLD.state < 6 BEGIN"
    "  INSERT INTO tally"
    "   SELECT NEW.job, NEW.state, 1, d, d <= 1000, d > 1000 AND d <= 10000,"
    "    d > 10000 AND d <= 60000, d > 60000 AND d <= 300000, d > 300000 AND d <= 1800000,"
    "    d > 1800000 AND d <= 7200000, d > 7200000 AND d <= 43200000,"
    "    coalesce(NEW.out_bytes, 0) + coalesce(NEW.err_bytes, 0), NEW.finished_at"
    "    FROM (SELECT coalesce(NEW.finished_at - NEW.started_at, 0) AS d) WHERE true"
    "   ON CONFLICT (job, state) DO UPDATE SET runs = runs + 1,"
    "    duration_ms = duration_ms + excluded.duration_ms, le_1 = le_1 + excluded.le_1,"
    "    le_10 = le_10 + excluded.le_10, le_60 = le_60 + excluded.le_60,"
    "    le_300 = le_300 + excluded.le_300, le_1800 = le_1800 + excluded.le_1800,"
    "    le_7200 = le_7200 + excluded.le_7200, le_43200 = le_43200 + excluded.le_43200,"
    "    bytes = bytes + excluded.bytes, last_at = max(ifnull(last_at, 0), excluded.last_at);"
    "  INSERT INTO failing (job, streak, since, run)"
    "   SELECT NEW.job, 1, coalesce(NEW.finished_at, NEW.queued_at), NEW.id"
    "   WHERE NEW.state IN (7, 8, 10)"
    "   ON CONFLICT (job) DO UPDATE SET streak = streak + 1, run = excluded.run,"
    "    since = iif(streak = 0, excluded.since, since);"
    "  INSERT INTO news (at, run, streak)"
    "   SELECT coalesce(NEW.finished_at, NEW.queued_at), NEW.id, streak FROM failing"
    "   WHERE job = NEW.job AND NEW.state <> 9;"
    "  DELETE FROM failing WHERE job = NEW.job AND NEW.state = 6;"
    " END;"
    "CREATE TRIGGER occurrence_missed AFTER INSERT ON occurrence WHEN NEW.outcome = 3"
    " AND ifnull(NEW.reason, '') NOT GLOB 'paused*' BEGIN"
    "  INSERT INTO news (at, occurrence) VALUES (NEW.recorded_at, NEW.id);"
    "  INSERT INTO failing (job, streak, since) VALUES (NEW.job, 0, NEW.recorded_at)"
    "   ON CONFLICT (job) DO NOTHING;"
    " END;"
    "CREATE TRIGGER occurrence_lapsed AFTER UPDATE OF outcome ON occurrence"
    " WHEN NEW.outcome = 3 AND OLD.outcome <> 3 BEGIN"
    "  INSERT INTO news (at, occurrence) VALUES (strftime('%s') * 1000, NEW.id);"
    "  INSERT INTO failing (job, streak, since) VALUES (NEW.job, 0, strftime('%s') * 1000)"
    "   ON CONFLICT (job) DO NOTHING;"
    " END;"

    "CREATE TRIGGER news_kept AFTER INSERT ON news BEGIN"
    "  DELETE FROM news WHERE id <= NEW.id - 20000;"
    " END;"

    /* one row for each trouble, from when it was noticed until it was over; parent: the larger
     * one that it belongs to and that is told in its place */
    "CREATE TABLE alert ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  rule TEXT NOT NULL,"
    "  subject TEXT NOT NULL," /* a job, a host, a directory, or empty */
    "  detail TEXT,"
    "  run INTEGER,"
    "  host TEXT,"   /* of that run */
    "  notify TEXT," /* the sections that are told, with commas between; NULL: all */
    "  count INTEGER NOT NULL DEFAULT 1,"
    "  parent INTEGER REFERENCES alert (id) ON DELETE SET NULL,"
    "  opened_at INTEGER NOT NULL,"
    "  reminded_at INTEGER,"
    "  closed_at INTEGER"
    ") STRICT;"
    "CREATE UNIQUE INDEX alert_open ON alert (rule, subject) WHERE closed_at IS NULL;"
    "CREATE INDEX alert_closed ON alert (closed_at) WHERE closed_at IS NOT NULL;"
    "CREATE INDEX alert_parent ON alert (parent) WHERE parent IS NOT NULL;"

    /* what is told to a channel; due_at NULL: told, or given up (then error says why); one that is
     * being sent is due later, and has no error */
    "CREATE TABLE delivery ("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  channel TEXT NOT NULL,"
    "  kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3)," /* opened, reminder, closed */
    "  alert INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,"
    "  made_at INTEGER NOT NULL,"
    "  due_at INTEGER,"
    "  tries INTEGER NOT NULL DEFAULT 0,"
    "  sent_at INTEGER,"
    "  error TEXT"
    ") STRICT;"
    "CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;"
    "CREATE INDEX delivery_alert ON delivery (alert, channel);"

    "CREATE TABLE monitor ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  checked_at INTEGER,"  /* the last `monitor check` */
    "  heartbeat_error TEXT" /* why the last heartbeat failed; NULL: it did not */
    ") STRICT;"
    "INSERT INTO monitor (one) VALUES (1);"

    /* of a dispatcher, also of one that has left: when it last wrote (wall clock, ms), and the longest
     * turn of its loop */
    "ALTER TABLE holder ADD COLUMN seen_at INTEGER;"
    "ALTER TABLE holder ADD COLUMN longest_us INTEGER;"

    /* what people ask for a run is looked up by run; what schedules missed, by time. Both are rare. */
    "CREATE INDEX event_run ON event (run) WHERE run IS NOT NULL;"
    "CREATE INDEX occurrence_lost ON occurrence (due_at) WHERE " OCCURRENCE_MISSED ";"

    "CREATE VIEW v_alerts AS SELECT"
    "  id, rule, subject,"
    "  iif(closed_at IS NULL, 'open', 'closed') AS state,"
    "  detail, run, parent,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', opened_at / 1000.0, 'unixepoch') AS opened_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', reminded_at / 1000.0, 'unixepoch') AS reminded_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', closed_at / 1000.0, 'unixepoch') AS closed_at,"
    "  count, host"
    " FROM alert;"

    "CREATE VIEW v_deliveries AS SELECT"
    "  id, channel,"
    "  CASE kind WHEN 1 THEN 'opened' WHEN 2 THEN 'reminder' ELSE 'closed' END AS kind,"
    "  alert,"
    "  CASE WHEN sent_at IS NOT NULL THEN 'sent' WHEN due_at IS NULL THEN 'given up'"
    "    ELSE 'waiting' END AS state,"
    "  tries, error,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', made_at / 1000.0, 'unixepoch') AS made_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', due_at / 1000.0, 'unixepoch') AS due_at,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', sent_at / 1000.0, 'unixepoch') AS sent_at"
    " FROM delivery;"

    "PRAGMA user_version = 3;";
