/* schema: the parts of the migrations that more than one of them needs, or that stand in files of their own. */
#ifndef ROTA_CATALOGUE_SCHEMA_H
#define ROTA_CATALOGUE_SCHEMA_H

/* The columns of v_runs as schema 1 has them; later ones are added behind these. */
#define SCHEMA_RUN_COLUMNS                                                                         \
    "  id,"                                                                                        \
    "  job,"                                                                                       \
    "  CASE state WHEN 1 THEN 'held' WHEN 2 THEN 'blocked' WHEN 3 THEN 'queued'"                   \
    "    WHEN 4 THEN 'starting' WHEN 5 THEN 'running' WHEN 6 THEN 'succeeded' WHEN 7 THEN "        \
    "'failed'"                                                                                     \
    "    WHEN 8 THEN 'timeout' WHEN 9 THEN 'cancelled' WHEN 10 THEN 'lost' END AS state,"          \
    "  coalesce(reason, iif(state = 3, (SELECT waiting FROM spec WHERE spec.id = run.spec), "      \
    "NULL))"                                                                                       \
    "    AS reason,"                                                                               \
    "  host,"                                                                                      \
    "  attempt,"                                                                                   \
    "  priority,"                                                                                  \
    "  exit_code,"                                                                                 \
    "  signal,"                                                                                    \
    "  strftime('%Y-%m-%dT%H:%M:%fZ', due_at / 1000.0, 'unixepoch') AS due_at,"                    \
    "  strftime('%Y-%m-%dT%H:%M:%fZ', queued_at / 1000.0, 'unixepoch') AS queued_at,"              \
    "  strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') AS started_at,"            \
    "  strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1000.0, 'unixepoch') AS finished_at,"          \
    "  (finished_at - started_at) / 1000.0 AS duration,"                                           \
    "  submitter,"                                                                                 \
    "  array,"                                                                                     \
    "  idx AS \"index\","                                                                          \
    "  occurrence,"                                                                                \
    "  strftime('%Y-%m-%dT%H:%M:%fZ', not_before / 1000.0, 'unixepoch') AS not_before,"            \
    "  strftime('%Y-%m-%dT%H:%M:%fZ', cancel_at / 1000.0, 'unixepoch') AS cancel_at,"              \
    "  rerun_of,"                                                                                  \
    "  spec,"                                                                                      \
    "  utime_us / 1000000.0 AS user_time,"                                                         \
    "  stime_us / 1000000.0 AS system_time,"                                                       \
    "  maxrss_kb,"                                                                                 \
    "  out_bytes,"                                                                                 \
    "  out_dropped,"                                                                               \
    "  err_bytes,"                                                                                 \
    "  err_dropped"

extern const char schema_monitor[];                               /* 3 */
extern const char schema_groups[], schema_array[], schema_need[]; /* 4, in this order */
extern const char schema_keep[];                                  /* 5 */
extern const char schema_elsewhere[];                             /* 6 */

#endif
