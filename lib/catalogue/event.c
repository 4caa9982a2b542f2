#include <sqlite3.h>
#include <stdlib.h>

#include "internal.h"
#include "xalloc.h"

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

/* An event whose texts are owned. */
static struct event read_row(sqlite3_stmt *stmt)
{
    return (struct event){
        .id = sqlite3_column_int64(stmt, 0),
        .at = sqlite3_column_int64(stmt, 1),
        .run = sqlite3_column_int64(stmt, 2),
        .kind = column_text(stmt, 3),
        .actor = column_text(stmt, 4),
        .detail = column_text(stmt, 5),
    };
}

static void release(struct event *event)
{
    free((char *)event->kind);
    free((char *)event->actor);
    free((char *)event->detail);
}

/* At most BATCH events after `after` into list; their number, or negative. */
static int read_batch(struct catalogue *cat, int64_t after, struct event *list, int *n,
                      struct err *err)
{
    static const char SELECT[] = "SELECT id, at, run, kind, actor, detail FROM event"
                                 " WHERE id > ?1 ORDER BY id LIMIT ?2";
    sqlite3_stmt *stmt;
    *n = 0;
    int rc = statement_start(cat, SELECT, VALUES(as_int(after), as_int(BATCH)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        list[(*n)++] = read_row(stmt);
        rc = 0;
    }
    return rc;
}

int event_select(struct catalogue *cat, int64_t after, int (*each)(const struct event *, void *),
                 void *arg, struct err *err)
{
    struct event *list = xcalloc(BATCH, sizeof *list);
    int rc, n;
    do {
        rc = read_batch(cat, after, list, &n, err);
        for (int i = 0; i < n; i++) {
            after = list[i].id;
            if (rc == 0)
                rc = each(&list[i], arg);
            release(&list[i]);
        }
    } while (rc == 0 && n == BATCH);
    free(list);
    return rc;
}

int event_last(struct catalogue *cat, int64_t *id, struct err *err)
{
    static const char LAST[] = "SELECT max(id) FROM event";
    return statement_int(cat, LAST, NO_VALUES, 0, id, err);
}
