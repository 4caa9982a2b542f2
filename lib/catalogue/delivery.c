/* What is told to whom: see alert.h. */
#include "alert.h"
#include "rows.h"

int delivery_put(struct catalogue *cat, const char *channel, enum delivery_kind kind, int64_t alert,
                 int64_t now, int64_t due, struct err *err)
{
    static const char PUT[] = "INSERT INTO delivery (channel, kind, alert, made_at, due_at)"
                              " VALUES (?1, ?2, ?3, ?4, ?5)";
    int rc = statement_write(
        cat, PUT, VALUES(as_text(channel), as_int(kind), as_int(alert), as_int(now), as_int(due)),
        err);
    return rc < 0 ? rc : 0;
}

int delivery_last(struct catalogue *cat, const char *channel, int64_t alert, int64_t *at,
                  struct err *err)
{
    static const char LAST[] = "SELECT max(made_at) FROM delivery"
                               " WHERE alert = ?1 AND channel = ?2 AND kind IN (1, 2)";
    return statement_int(cat, LAST, VALUES(as_int(alert), as_text(channel)), 0, at, err);
}

int delivery_channels(struct catalogue *cat, int64_t now, struct strlist *channels, struct err *err)
{
    static const char DUE[] =
        "SELECT DISTINCT channel FROM delivery WHERE due_at <= ?1 ORDER BY channel";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, DUE, VALUES(as_int(now)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        strlist_take(channels, column_text(stmt, 0));
        rc = 0;
    }
    return rc;
}

/* What waits to be tried again goes with what is new, so that the end of a trouble does not
 * overtake its beginning. What somebody else is sending is due later and has no error. */
#define MINE "due_at IS NOT NULL AND channel = ?1 AND (due_at <= ?2 OR error IS NOT NULL)"

static void read_delivery(sqlite3_stmt *stmt, void *row)
{
    *(struct delivery *)row = (struct delivery){
        .id = sqlite3_column_int64(stmt, 0),
        .alert = sqlite3_column_int64(stmt, 1),
        .made_at = sqlite3_column_int64(stmt, 2),
        .kind = (enum delivery_kind)sqlite3_column_int(stmt, 3),
        .tries = sqlite3_column_int(stmt, 4),
    };
}

int delivery_lease(struct catalogue *cat, const char *channel, int64_t now, int64_t until,
                   struct delivery **list, size_t *n, struct err *err)
{
    static const char READ[] =
        "SELECT id, alert, made_at, kind, tries + 1 FROM delivery WHERE " MINE " ORDER BY id";
    static const char TAKE[] =
        "UPDATE delivery SET due_at = ?3, tries = tries + 1, error = NULL WHERE " MINE;
    static const struct row_kind kind = {sizeof(struct delivery), read_delivery, NULL};
    struct rows rows;
    int rc = rows_read(cat, READ, VALUES(as_text(channel), as_int(now)), &kind, &rows, err);
    *list = rows.v;
    *n = rows.n;
    if (rc == 0)
        rc = statement_write(cat, TAKE, VALUES(as_text(channel), as_int(now), as_int(until)), err);
    return rc < 0 ? rc : 0;
}

int delivery_sent(struct catalogue *cat, int64_t id, int64_t now, struct err *err)
{
    static const char SENT[] =
        "UPDATE delivery SET sent_at = ?2, due_at = NULL, error = NULL WHERE id = ?1";
    int rc = statement_write(cat, SENT, VALUES(as_int(id), as_int(now)), err);
    return rc < 0 ? rc : 0;
}

int delivery_failed(struct catalogue *cat, int64_t id, int64_t due_at, const char *why,
                    struct err *err)
{
    static const char FAILED[] = "UPDATE delivery SET due_at = ?2, error = ?3 WHERE id = ?1";
    int rc = statement_write(cat, FAILED, VALUES(as_int(id), as_opt(due_at), as_text(why)), err);
    return rc < 0 ? rc : 0;
}

/* ---- the monitor itself ---- */

int monitor_checked(struct catalogue *cat, int64_t now, struct err *err)
{
    static const char CHECKED[] = "UPDATE monitor SET checked_at = ?1 WHERE one = 1";
    int rc = statement_write(cat, CHECKED, VALUES(as_int(now)), err);
    return rc < 0 ? rc : 0;
}

int monitor_heartbeat(struct catalogue *cat, const char *error, bool *changed, struct err *err)
{
    static const char BEAT[] = "UPDATE monitor SET heartbeat_error = ?1"
                               " WHERE one = 1 AND heartbeat_error IS NOT ?1";
    int rc = statement_write(cat, BEAT, VALUES(as_text(error)), err);
    *changed = rc > 0;
    return rc < 0 ? rc : 0;
}
