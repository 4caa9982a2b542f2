/*
 * giving: values on their way: what a run is given by those it came after, and what it tells with its
 * result. A run that came after others is claimed only with all that these have told.
 */
#include "dispatch/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalogue/need.h"
#include "log.h"
#include "values.h"
#include "xalloc.h"

int giving_read(struct dispatch *d, struct work *work, struct err *err)
{
    bool cut = false;
    if (!work->needs)
        return 0;
    strlist_free(&work->given);
    int rc = value_given(d->cat, work->id, &work->given, &cut, err);
    if (rc == 0 && cut)
        log_warn("run %" PRId64 ": the values of the runs before it are too many: it is given %zu",
                 work->id, work->given.n);
    return rc;
}

void giving_env(struct message_writer *w, const struct work *work)
{
    for (size_t i = 0; i < work->given.n; i++)
        message_str(w, TAG_ENV, work->given.v[i]);
}

/* A worker is not believed: what it may not say is ignored, as the worker ignores it of its run. */
void giving_take(struct ending *ending, const struct message *m)
{
    struct message_field f;
    size_t bytes = 0;
    uint64_t ignored = message_get_u64(m, TAG_VALUES_IGNORED, 0);
    ending->ignored = ignored < INT32_MAX ? (int)ignored : INT32_MAX;
    for (size_t pos = 0; message_field(m, &pos, &f);) {
        if (f.tag != TAG_VALUE)
            continue;
        bytes += f.len + 1;
        if (bytes <= VALUES_MAX && value_is_valid((const char *)f.p, f.len))
            strlist_take(&ending->values, xstrndup((const char *)f.p, f.len));
    }
}

int giving_record(struct dispatch *d, const struct work *work, int64_t at, struct err *err)
{
    char detail[128];
    if (!work->ending->ignored)
        return 0;
    (void)snprintf(detail, sizeof detail,
                   "ignored of what it wrote to $ROTA_OUTPUT: %d (lines key=value, 64 KiB in all)",
                   work->ending->ignored);
    return event_add(d->cat, at, work->id, "values", NULL, detail, err);
}
