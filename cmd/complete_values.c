/* rota complete: the values, by what a usage text calls them. */
#include "complete.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "commands.h"
#include "selection.h"
#include "sshnames.h"
#include "status_commands.h"
#include "view_history.h"
#include "view_host.h"
#include "view_job.h"
#include "view_run.h"
#include "xalloc.h"
#include "zone.h"

enum {
    NEWEST = 50,     /* runs that are offered */
    LOOKED_AT = 500, /* … of so many, when what was typed rules some out */
    MOST_NAMES = 500,
};

static bool is_given(const struct complete *c, const char *option)
{
    return strlist_has(&c->completion->given, option);
}

static bool is_of(const struct complete *c, const char *command, const char *sub)
{
    return strcmp(c->completion->command, command) == 0 &&
           (!sub || (c->completion->sub && strcmp(c->completion->sub, sub) == 0));
}

/* Of a row of a table; NULL: whatever it is. */
static bool is_asked(const struct complete *c, const char *command, const char *sub,
                     const char *option)
{
    return is_of(c, command, sub) && (!option || is_given(c, option));
}

/* What was typed of the word up to `at` stays. */
static void advance(struct complete *c, const char *at)
{
    char *head = xasprintf("%s%.*s", c->head, (int)(at - c->rest), c->rest);
    free(c->head);
    c->head = head;
    c->rest = at;
}

static void offer_list(struct complete *c, const struct strlist *names)
{
    for (size_t i = 0; i < names->n; i++)
        complete_offer(c, names->v[i], NULL);
}

/* ---- runs ---- */

struct newest {
    struct complete *complete;
    int n; /* offered so far */
};

static int offer_run(const struct run *run, void *arg)
{
    struct newest *newest = arg;
    struct complete *c = newest->complete;
    char id[24];
    (void)snprintf(id, sizeof id, "%lld", (long long)run->id);
    if (strncmp(id, c->rest, strlen(c->rest)) != 0)
        return 0;
    char *does = xasprintf("%s %s", run->job, run_state_name(run->state));
    complete_offer(c, id, does);
    free(does);
    return ++newest->n == NEWEST;
}

/* Where the id begins that a word ends in: "3-9", "17,20-22" and "last,3" do, "l" and "x3" do not (NULL). */
static const char *last_id(const char *word)
{
    size_t n = strlen(word);
    while (n && isdigit((unsigned char)word[n - 1]))
        n--;
    bool is_list = !n || word[n - 1] == ',' || word[n - 1] == '-';
    return is_list && strspn(word, "0123456789,-last") >= n ? word + n : NULL;
}

/* The newest first: what is asked about is what happened last. */
static void offer_runs(struct complete *c)
{
    struct run_query query = {.newest_first = true, .limit = LOOKED_AT};
    struct newest newest = {.complete = c};
    const char *id = last_id(c->rest);
    if (!id)
        return;
    advance(c, id);
    if (is_of(c, "cancel", NULL))
        query.states = selection_states(false); /* what is over cannot be cancelled */
    if (complete_catalogue(c))
        (void)run_select(c->cat, &query, offer_run, &newest, NULL);
}

static void offer_run_jobs(struct complete *c)
{
    struct strlist names = {0};
    if (complete_catalogue(c))
        (void)run_jobs(c->cat, c->rest, MOST_NAMES, &names, NULL);
    offer_list(c, &names);
    strlist_free(&names);
}

/* ---- registered jobs ---- */

static int offer_registered(const struct job_row *row, void *arg)
{
    char at[CLOCK_TEXT];
    char *next = row->next_at ? xasprintf("next %s", clock_rfc3339(row->next_at, at)) : NULL;
    complete_offer(arg, row->name, row->paused_at ? "paused" : next);
    free(next);
    return 0;
}

static void offer_jobs(struct complete *c)
{
    if (complete_catalogue(c))
        (void)job_select(c->cat, offer_registered, c, NULL);
}

static int add_unregistered(const struct job_row *row, void *arg)
{
    struct strlist *names = arg;
    if (!strlist_has(names, row->name))
        strlist_add(names, row->name);
    return 0;
}

/* Those of runs, and those that have none yet. */
static void offer_all_jobs(struct complete *c)
{
    struct strlist names = {0};
    if (complete_catalogue(c)) {
        (void)run_jobs(c->cat, c->rest, MOST_NAMES, &names, NULL);
        (void)job_select(c->cat, add_unregistered, &names, NULL);
    }
    offer_list(c, &names);
    strlist_free(&names);
}

/* ---- what the configuration names ---- */

static void offer_hosts(struct complete *c)
{
    const struct config *config = complete_config(c);
    for (size_t i = 0; config && i < config->nhosts; i++) {
        const struct host_config *host = &config->hosts[i];
        struct buf tags = {0};
        for (size_t k = 0; k < host->tags.n; k++)
            buf_addf(&tags, "%s%s", k ? " " : "", host->tags.v[k]);
        complete_offer(c, host->name, buf_str(&tags));
        buf_free(&tags);
    }
}

/* For rota init, which makes workers of them. */
static void offer_ssh_hosts(struct complete *c)
{
    struct strlist names = {0};
    (void)sshnames_read(&names, NULL);
    offer_list(c, &names);
    strlist_free(&names);
}

static void offer_tags(struct complete *c)
{
    struct strlist tags = {0};
    const struct config *config = complete_config(c);
    if (config)
        config_tags(config, &tags);
    offer_list(c, &tags);
    strlist_free(&tags);
}

static void offer_alerts(struct complete *c)
{
    const struct config *config = complete_config(c);
    for (size_t i = 0; config && i < config->nalerts; i++)
        complete_offer(c, config->alerts[i].name, NULL);
}

/* ---- words ---- */

static void offer_states(struct complete *c)
{
    const char *words[SELECTION_STATE_WORDS];
    selection_state_words(words);
    for (size_t i = 0; i < SELECTION_STATE_WORDS; i++)
        complete_offer(c, words[i], NULL);
}

static void offer_outcomes(struct complete *c)
{
    for (int i = OUTCOME_RAN; i <= OUTCOME_COALESCED; i++)
        complete_offer(c, outcome_name((enum outcome)i), NULL);
}

static void offer_conditions(struct complete *c)
{
    for (int i = NEED_SUCCEEDED; i <= NEED_STARTED; i++)
        complete_offer(c, need_is_name((enum need_is)i), NULL);
}

static void offer_signals(struct complete *c)
{
    for (size_t i = 0; cancel_signal_name(i); i++)
        complete_offer(c, cancel_signal_name(i), NULL);
}

static void offer_zones(struct complete *c)
{
    struct strlist names = {0};
    zone_list(&names);
    offer_list(c, &names);
    strlist_free(&names);
}

static void offer_times(struct complete *c)
{
    static const char *const words[] = {"now", "today", "yesterday", "tomorrow"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        complete_offer(c, words[i], NULL);
}

/* Forms that a command has not, because its records have no ids, or because it shows several lists at once;
 * the first row that fits. */
static const struct {
    const char *command, *sub, *option; /* NULL: any */
    unsigned forms;
} lacks[] = {
    {"monitor", "doctor", NULL, 1u << VIEW_ID},
    {"monitor", NULL, NULL,
     ~(1u << VIEW_TABLE | 1u << VIEW_WIDE | 1u << VIEW_JSON | 1u << VIEW_SCHEMA)},
    {"catalogue", NULL, NULL, 1u << VIEW_ID},
    {"status", NULL, "--occurrences", 1u << VIEW_ID},
};

static void offer_forms(struct complete *c)
{
    size_t row = 0, n = sizeof lacks / sizeof *lacks;
    while (row < n && !is_asked(c, lacks[row].command, lacks[row].sub, lacks[row].option))
        row++;
    for (int i = VIEW_TABLE; i < VIEW_FORMAT; i++)
        if (row == n || !(lacks[row].forms & 1u << i))
            complete_offer(c, view_form_name((enum view_form)i), NULL);
}

/* ---- fields ---- */

/* What a command prints records of; the first row that fits. */
static const struct {
    const char *command, *sub, *option; /* NULL: any */
    const struct view_record *record;
} records[] = {
    {"status", NULL, "--events", &view_moment_record},
    {"status", NULL, "--why", &status_why_record},
    {"status", NULL, "--occurrences", &view_occurrence_record},
    {"schedule", "tick", NULL, &view_run_record},
    {"schedule", "backfill", NULL, &view_run_record},
    {"schedule", NULL, NULL, &view_job_record},
    {"hosts", NULL, NULL, &view_host_record},
    {"status", NULL, NULL, &view_run_record},
    {"submit", NULL, NULL, &view_run_record},
};

static void offer_field_names(struct complete *c, const char *after)
{
    size_t i = 0, n = sizeof records / sizeof *records;
    while (i < n && !is_asked(c, records[i].command, records[i].sub, records[i].option))
        i++;
    for (size_t k = 0; i < n && k < records[i].record->n; k++) {
        const struct view_column *column = &records[i].record->columns[k];
        char *value = xasprintf("%s%s", column->name, after);
        if (!column->table_only)
            complete_offer(c, value, NULL);
        free(value);
    }
}

/* "-duration" sorts the other way round. */
static void offer_fields(struct complete *c)
{
    if (*c->rest == '-')
        advance(c, c->rest + 1);
    offer_field_names(c, "");
}

/* A field stands in braces. */
static void offer_format(struct complete *c)
{
    const char *brace = strrchr(c->rest, '{');
    if (brace && !strchr(brace, '}')) {
        advance(c, brace + 1);
    } else {
        advance(c, c->rest + strlen(c->rest));
        char *head = xasprintf("%s{", c->head);
        free(c->head);
        c->head = head;
    }
    offer_field_names(c, "}");
}

static void leave_files(struct complete *c)
{
    complete_leave(c, "files");
}

static void leave_directories(struct complete *c)
{
    complete_leave(c, "directories");
}

/* ---- by name ---- */

static const struct source {
    const char *option; /* the value of this one only; NULL: of any, and an operand */
    const char *name;
    void (*offer)(struct complete *c);
} sources[] = {
    {"--job", "PATTERN", offer_all_jobs},
    {"--host", "PATTERN", offer_hosts},
    {"--name", "NAME", offer_run_jobs},
    {"--test", "NAME", offer_alerts},
    {NULL, "NAME", offer_jobs},
    {NULL, "JOB", offer_jobs},
    {NULL, "ID", offer_runs},
    {NULL, "STATE", offer_states},
    {NULL, "HOST", offer_ssh_hosts}, /* of no option: of rota init */
    {NULL, "HOSTS", offer_hosts},
    {NULL, "TAG", offer_tags},
    {NULL, "FORM", offer_forms},
    {NULL, "FIELD", offer_fields},
    {NULL, "FORMAT", offer_format},
    {NULL, "OUTCOME", offer_outcomes},
    {NULL, "CONDITION", offer_conditions},
    {NULL, "SIGNAL", offer_signals},
    {NULL, "ZONE", offer_zones},
    {NULL, "TIME", offer_times},
    {NULL, "FILE", leave_files},
    {NULL, "DIRECTORY", leave_directories},
};

static void offer_named(struct complete *c, const char *option, const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        const struct source *source = &sources[i];
        if (strlen(source->name) == len && strncmp(source->name, name, len) == 0 &&
            (!source->option || (option && strcmp(source->option, option) == 0))) {
            source->offer(c);
            return;
        }
    }
}

/* "ID[:CONDITION][,ID ...]": after a comma another one begins, after a colon what belongs to it. */
void complete_values(struct complete *c, const struct completion_want *want)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *name = want->what, *at;
    size_t len = strspn(name, capitals);
    if (!len) {
        complete_offer(c, strcmp(name, "-") == 0 ? "" : name, NULL);
        return;
    }
    at = strstr(name, "[,") ? strrchr(c->rest, ',') : NULL;
    if (at)
        advance(c, at + 1);
    at = strchr(c->rest, ':');
    if (at && strncmp(name + len, "[:", 2) == 0) {
        name += len + 2;
        len = strspn(name, capitals);
        advance(c, at + 1);
    } else if (name[len] == '=') {
        if (!strchr(c->rest, '=')) /* a value is known to the job only */
            complete_parameters(c);
        return;
    }
    offer_named(c, want->option, name, len);
}
