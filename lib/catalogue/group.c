/* Runs that belong together, or are compared with one another. */
#include <inttypes.h>
#include <sqlite3.h>

#include "internal.h"

int run_hosts_of_group(struct catalogue *cat, int64_t array, struct strlist *hosts, struct err *err)
{
    static const char HOSTS[] =
        "SELECT DISTINCT host FROM run WHERE array = ?1 AND host IS NOT NULL";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, HOSTS, VALUES(as_int(array)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        strlist_add(hosts, (const char *)sqlite3_column_text(stmt, 0));
        rc = 0;
    }
    return rc;
}

int run_pass_by(struct catalogue *cat, int64_t id, const char *reason, int64_t now, struct err *err)
{
    static const char PASS[] =
        "UPDATE run SET state = 9, reason = ?2, finished_at = ?3 WHERE id = ?1 AND state = 3";
    int rc = statement_write(cat, PASS, VALUES(as_int(id), as_text(reason), as_int(now)), err);
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "run %" PRId64 " is not queued any more", id);
    return rc < 0 ? rc : event_add(cat, now, id, "not-run", NULL, reason, err);
}

int run_highest_priority(struct catalogue *cat, int *priority, bool *any, struct err *err)
{
    static const char HIGHEST[] =
        "SELECT max(priority) FROM run WHERE state IN (1, 2, 3) AND state <> 6";
    sqlite3_stmt *stmt;
    *any = false;
    int rc = statement_start(cat, HIGHEST, NO_VALUES, &stmt, err);
    if (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        *any = sqlite3_column_type(stmt, 0) != SQLITE_NULL;
        *priority = sqlite3_column_int(stmt, 0);
        statement_end(stmt);
        rc = 0;
    }
    return rc;
}
