/*
 * internal: what the files of lib/catalogue share. Nothing else includes this or sqlite3.h
 * (their unit tests do).
 *
 * SQLite keeps POSIX locks on the catalogue file, and POSIX drops a process's locks when *any*
 * descriptor of that file is closed: nothing here opens the file other than through SQLite, not
 * even to look at it (stat and statfs take no descriptor).
 */
#ifndef ROTA_CATALOGUE_INTERNAL_H
#define ROTA_CATALOGUE_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include "buf.h"
#include "catalogue.h"
#include "err.h"

enum {
    CATALOGUE_APPLICATION = 0x726f7461, /* application_id: "rota" */
    CATALOGUE_SCHEMA = 6,               /* user_version that this program writes */
    BATCH = 1000,                       /* rows read before the read transaction is let go */
};

struct statement {
    const char *sql; /* the address is the key: one per text in the source */
    sqlite3_stmt *stmt;
};

struct catalogue {
    sqlite3 *db;
    sqlite3 *locker; /* holds the write lock during a checkpoint; opened at its first use */
    char *path;
    enum catalogue_mode mode;
    uid_t owner;
    int busy_ms;   /* how long db waits for somebody else's transaction */
    int wal_pages; /* in the WAL after our last commit, checkpointed or not */
    bool stamps;   /* its commits go into a WAL: see wal.c */
    int changes;   /* rows that were changed before this transaction */
    int64_t epoch;
    int64_t settled; /* runs that settling has queued or cancelled */
    char uuid[33];
    struct statement *statements;
    size_t nstatements;
};

/* ---- seams for tests ---- */
extern int catalogue_busy_ms; /* busy_ms of a connection that is opened */
extern int (*catalogue_statfs)(const char *path, struct statfs *fs);

/* ---- statement.c: each text is prepared once a connection, at its first use ---- */

/* A value to bind; text is borrowed until the statement ends. */
struct value {
    enum { VALUE_NULL, VALUE_INT, VALUE_TEXT } type;
    int64_t number;
    const char *text;
    size_t len;
};
struct value as_int(int64_t number);
struct value as_opt(int64_t number);    /* 0: NULL */
struct value as_text(const char *text); /* NULL: NULL */
#define VALUES(...)                                                                                \
    (const struct value[]){__VA_ARGS__},                                                           \
        sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)
#define NO_VALUES NULL, 0

/* Which occurrences were missed: not those that lapsed because somebody paused their job, which is that
 * person's matter (schedule.c says so in the reason). For SQL, and in the index that serves it. */
#define OCCURRENCE_MISSED "outcome = 3 AND ifnull(reason, '') NOT GLOB 'paused*'"

/* Fills err from the connection's last error and returns its ERR_*. */
int catalogue_fail(const struct catalogue *cat, struct err *err);
/* Says why it may not be written; ERR_IO. */
int catalogue_readonly(const struct catalogue *cat, struct err *err);
/* Prepares `sql` and binds n values. Then statement_next until it returns 0 or fails, or
 * statement_end. */
int statement_start(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                    sqlite3_stmt **stmt, struct err *err);
/* 1: a row is there; 0: no more, the statement has ended; negative: failed, and ended. */
int statement_next(const struct catalogue *cat, sqlite3_stmt *stmt, struct err *err);
void statement_end(sqlite3_stmt *stmt);
/* One write; only in a transaction (else ERR_BUG). Returns how many rows it changed. */
int statement_write(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                    struct err *err);
/* One integer: of the first column of the first row, `absent` when there is none. */
int statement_int(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                  int64_t absent, int64_t *number, struct err *err);
/* The column as an owned string; NULL for NULL. */
char *column_text(sqlite3_stmt *stmt, int column);
/* Appends the lines of EXPLAIN QUERY PLAN. */
void statement_plan(const struct catalogue *cat, const char *sql, struct buf *out);
void statements_free(struct catalogue *cat);

/* ---- open.c ---- */
/* A connection with our settings; the caller closes it also after a failure. */
int catalogue_connect(struct catalogue *cat, int flags, sqlite3 **db, struct err *err);
/* ---- vfs.c ---- */
/* The name of the vfs to open a catalogue with; NULL: SQLite's own. */
const char *catalogue_vfs(void);
/* ---- wal.c ---- */
/* At the end of a transaction that writes: the generation of the WAL that it may begin. */
int wal_stamp(struct catalogue *cat, struct err *err);
/* Whether the file and its WAL are of one catalogue, whose schema is `version`; ERR_IO. Changes neither. */
int wal_check(struct catalogue *cat, int64_t version, struct err *err);
/* Gives a copy that was just made of the catalogue a generation of its own. Nothing else may have the copy
 * open, and this connection is to be closed next. ERR_IO. */
int wal_part(sqlite3 *copy, struct err *err);
/* ---- refuse.c ---- */
/* Whether a catalogue is there (*there); refuses a place where none may be. */
int catalogue_inspect(const char *path, enum catalogue_mode mode, bool *there, struct err *err);
/* ---- create.c ---- */
/* Makes a whole catalogue appear at path at once; fine when somebody else was first. */
int catalogue_create(const char *path, struct err *err);
/* ---- schema.c ---- */
int schema_version(struct catalogue *cat, int64_t *version, struct err *err);
/* ERR_CONFIG: of a newer rota. */
int schema_refuse(const struct catalogue *cat, int64_t version, struct err *err);
/* Brings the catalogue to CATALOGUE_SCHEMA. No transaction may be open. */
int schema_migrate(struct catalogue *cat, struct err *err);

/* array.c: a run was recorded as failed, timeout or lost. When it is the one after which its array is to
 * stop, the elements that have not started are cancelled. In a transaction. */
int array_ended_badly(struct catalogue *cat, int64_t run, struct err *err);

/* takeover.c: a copy takes over, see holder_take_over. In a transaction. */
int takeover_record(struct catalogue *cat, const char *actor, int64_t *held, struct err *err);

/* run.c: records a starting or running run as lost ("declared lost by ACTOR"). ERR_ANSWER when it
 * is neither. In a transaction. */
int run_declare_lost(struct catalogue *cat, int64_t id, const char *actor, int64_t at,
                     struct err *err);

#endif
