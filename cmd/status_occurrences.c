/* rota status --occurrences: what came of the instants at which schedules were due. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/history.h"
#include "clock.h"
#include "exitcode.h"
#include "log.h"
#include "near.h"
#include "status_commands.h"
#include "view.h"
#include "view_history.h"
#include "xalloc.h"

static const int64_t DAY_MS = 86400000; /* how far back when nothing else is said */

static int add_outcome(const char *word, unsigned *outcomes, struct err *err)
{
    const char *names[OUTCOME_COALESCED];
    for (int i = OUTCOME_RAN; i <= OUTCOME_COALESCED; i++) {
        names[i - 1] = outcome_name((enum outcome)i);
        if (strcmp(word, names[i - 1]) == 0) {
            *outcomes |= 1U << i;
            return 0;
        }
    }
    const char *near = near_word(word, names, OUTCOME_COALESCED, sizeof *names);
    return err_set(err, ERR_USAGE, "unknown outcome '%s' (%s%s%s)", word,
                   near ? "did you mean '" : "write ran, skipped, missed or coalesced",
                   near ? near : "", near ? "'?" : "");
}

static int add_outcomes(const char *text, unsigned *outcomes, struct err *err)
{
    int rc = 0;
    for (const char *p = text; rc == 0 && *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        char *word = xstrndup(p, len);
        rc = add_outcome(word, outcomes, err);
        free(word);
        p += len;
    }
    return rc;
}

static int read_query(const struct status_words *words, struct occurrence_query *query,
                      struct err *err)
{
    struct run_query times = {0}; /* --since and --until are read as for runs */
    int64_t now = clock_now();
    if (words->narrowing.states || words->narrowing.host || words->narrowing.array ||
        words->narrowing.tag || words->workflow || words->limit >= 0)
        return err_set(err, ERR_USAGE,
                       "--state, --host, --tag, --array, --workflow and --limit are for runs; "
                       "--occurrences knows --outcome");
    if (words->n > 1 || (words->n && words->narrowing.job))
        return err_set(err, ERR_USAGE, "--occurrences takes one job (a pattern may be quoted)");
    int rc = narrowing_read(&words->narrowing, now, &times, err);
    if (rc == 0 && words->outcomes)
        rc = add_outcomes(words->outcomes, &query->outcomes, err);
    query->job = words->n ? words->operands[0] : words->narrowing.job;
    query->since = times.since ? times.since : now - DAY_MS;
    query->until = times.until ? times.until + 1 : 0; /* at or before, as for runs */
    return rc;
}

struct listing {
    struct view *view;
    size_t shown;
};

static int show(const struct occurrence *o, void *arg)
{
    struct listing *l = arg;
    l->shown++;
    return view_add(l->view, o);
}

int status_occurrences(struct command *command, const struct status_words *words, struct err *err)
{
    struct occurrence_query query = {0};
    struct listing l = {0};
    int rc = read_query(words, &query, err);
    if (rc == 0)
        rc = view_new(&l.view, &view_occurrence_record, words->form, VIEW_TABLE, words->format,
                      stdout, err);
    if (rc == 0)
        rc = view_sort(l.view, words->sort, 0, err);
    if (rc == 0 && view_form(l.view) == VIEW_ID)
        rc = err_set(err, ERR_USAGE,
                     "an occurrence is no run and has no such id: --format "
                     "'{runs}' prints those of its runs");
    if (rc == 0)
        rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = occurrence_find(command->cat, &query, show, &l, err);
    if (rc >= 0 && !l.shown)
        log_warn("no occurrence matches");
    if (rc < 0)
        view_drop(l.view);
    else if (view_end(l.view, err) < 0)
        rc = ERR_IO;
    return rc < 0 ? rc : l.shown ? EXITCODE_DONE : EXITCODE_NO;
}
