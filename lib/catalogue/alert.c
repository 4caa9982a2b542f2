/* Troubles: see alert.h. */
#include "alert.h"

#include <stdlib.h>

#include "rows.h"

#define COLUMNS                                                                                    \
    "SELECT alert.id, alert.rule, alert.subject, alert.detail, alert.host, alert.notify,"          \
    " alert.run, alert.count, alert.parent, p.closed_at, alert.opened_at, alert.reminded_at,"      \
    " alert.closed_at FROM alert "
#define OPEN   COLUMNS "INDEXED BY alert_open LEFT JOIN alert AS p ON p.id = alert.parent "
#define ANY    COLUMNS "LEFT JOIN alert AS p ON p.id = alert.parent "
#define OF_END "alert.closed_at IS NULL AND alert.rule IN ('failed', 'lost', 'missed') "

void alert_free(struct alert *alert)
{
    free(alert->rule);
    free(alert->subject);
    free(alert->detail);
    free(alert->host);
    free(alert->notify);
    *alert = (struct alert){0};
}

static void read_row(sqlite3_stmt *s, void *row)
{
    *(struct alert *)row = (struct alert){
        .id = sqlite3_column_int64(s, 0),
        .rule = column_text(s, 1),
        .subject = column_text(s, 2),
        .detail = column_text(s, 3),
        .host = column_text(s, 4),
        .notify = column_text(s, 5),
        .run = sqlite3_column_int64(s, 6),
        .count = sqlite3_column_int(s, 7),
        .parent = sqlite3_column_int64(s, 8),
        .parent_closed_at = sqlite3_column_int64(s, 9),
        .opened_at = sqlite3_column_int64(s, 10),
        .reminded_at = sqlite3_column_int64(s, 11),
        .closed_at = sqlite3_column_int64(s, 12),
    };
}

static int get(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
               struct alert *alert, struct err *err)
{
    sqlite3_stmt *stmt;
    *alert = (struct alert){0};
    int rc = statement_start(cat, sql, values, n, &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "there is no such alert");
    read_row(stmt, alert);
    statement_end(stmt);
    return 0;
}

int alert_find(struct catalogue *cat, const char *rule, const char *subject, struct alert *alert,
               struct err *err)
{
    static const char FIND[] =
        OPEN "WHERE alert.rule = ?1 AND alert.subject = ?2 AND alert.closed_at IS NULL";
    return get(cat, FIND, VALUES(as_text(rule), as_text(subject)), alert, err);
}

int alert_get(struct catalogue *cat, int64_t id, struct alert *alert, struct err *err)
{
    static const char GET[] = ANY "WHERE alert.id = ?1";
    return get(cat, GET, VALUES(as_int(id)), alert, err);
}

/* ---- changes ---- */

int alert_open(struct catalogue *cat, const struct alert *alert, int64_t *id, struct err *err)
{
    static const char PUT[] =
        "INSERT INTO alert (rule, subject, detail, host, notify, run, count, parent, opened_at)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    int rc = statement_write(
        cat, PUT,
        VALUES(as_text(alert->rule), as_text(alert->subject), as_text(alert->detail),
               as_text(alert->host), as_text(alert->notify), as_opt(alert->run),
               as_int(alert->count), as_opt(alert->parent), as_int(alert->opened_at)),
        err);
    *id = rc < 0 ? 0 : sqlite3_last_insert_rowid(cat->db);
    return rc < 0 ? rc : 0;
}

int alert_change(struct catalogue *cat, const struct alert *alert, struct err *err)
{
    static const char CHANGE[] = "UPDATE alert SET detail = ?2, host = ?3, notify = ?4, run = ?5,"
                                 " count = ?6, parent = ?7 WHERE id = ?1";
    int rc = statement_write(cat, CHANGE,
                             VALUES(as_int(alert->id), as_text(alert->detail), as_text(alert->host),
                                    as_text(alert->notify), as_opt(alert->run),
                                    as_int(alert->count), as_opt(alert->parent)),
                             err);
    return rc < 0 ? rc : 0;
}

int alert_remind(struct catalogue *cat, int64_t id, int64_t now, struct err *err)
{
    static const char REMIND[] = "UPDATE alert SET reminded_at = ?2 WHERE id = ?1";
    int rc = statement_write(cat, REMIND, VALUES(as_int(id), as_int(now)), err);
    return rc < 0 ? rc : 0;
}

int alert_close(struct catalogue *cat, int64_t id, int64_t now, struct err *err)
{
    static const char CLOSE[] = "UPDATE alert SET closed_at = ?2 WHERE id = ?1";
    int rc = statement_write(cat, CLOSE, VALUES(as_int(id), as_int(now)), err);
    return rc < 0 ? rc : 0;
}

/* Few at a time, by an index of what is closed: neither those that stay open, however old, nor those
 * that are to be kept are looked at. */
int alert_forget(struct catalogue *cat, int64_t before, struct err *err)
{
    static const char FORGET[] = "DELETE FROM alert WHERE id IN (SELECT id FROM alert"
                                 " WHERE closed_at < ?1 ORDER BY closed_at LIMIT 20)";
    int rc = statement_write(cat, FORGET, VALUES(as_int(before)), err);
    return rc < 0 ? rc : 0;
}

/* ---- lists ---- */

static void release(void *row)
{
    alert_free(row);
}

static int hand_out(struct catalogue *cat, const char *sql, const struct value *values, size_t n,
                    alert_each *each, void *arg, struct err *err)
{
    static const struct row_kind kind = {sizeof(struct alert), read_row, release};
    struct rows rows;
    int rc = rows_read(cat, sql, values, n, &kind, &rows, err);
    ROWS_HAND_OUT(struct alert, &kind, &rows, rc, each, arg);
    return rc;
}

int alert_select(struct catalogue *cat, const char *rule, alert_each *each, void *arg,
                 struct err *err)
{
    static const char ALL[] = OPEN "WHERE alert.closed_at IS NULL ORDER BY alert.id";
    static const char RULE[] =
        OPEN "WHERE alert.rule = ?1 AND alert.closed_at IS NULL ORDER BY alert.id";
    if (!rule)
        return hand_out(cat, ALL, NO_VALUES, each, arg, err);
    return hand_out(cat, RULE, VALUES(as_text(rule)), each, arg, err);
}

int alert_select_recovered(struct catalogue *cat, alert_each *each, void *arg, struct err *err)
{
    static const char RECOVERED[] =
        OPEN "WHERE " OF_END "AND NOT EXISTS (SELECT 1 FROM failing WHERE job = alert.subject)"
             " ORDER BY alert.id";
    return hand_out(cat, RECOVERED, NO_VALUES, each, arg, err);
}

int alert_select_bygone(struct catalogue *cat, int64_t before, alert_each *each, void *arg,
                        struct err *err)
{
    static const char BYGONE[] =
        OPEN "WHERE " OF_END "AND alert.opened_at < ?1"
             " AND NOT EXISTS (SELECT 1 FROM job WHERE name = alert.subject) ORDER BY alert.id";
    return hand_out(cat, BYGONE, VALUES(as_int(before)), each, arg, err);
}

int alert_children(struct catalogue *cat, int64_t parent, alert_each *each, void *arg,
                   struct err *err)
{
    static const char CHILDREN[] = ANY "WHERE alert.parent = ?1 ORDER BY alert.rule, alert.id DESC";
    return hand_out(cat, CHILDREN, VALUES(as_int(parent)), each, arg, err);
}
