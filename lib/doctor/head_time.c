/* head: the clock, and the time zone data that schedules are made of. */
#include "doctor/doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "order.h"
#include "xalloc.h"
#include "zone.h"

enum { AHEAD_MS = 60000, SKEW_MS = 5000, ALIKE_MS = 2000, WITNESSES = 3 };

static const int64_t BUILT = INT64_C(1767225600000); /* 2026: this was not written before */
static const int64_t FAR = INT64_C(4102444800000);   /* 2100 */

static int take_queued_at(const struct run *run, void *arg)
{
    *(int64_t *)arg = run->queued_at;
    return 0;
}

/* The median of what hosts that are machines of their own differ from us by; false: too few of them. */
static bool median_skew(const struct doctor *d, int64_t *median, size_t *agree)
{
    int64_t *skews = xcalloc(d->nvisits + 1, sizeof *skews);
    size_t n = 0;
    for (size_t i = 0; i < d->nvisits; i++)
        if (d->visits[i].rc == 0 && d->visits[i].config->transport != TRANSPORT_LOCAL)
            skews[n++] = d->visits[i].skew_ms;
    if (n)
        qsort(skews, n, sizeof *skews, order_by_number);
    *median = n ? skews[n / 2] : 0;
    *agree = 0;
    for (size_t i = 0; i < n; i++)
        *agree += doctor_abs(skews[i] - *median) < ALIKE_MS;
    free(skews);
    return *agree >= WITNESSES && *agree * 2 > n;
}

void head_clock(struct doctor *d, const struct visit *none)
{
    int64_t now = clock_now(), newest = 0, skew;
    size_t agree;
    char text[CLOCK_TEXT], other[CLOCK_TEXT];
    (void)none;
    if (now < BUILT || now > FAR) {
        doctor_found(d, VERDICT_TROUBLE,
                     "the clock of this machine says %s" MEND "set it; run chronyd or ntpd here",
                     clock_rfc3339(now, text));
        return;
    }
    const struct run_query query = {.limit = 1, .newest_first = true};
    if (d->cat && run_select(d->cat, &query, take_queued_at, &newest, NULL) == 0 &&
        newest > now + AHEAD_MS)
        doctor_found(d, VERDICT_TROUBLE,
                     "the newest run was queued at %s and the clock says %s: it was set back, or "
                     "is wrong now" MEND "set it; run chronyd or ntpd here",
                     clock_rfc3339(newest, text), clock_rfc3339(now, other));
    if (median_skew(d, &skew, &agree) && doctor_abs(skew) >= SKEW_MS)
        doctor_found(d, VERDICT_TROUBLE,
                     "%zu hosts agree that it is %" PRId64 " s %s than this machine's clock "
                     "says" MEND "set the clock here; run chronyd or ntpd here",
                     agree, doctor_abs(skew) / 1000, skew > 0 ? "later" : "earlier");
}

/* One zone whose rules have not changed since 1996 stands for all. */
void head_zones(struct doctor *d, const struct visit *none)
{
    static const char berlin[] = "Europe/Berlin";
    static const struct {
        int64_t at;
        int offset;
    } known[] = {{1768435200, 3600}, {1782864000, 7200}}; /* 15 January, 1 July 2026 */
    const char *dir = getenv("TZDIR");
    (void)none;
    if (!zone_exists(berlin)) {
        doctor_found(d, VERDICT_TROUBLE,
                     "there is no time zone data (%s has no %s): a job with a timezone cannot be "
                     "scheduled" MEND "install it (Debian's package tzdata)",
                     dir && *dir ? dir : "/usr/share/zoneinfo", berlin);
        return;
    }
    zone_use(berlin);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (zone_offset(known[i].at) != known[i].offset) {
            doctor_found(d, VERDICT_TROUBLE,
                         "the time zone data is wrong: it has %s %+" PRId64 " s from UTC at a time "
                         "when it is %+d s" MEND "install it anew (Debian's package tzdata)",
                         berlin, zone_offset(known[i].at), known[i].offset);
            break;
        }
    zone_restore();
}
