#include <sqlite3.h>
#include <stdlib.h>

#include "history.h"
#include "rows.h"

int event_add(struct catalogue *cat, int64_t at, int64_t run, const char *kind, const char *actor,
              const char *detail, struct err *err)
{
    static const char ADD[] =
        "INSERT INTO event (at, run, kind, actor, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
    int rc = statement_write(
        cat, ADD, VALUES(as_int(at), as_opt(run), as_text(kind), as_text(actor), as_text(detail)),
        err);
    return rc < 0 ? rc : 0;
}

static void read_row(sqlite3_stmt *stmt, void *row)
{
    *(struct event *)row = (struct event){
        .id = sqlite3_column_int64(stmt, 0),
        .at = sqlite3_column_int64(stmt, 1),
        .run = sqlite3_column_int64(stmt, 2),
        .kind = column_text(stmt, 3),
        .actor = column_text(stmt, 4),
        .detail = column_text(stmt, 5),
    };
}

static void release(void *row)
{
    struct event *event = row;
    free((char *)event->kind);
    free((char *)event->actor);
    free((char *)event->detail);
}

static const struct row_kind kind = {sizeof(struct event), read_row, release};

int event_select(struct catalogue *cat, int64_t after, int (*each)(const struct event *, void *),
                 void *arg, struct err *err)
{
    static const char SELECT[] = "SELECT id, at, run, kind, actor, detail FROM event"
                                 " WHERE id > ?1 ORDER BY id LIMIT ?2";
    size_t n;
    int rc;
    do {
        struct rows rows;
        rc = rows_read(cat, SELECT, VALUES(as_int(after), as_int(BATCH)), &kind, &rows, err);
        n = rows.n;
        if (n)
            after = ((const struct event *)rows.v)[n - 1].id;
        ROWS_HAND_OUT(struct event, &kind, &rows, rc, each, arg);
    } while (rc == 0 && n == BATCH);
    return rc;
}

int event_of_run(struct catalogue *cat, int64_t run, int (*each)(const struct event *, void *),
                 void *arg, struct err *err)
{
    static const char SELECT[] = "SELECT id, at, run, kind, actor, detail FROM event"
                                 " WHERE run = ?1 ORDER BY id";
    struct rows rows;
    int rc = rows_read(cat, SELECT, VALUES(as_int(run)), &kind, &rows, err);
    ROWS_HAND_OUT(struct event, &kind, &rows, rc, each, arg);
    return rc;
}

int event_last(struct catalogue *cat, int64_t *id, struct err *err)
{
    static const char LAST[] = "SELECT max(id) FROM event";
    return statement_int(cat, LAST, NO_VALUES, 0, id, err);
}
