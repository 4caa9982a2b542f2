#include "history.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "rows.h"

static void read_row(sqlite3_stmt *stmt, void *row)
{
    *(struct attempt *)row = (struct attempt){
        .attempt = sqlite3_column_int(stmt, 0),
        .host = column_text(stmt, 1),
        .reason = column_text(stmt, 2),
        .claimed_at = sqlite3_column_int64(stmt, 3),
        .started_at = sqlite3_column_int64(stmt, 4),
        .ended_at = sqlite3_column_int64(stmt, 5),
        .state = (enum run_state)sqlite3_column_int(stmt, 6),
        .has_exit = sqlite3_column_type(stmt, 7) != SQLITE_NULL,
        .exit_code = sqlite3_column_int(stmt, 7),
        .signal = sqlite3_column_int(stmt, 8),
    };
}

static void release(void *row)
{
    struct attempt *attempt = row;
    free((char *)attempt->host);
    free((char *)attempt->reason);
}

int attempt_select(struct catalogue *cat, int64_t run, int (*each)(const struct attempt *, void *),
                   void *arg, struct err *err)
{
    static const char SELECT[] = "SELECT attempt, host, reason, claimed_at, started_at, ended_at,"
                                 " state, exit_code, signal FROM attempt WHERE run = ?1"
                                 " ORDER BY attempt";
    static const struct row_kind kind = {sizeof(struct attempt), read_row, release};
    struct rows rows;
    int rc = rows_read(cat, SELECT, VALUES(as_int(run)), &kind, &rows, err);
    ROWS_HAND_OUT(struct attempt, &kind, &rows, rc, each, arg);
    return rc;
}
