#include "view_job.h"

#include <stdio.h>
#include <string.h>

#include "job.h"
#include "view_history.h"
#include "view_run.h"

#define FIELD(name, made)                                                                          \
    static struct view_value name(const void *record)                                              \
    {                                                                                              \
        const struct job_record *job = record;                                                     \
        return made;                                                                               \
    }

static const char *const overlaps[] = {[OVERLAP_FORBID] = "forbid",
                                       [OVERLAP_ALLOW] = "allow",
                                       [OVERLAP_QUEUE] = "queue",
                                       [OVERLAP_REPLACE] = "replace"};
VIEW_WORDS(overlap_word, overlaps)

enum { ASIDE = 0, PAUSED, ACTIVE, OVER, MANUAL };
static const char *const states[] = {[ASIDE] = "aside",
                                     [PAUSED] = "paused",
                                     [ACTIVE] = "active",
                                     [OVER] = "over",
                                     [MANUAL] = "manual"};
VIEW_WORDS(state_word, states)

/* The words of one line of the timetable, without the word in front. The value is used before the next
 * is asked for. */
static const char *line_of(const struct job_row *row, const char *word)
{
    static char text[256];
    size_t len = strlen(word);
    const char *p = row->timetable ? row->timetable : "";
    while (*p && (strncmp(p, word, len) != 0 || p[len] != ' '))
        p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n');
    if (!*p)
        return NULL;
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(p + len + 1, "\n"), p + len + 1);
    return text;
}

/* The rules, "30 2 * * *; every 900000ms": all of them, for machines want them. Kept for the next one. */
static struct view_value rules(const void *record)
{
    static struct buf text;
    const struct job_record *job = record;
    buf_reset(&text);
    for (const char *p = job->row->timetable ? job->row->timetable : ""; *p;) {
        size_t len = strcspn(p, "\n");
        size_t word = strncmp(p, "cron ", 5) == 0 ? 5 : 0; /* the others need theirs */
        if (word || strncmp(p, "every ", 6) == 0 || strncmp(p, "at ", 3) == 0)
            buf_addf(&text, "%s%.*s", text.len ? "; " : "", (int)(len - word), p + word);
        p += len + (p[len] == '\n');
    }
    return view_text(text.len ? buf_str(&text) : NULL);
}

static struct view_value state(const void *record)
{
    const struct job_record *job = record;
    struct view_value value = view_text(states[job->row->aside       ? ASIDE
                                               : job->row->paused_at ? PAUSED
                                               : job->row->next_at   ? ACTIVE
                                               : job->row->timetable ? OVER
                                                                     : MANUAL]);
    value.mood = job->row->paused_at ? VIEW_BUSY : job->row->next_at ? VIEW_PLAIN : VIEW_DIM;
    return value;
}

/* Of the last occurrence: how its run did, or why there is none. */
static struct view_value result(const void *record)
{
    const struct job_record *job = record;
    if (!job->last)
        return view_text(NULL);
    struct view_value value = view_text(job->last_state ? run_state_name(job->last_state)
                                                        : outcome_name(job->last->outcome));
    value.mood = !job->last_state                          ? VIEW_BUSY
                 : job->last_state == RUN_SUCCEEDED        ? VIEW_GOOD
                 : !run_state_is_terminal(job->last_state) ? VIEW_PLAIN
                                                           : VIEW_BAD;
    return value;
}

FIELD(name, view_text(job->row->name))
FIELD(next_at, view_time(job->row->next_at))
FIELD(last_at, view_time(job->row->last_at))
FIELD(left, job->row->next_at && !job->row->paused_at ? view_seconds(job->row->next_at - job->now)
                                                      : view_text(NULL))
FIELD(last_outcome, view_text(job->last ? outcome_name(job->last->outcome) : NULL))
FIELD(last_run, job->last_run ? view_int(job->last_run) : view_text(NULL))
FIELD(last_state, view_text(job->last_state ? run_state_name(job->last_state) : NULL))
FIELD(last_reason, view_text(job->last ? job->last->reason : NULL))
FIELD(timezone, view_text(line_of(job->row, "zone")))
FIELD(overlap, view_text(overlaps[job->row->overlap & 3]))
FIELD(catch_up, view_text(job->row->catch_up == CATCH_UP_ALL ? "all" : "last"))
FIELD(jitter, view_seconds(job->row->jitter_ms))
FIELD(deadline, job->row->deadline_ms ? view_seconds(job->row->deadline_ms) : view_text(NULL))
FIELD(paused_at, view_time(job->row->paused_at))
FIELD(paused, view_text(job->row->paused))
FIELD(skip, view_int(job->row->skip))
FIELD(source, view_text(job->row->source))
FIELD(added_at, view_time(job->row->added_at))
FIELD(aside, view_text(job->row->aside))
FIELD(note, view_text(job->row->aside       ? job->row->aside
                      : job->row->paused_at ? (job->row->paused ? job->row->paused : "paused")
                      : job->row->skip      ? "the next one will be skipped"
                      : job->last           ? job->last->reason
                                            : NULL))

static const struct view_column job_columns[] = {
    {"job", "JOB", true, true, false, false, name, VIEW_IS(TEXT)},
    {"state", "STATE", true, true, false, false, state, VIEW_WORD(state_word)},
    {"schedule", "SCHEDULE", true, true, false, false, rules, VIEW_MAYBE(TEXT)},
    {"timezone", "ZONE", false, true, false, false, timezone, VIEW_MAYBE(TEXT)},
    {"next_at", "NEXT", true, true, false, false, next_at, VIEW_MAYBE(TIME)},
    {"left", "LEFT", true, true, true, false, left, VIEW_MAYBE(SECONDS)},
    {"last_at", "LAST", true, true, false, false, last_at, VIEW_MAYBE(TIME)},
    {"result", "RESULT", true, true, false, true, result, VIEW_MAYBE(TEXT)},
    {"last_outcome", "OUTCOME", false, true, false, false, last_outcome,
     VIEW_MAYBE_WORD(view_outcome_word)},
    {"last_run", "RUN", false, true, true, false, last_run, VIEW_MAYBE(INT)},
    {"last_state", "RUN STATE", false, false, false, false, last_state,
     VIEW_MAYBE_WORD(view_run_state_word)},
    {"last_reason", "REASON", false, false, false, false, last_reason, VIEW_MAYBE(TEXT)},
    {"overlap", "OVERLAP", false, true, false, false, overlap, VIEW_WORD(overlap_word)},
    {"catch_up", "CATCH UP", false, true, false, false, catch_up, VIEW_IS(TEXT)},
    {"jitter", "JITTER", false, false, true, false, jitter, VIEW_IS(SECONDS)},
    {"deadline", "DEADLINE", false, true, true, false, deadline, VIEW_MAYBE(SECONDS)},
    {"paused_at", "PAUSED", false, false, false, false, paused_at, VIEW_MAYBE(TIME)},
    {"paused", "PAUSED", false, false, false, false, paused, VIEW_MAYBE(TEXT)},
    {"skip", "SKIP", false, false, true, false, skip, VIEW_IS(INT)},
    {"aside", "ASIDE", false, false, false, false, aside, VIEW_MAYBE(TEXT)},
    {"source", "SOURCE", false, true, false, false, source, VIEW_MAYBE(TEXT)},
    {"added_at", "ADDED", false, true, false, false, added_at, VIEW_MAYBE(TIME)},
    {"note", "NOTE", true, true, false, true, note, VIEW_MAYBE(TEXT)},
};
const struct view_record view_job_record = VIEW_RECORD("job", 1, job_columns);
