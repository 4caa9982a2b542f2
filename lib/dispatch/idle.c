/* idle: whether a dispatcher would find anything to do; asks, and writes nothing. */
#include "dispatch/dispatch.h"

#include "clock.h"

/* What runs wait for is looked at by a dispatcher, not here: any run that may go on is work. */
static int has_work(struct catalogue *cat, bool *work, struct err *err)
{
    int64_t due;
    int rc = run_any_unfinished(cat, work, err);
    if (rc == 0 && !*work)
        rc = job_any_aside(cat, work, err);
    if (rc < 0 || *work)
        return rc;
    int64_t now = clock_now();
    rc = schedule_next_due(cat, now, &due, err);
    *work = due - now < DISPATCH_SOON_MS;
    return rc;
}

int dispatch_is_idle(struct catalogue *cat, bool *idle, struct err *err)
{
    struct holder holder;
    bool alive, work = true;
    *idle = false;
    int rc = holder_get(cat, &holder, &alive, err);
    if (rc == 0)
        return 0; /* somebody is, or was left behind */
    if (rc == ERR_ANSWER)
        rc = has_work(cat, &work, err);
    *idle = rc == 0 && !work;
    return rc;
}
