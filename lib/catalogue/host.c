#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "rows.h"
#include "xalloc.h"

/* Every string of the struct, so that copying and freeing cannot forget one. */
enum { HOST_TEXTS = 9 };

static void texts_of(struct host *host, char **texts[HOST_TEXTS])
{
    char **const all[HOST_TEXTS] = {&host->name,    &host->drained, &host->reason,
                                    &host->machine, &host->boot,    &host->hostname,
                                    &host->system,  &host->build,   &host->spool};
    memcpy(texts, all, sizeof all);
}

struct host host_copy(const struct host *host)
{
    struct host copy = *host;
    char **texts[HOST_TEXTS];
    texts_of(&copy, texts);
    for (size_t i = 0; i < HOST_TEXTS; i++)
        if (*texts[i])
            *texts[i] = xstrdup(*texts[i]);
    return copy;
}

void host_free(struct host *host)
{
    char **texts[HOST_TEXTS];
    texts_of(host, texts);
    for (size_t i = 0; i < HOST_TEXTS; i++)
        free(*texts[i]);
    *host = (struct host){0};
}

int host_put(struct catalogue *cat, const struct host *host, struct err *err)
{
    static const char PUT[] =
        "INSERT INTO host (name, state, reason, machine, boot, hostname, system, build, cpus,"
        " load_percent, mem_total_kb, mem_free_kb, disk_free_kb, skew_ms, seen_at, state_at, spool)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
        " ON CONFLICT (name) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
        " machine = excluded.machine, boot = excluded.boot, hostname = excluded.hostname,"
        " system = excluded.system, build = excluded.build, cpus = excluded.cpus,"
        " load_percent = excluded.load_percent, mem_total_kb = excluded.mem_total_kb,"
        " mem_free_kb = excluded.mem_free_kb, disk_free_kb = excluded.disk_free_kb,"
        " skew_ms = excluded.skew_ms, seen_at = excluded.seen_at, state_at = excluded.state_at,"
        " spool = excluded.spool";
    int rc = statement_write(
        cat, PUT,
        VALUES(as_text(host->name), as_int(host->state), as_text(host->reason),
               as_text(host->machine), as_text(host->boot), as_text(host->hostname),
               as_text(host->system), as_text(host->build), as_int(host->cpus),
               as_int(host->load_percent), as_int(host->mem_total_kb), as_int(host->mem_free_kb),
               as_int(host->disk_free_kb), as_int(host->skew_ms), as_opt(host->seen_at),
               as_opt(host->state_at), as_text(host->spool)),
        err);
    return rc < 0 ? rc : 0;
}

int host_learn(struct catalogue *cat, const struct host *host, struct err *err)
{
    static const char LEARN[] =
        "INSERT INTO host (name, hostname, system, build, cpus, load_percent, mem_total_kb,"
        " mem_free_kb, disk_free_kb, skew_ms, seen_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT (name) DO UPDATE SET hostname = excluded.hostname,"
        " system = excluded.system, build = excluded.build, cpus = excluded.cpus,"
        " load_percent = excluded.load_percent, mem_total_kb = excluded.mem_total_kb,"
        " mem_free_kb = excluded.mem_free_kb, disk_free_kb = excluded.disk_free_kb,"
        " skew_ms = excluded.skew_ms, seen_at = excluded.seen_at"
        " WHERE (machine IS NULL OR machine = ?12) AND coalesce(seen_at, 0) < excluded.seen_at";
    int rc = statement_write(
        cat, LEARN,
        VALUES(as_text(host->name), as_text(host->hostname), as_text(host->system),
               as_text(host->build), as_int(host->cpus), as_int(host->load_percent),
               as_int(host->mem_total_kb), as_int(host->mem_free_kb), as_int(host->disk_free_kb),
               as_int(host->skew_ms), as_int(host->seen_at), as_text(host->machine)),
        err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "more is known of %s already", host->name);
    return rc < 0 ? rc : 0;
}

int host_drain(struct catalogue *cat, const char *name, const char *reason, const char *actor,
               struct err *err)
{
    static const char DRAIN[] = "INSERT INTO host (name, drained) VALUES (?1, ?2)"
                                " ON CONFLICT (name) DO UPDATE SET drained = excluded.drained";
    int rc = statement_write(cat, DRAIN, VALUES(as_text(name), as_text(reason)), err);
    if (rc < 0)
        return rc;
    return event_add(cat, clock_now(), 0, reason ? "drain" : "resume", actor, name, err);
}

static void read_row(sqlite3_stmt *stmt, void *row)
{
    *(struct host *)row = (struct host){
        .name = column_text(stmt, 0),
        .state = (enum host_state)sqlite3_column_int(stmt, 1),
        .drained = column_text(stmt, 2),
        .reason = column_text(stmt, 3),
        .machine = column_text(stmt, 4),
        .boot = column_text(stmt, 5),
        .hostname = column_text(stmt, 6),
        .system = column_text(stmt, 7),
        .build = column_text(stmt, 8),
        .cpus = sqlite3_column_int(stmt, 9),
        .load_percent = sqlite3_column_int(stmt, 10),
        .mem_total_kb = sqlite3_column_int64(stmt, 11),
        .mem_free_kb = sqlite3_column_int64(stmt, 12),
        .disk_free_kb = sqlite3_column_int64(stmt, 13),
        .skew_ms = sqlite3_column_int64(stmt, 14),
        .seen_at = sqlite3_column_int64(stmt, 15),
        .state_at = sqlite3_column_int64(stmt, 16),
        .spool = column_text(stmt, 17),
    };
}

static void release(void *row)
{
    host_free(row);
}

int host_select(struct catalogue *cat, int (*each)(const struct host *, void *), void *arg,
                struct err *err)
{
    static const char SELECT[] =
        "SELECT name, state, drained, reason, machine, boot, hostname, system, build, cpus,"
        " load_percent, mem_total_kb, mem_free_kb, disk_free_kb, skew_ms, seen_at, state_at, spool"
        " FROM host ORDER BY name";
    static const struct row_kind kind = {sizeof(struct host), read_row, release};
    struct rows rows;
    int rc = rows_read(cat, SELECT, NO_VALUES, &kind, &rows, err);
    ROWS_HAND_OUT(struct host, &kind, &rows, rc, each, arg);
    return rc;
}
