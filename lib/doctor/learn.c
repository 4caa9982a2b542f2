/* learn: what a visit says of a host goes to the catalogue. */
#include "doctor/doctor.h"

#include <limits.h>

/* A host is not believed: what no honest one says is cut down. */
static int64_t upto(const struct facts *facts, const char *key, int64_t most)
{
    int64_t number = facts_number(facts, key, 0);
    return number < 0 ? 0 : number < most ? number : most;
}

static int learn_one(struct doctor *d, const struct visit *visit, struct err *err)
{
    const struct facts *facts = &visit->facts;
    const int64_t most = INT64_MAX / 8;
    const struct host host = {
        .name = visit->config->name,
        .machine = (char *)facts_text(facts, "machine"),
        .hostname = (char *)facts_text(facts, "hostname"),
        .system = (char *)facts_text(facts, "system"),
        .build = (char *)facts_text(facts, "build"),
        .cpus = (int)upto(facts, "cpus", 100000),
        .load_percent = (int)upto(facts, "load_percent", INT_MAX),
        .mem_total_kb = upto(facts, "mem_total_kb", most),
        .mem_free_kb = upto(facts, "mem_free_kb", most),
        .disk_free_kb = upto(facts, "spool_free_kb", most),
        .skew_ms = visit->skew_ms,
        .seen_at = visit->heard_at,
    };
    return host_learn(d->cat, &host, err);
}

/* In one transaction with the look at the holder: no dispatcher can come in between. */
int doctor_learn(struct doctor *d, size_t *n, struct err *err)
{
    struct holder holder;
    bool alive;
    *n = 0;
    int rc = catalogue_begin(d->cat, err);
    if (rc < 0)
        return rc;
    if (holder_get(d->cat, &holder, &alive, NULL) == 0 && alive)
        rc = err_set(err, ERR_BUSY, "process %d dispatches, and knows the hosts", (int)holder.pid);
    for (size_t i = 0; rc == 0 && i < d->nvisits; i++) {
        if (d->visits[i].rc == 0)
            rc = learn_one(d, &d->visits[i], err);
        *n += rc == 0 && d->visits[i].rc == 0;
        if (rc == ERR_ANSWER)
            rc = 0;
    }
    if (rc == 0)
        rc = catalogue_commit(d->cat, err);
    catalogue_rollback(d->cat);
    return rc;
}
