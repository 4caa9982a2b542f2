/* What a run comes after, each with what has become of it. */
#include "why.h"

#include "buf.h"
#include "catalogue/need.h"
#include "xalloc.h"

struct asking {
    struct why *why;
    struct catalogue *cat;
    struct err *err;
};

static char *say_need(const struct need_row *need, const struct run *parent)
{
    const char *is = need_is_name(need->is);
    if (!need->parent)
        return xasprintf("there is no run of %s yet", need->day ? need->day : "that day");
    if (need->scope == NEED_GROUP && need->is == NEED_FAILED)
        return xasprintf("of the group of run %lld one is to have failed, and all to be over",
                         (long long)need->parent);
    if (need->scope == NEED_GROUP)
        return xasprintf("all of the group of run %lld are to have %s", (long long)need->parent,
                         is);
    return xasprintf("run %lld is to have %s, and %s%s", (long long)need->parent, is,
                     parent->state ? "is " : "is gone",
                     parent->state ? run_state_name(parent->state) : "");
}

static int add_need(const struct need_row *need, void *arg)
{
    static const char *const bars[] = {
        [NEED_OPEN] = "open", [NEED_MET] = "met", [NEED_NEVER] = "never"};
    struct asking *asking = arg;
    struct run parent = {0};
    int rc = need->parent ? run_get(asking->cat, need->parent, &parent, asking->err) : 0;
    if (rc == 0 || rc == ERR_ANSWER)
        why_add(asking->why, "need", need->job, need->verdict != NEED_MET, bars[need->verdict],
                say_need(need, &parent), NULL);
    run_free(&parent);
    return rc == ERR_ANSWER ? 0 : rc;
}

int why_needs(struct why *why, const struct run *run, struct catalogue *cat, struct err *err)
{
    struct asking asking = {.why = why, .cat = cat, .err = err};
    return need_of(cat, run->id, add_need, &asking, err);
}
