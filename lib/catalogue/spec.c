#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "internal.h"

/* FNV-1a, 64 bits (draft-eastlake-fnv). It only finds candidates: the text itself decides. */
static int64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return (int64_t)hash;
}

static int find(struct catalogue *cat, int64_t hash, const char *text, size_t len, int64_t *spec,
                struct err *err)
{
    static const char FIND[] = "SELECT id, text FROM spec WHERE hash = ?1";
    sqlite3_stmt *stmt;
    int rc = statement_start(cat, FIND, VALUES(as_int(hash)), &stmt, err);
    while (rc == 0 && (rc = statement_next(cat, stmt, err)) > 0) {
        const void *known = sqlite3_column_text(stmt, 1);
        if ((size_t)sqlite3_column_bytes(stmt, 1) == len && memcmp(known, text, len) == 0) {
            *spec = sqlite3_column_int64(stmt, 0);
            statement_end(stmt);
            return 0;
        }
        rc = 0;
    }
    return rc;
}

int spec_put(struct catalogue *cat, const char *text, size_t len, int64_t *spec, struct err *err)
{
    static const char PUT[] = "INSERT INTO spec (hash, text) VALUES (?1, ?2)";
    int64_t hash = hash_of(text, len);
    *spec = 0;
    int rc = find(cat, hash, text, len, spec, err);
    if (rc < 0 || *spec)
        return rc;
    struct value whole = {.type = VALUE_TEXT, .text = text, .len = len};
    rc = statement_write(cat, PUT, VALUES(as_int(hash), whole), err);
    if (rc < 0)
        return rc;
    *spec = sqlite3_last_insert_rowid(cat->db);
    return 0;
}

int spec_get(struct catalogue *cat, int64_t spec, char **text, struct err *err)
{
    static const char GET[] = "SELECT text FROM spec WHERE id = ?1";
    sqlite3_stmt *stmt;
    *text = NULL;
    int rc = statement_start(cat, GET, VALUES(as_int(spec)), &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(err, ERR_ANSWER, "there is no specification %" PRId64, spec);
    *text = column_text(stmt, 0);
    statement_end(stmt);
    return 0;
}

int spec_waiting(struct catalogue *cat, int64_t spec, const char *reason, struct err *err)
{
    static const char PUT[] = "UPDATE spec SET waiting = ?2 WHERE id = ?1 AND waiting IS NOT ?2";
    int rc = statement_write(cat, PUT, VALUES(as_int(spec), as_text(reason)), err);
    return rc < 0 ? rc : 0;
}

int spec_waiting_none(struct catalogue *cat, struct err *err)
{
    static const char NONE[] = "UPDATE spec SET waiting = NULL WHERE waiting IS NOT NULL";
    int rc = statement_write(cat, NONE, NO_VALUES, err);
    return rc < 0 ? rc : 0;
}

int spec_keep(struct catalogue *cat, int64_t spec, int64_t keep_ms, int64_t keep_failed_ms,
              struct err *err)
{
    static const char KEEP[] = "UPDATE spec SET keep_ms = ?2, keep_failed_ms = ?3 WHERE id = ?1"
                               " AND (keep_ms IS NOT ?2 OR keep_failed_ms IS NOT ?3)";
    int rc = statement_write(cat, KEEP,
                             VALUES(as_int(spec), as_opt(keep_ms), as_opt(keep_failed_ms)), err);
    return rc < 0 ? rc : 0;
}
