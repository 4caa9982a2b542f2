#include "schedule_lookup.h"

#include "near.h"
#include "strlist.h"

static int add_name(const struct job_row *row, void *arg)
{
    strlist_add(arg, row->name);
    return 0;
}

int schedule_no_job(struct catalogue *cat, const char *name, struct err *err)
{
    struct strlist names = {0};
    (void)job_select(cat, add_name, &names, NULL);
    const char *near = near_word(name, names.v, names.n, sizeof(char *));
    int rc = near
                 ? err_set(err, ERR_ANSWER, "there is no job '%s' (did you mean '%s'?)", name, near)
                 : err_set(err, ERR_ANSWER,
                           "there is no job '%s' ('rota schedule add FILE' registers one)", name);
    strlist_free(&names);
    return rc;
}

int schedule_get(struct catalogue *cat, const char *name, struct job_row *row, struct err *err)
{
    int rc = job_get(cat, name, row, err);
    return rc == ERR_ANSWER ? schedule_no_job(cat, name, err) : rc;
}
