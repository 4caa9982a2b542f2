#include "elsewhere.h"

#include "internal.h"

int elsewhere_put(struct catalogue *cat, const struct elsewhere *e, struct err *err)
{
    static const char REASON[] = "UPDATE run SET reason = ?3 WHERE id = ?1 AND attempt = ?2"
                                 " AND state IN (4, 5) AND reason IS NOT ?3";
    static const char PUT[] =
        "INSERT INTO elsewhere (run, attempt, nodes, external_id)"
        " SELECT run, attempt, ?3, ?4 FROM attempt WHERE run = ?1 AND attempt = ?2"
        " ON CONFLICT (run, attempt) DO UPDATE SET nodes = coalesce(excluded.nodes, nodes),"
        "  external_id = coalesce(excluded.external_id, external_id)";
    int rc = statement_write(cat, REASON,
                             VALUES(as_int(e->run), as_int(e->attempt), as_text(e->reason)), err);
    if (rc >= 0 && (e->nodes || e->external_id))
        rc = statement_write(
            cat, PUT,
            VALUES(as_int(e->run), as_int(e->attempt), as_text(e->nodes), as_text(e->external_id)),
            err);
    return rc < 0 ? rc : 0;
}
