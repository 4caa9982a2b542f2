/*
 * A copy of the catalogue takes over: one that was restored from a backup, or a standby's. What was done
 * under the epoch before is known only up to the copy, and may not be done again.
 */
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "internal.h"
#include "job.h"

/* What is queued here may have run since, and so may what waited for others: a person who knows lets it
 * go. */
static int hold_queued(struct catalogue *cat, int64_t *held, struct err *err)
{
    static const char HOLD[] =
        "UPDATE run SET state = ?2, reason = 'held at the take-over: it may have run after this"
        " catalogue was copied' WHERE state IN (?1, ?3)";
    int rc = statement_write(
        cat, HOLD, VALUES(as_int(RUN_QUEUED), as_int(RUN_HELD), as_int(RUN_BLOCKED)), err);
    *held = rc > 0 ? rc : 0;
    return rc < 0 ? rc : 0;
}

/* A worker that does not know an attempt of ours would get it again, if it is only `starting`: that it
 * keeps every START until we acknowledge proves nothing here, since somebody else may have. No spool has
 * this identity, so what its worker does not know is lost; the next READY puts the true one in place. */
static int distrust_spools(struct catalogue *cat, struct err *err)
{
    static const char DISTRUST[] = "UPDATE host SET spool = ''";
    int rc = statement_write(cat, DISTRUST, NO_VALUES, err);
    return rc < 0 ? rc : 0;
}

int takeover_record(struct catalogue *cat, const char *actor, int64_t *held, struct err *err)
{
    static const char RAISE[] = "UPDATE meta SET epoch = epoch + 1 WHERE one = 1";
    static const char EPOCH[] = "SELECT epoch FROM meta WHERE one = 1";
    char detail[64];
    int64_t epoch = 0;
    int rc = statement_write(cat, RAISE, NO_VALUES, err);
    if (rc > 0)
        rc = statement_int(cat, EPOCH, NO_VALUES, 0, &epoch, err);
    if (rc == 0)
        rc = hold_queued(cat, held, err);
    if (rc == 0)
        rc = distrust_spools(cat, err);
    (void)snprintf(detail, sizeof detail, "epoch %" PRId64, epoch);
    return rc < 0 ? rc : event_add(cat, clock_now(), 0, "take-over", actor, detail, err);
}
