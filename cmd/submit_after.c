#include "submit_after.h"

#include <stdlib.h>
#include <string.h>

#include "near.h"
#include "selection.h"
#include "xalloc.h"

static int read_condition(const char *word, enum need_is *is, struct err *err)
{
    const char *names[NEED_STARTED];
    *is = need_is_of(word);
    if (*is)
        return 0;
    for (int i = 0; i < NEED_STARTED; i++)
        names[i] = need_is_name((enum need_is)(i + 1));
    const char *near = near_word(word, names, NEED_STARTED, sizeof *names);
    if (near)
        return err_set(err, ERR_USAGE, "--after: unknown condition '%s' (did you mean '%s'?)", word,
                       near);
    return err_set(err, ERR_USAGE,
                   "--after: unknown condition '%s' (succeeded, failed, finished or started)",
                   word);
}

/* The run that is named, as it is now: one that waits for what cannot be any more is no use to anybody. */
static int look_up(struct catalogue *cat, struct need *need, struct err *err)
{
    struct run run = {0};
    char why[256];
    int rc = cat ? run_get(cat, need->parent, &run, err)
                 : err_set(err, ERR_ANSWER, "there is no run %lld", (long long)need->parent);
    if (rc < 0) {
        err_place(err, "--after");
        return rc;
    }
    enum need_verdict verdict = need_judge(need->is, run.state, run.started_at != 0);
    if (run.array == run.id) { /* the first run stands for its group */
        need->scope = NEED_GROUP;
        rc = array_judge(cat, run.array, need->is, &verdict, &run.state, err);
    }
    if (rc == 0 && verdict == NEED_NEVER) {
        need_say_never(run.id, run.job, run.state, need->is, why, sizeof why);
        rc = err_set(err, ERR_ANSWER, "--after: %s: nothing was submitted", why);
    }
    need->job = xstrdup(run.job);
    run_free(&run);
    return rc;
}

/* One "17:failed", cut apart. */
static int read_word(char *word, struct catalogue *cat, struct need *need, struct err *err)
{
    char *colon = strchr(word, ':');
    int rc = 0;
    need->is = NEED_SUCCEEDED;
    need->scope = NEED_RUN;
    if (colon) {
        *colon = '\0';
        rc = read_condition(colon + 1, &need->is, err);
    }
    need->parent = selection_id(word, strlen(word));
    if (rc == 0 && strcmp(word, "last") == 0 && cat)
        rc = run_last(cat, &need->parent, err);
    else if (rc == 0 && !need->parent)
        rc = err_set(err, ERR_USAGE, "--after: '%.60s' is no run's id (write 17, or 17:failed)",
                     word);
    return rc < 0 ? rc : look_up(cat, need, err);
}

int submit_after(const struct strlist *words, struct catalogue *cat, struct need **needs, size_t *n,
                 struct err *err)
{
    int rc = 0;
    *needs = NULL;
    *n = 0;
    for (size_t i = 0; rc == 0 && i < words->n; i++)
        for (char *word = words->v[i], *next; rc == 0 && word; word = next) {
            next = strchr(word, ',');
            if (next)
                *next++ = '\0';
            *needs = xreallocarray(*needs, *n + 1, sizeof **needs);
            (*needs)[*n] = (struct need){0};
            rc = read_word(word, cat, &(*needs)[(*n)++], err);
        }
    return rc;
}
