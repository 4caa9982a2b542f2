#include "selection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "catalogue/need.h"
#include "clock.h"
#include "log.h"
#include "near.h"
#include "strlist.h"
#include "xalloc.h"

void selection_add(struct selection *selection, int64_t id)
{
    if (selection->n == selection->cap) {
        selection->cap = selection->cap ? selection->cap * 2 : 16;
        selection->ids = xreallocarray(selection->ids, selection->cap, sizeof *selection->ids);
    }
    selection->ids[selection->n++] = id;
}

void selection_free(struct selection *selection)
{
    free(selection->ids);
    *selection = (struct selection){0};
}

int64_t selection_id(const char *word, size_t len)
{
    int64_t id = 0;
    for (size_t i = 0; i < len; i++) {
        if (word[i] < '0' || word[i] > '9' || id > (INT64_MAX - 9) / 10)
            return 0;
        id = id * 10 + (word[i] - '0');
    }
    return id;
}

int selection_read_stream(struct selection *selection, FILE *in, struct err *err)
{
    char *line = NULL;
    size_t size = 0;
    int rc = 0;
    ssize_t n;
    errno = 0;
    for (size_t number = 1; rc == 0 && (n = getline(&line, &size, in)) >= 0; number++) {
        const char *word = line + strspn(line, " \t\r\n");
        size_t len = strcspn(word, " \t\r\n");
        int64_t id = selection_id(word, len);
        if (word + len < line + n && !word[len]) /* as find -print0 and xargs -0 like it */
            rc = err_set(err, ERR_USAGE,
                         "standard input:%zu: a NUL byte: write the ids on lines (tr '\\0' '\\n')",
                         number);
        else if (id)
            selection_add(selection, id);
        else if (len && !(len == 2 && strncasecmp(word, "id", 2) == 0))
            rc = err_set(err, ERR_USAGE, "standard input:%zu: '%.*s' is no run's id", number,
                         (int)(len < 40 ? len : 40), word);
    }
    if (rc == 0 && ferror(in))
        rc = err_sys(err, ERR_IO, "cannot read standard input");
    free(line);
    return rc;
}

struct seen {
    int64_t id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* Keeps the first of each: a run named twice is not cancelled, printed or run twice. */
static void drop_repeated(struct selection *selection)
{
    struct seen *seen = xcalloc(selection->n + 1, sizeof *seen);
    size_t kept = 0;
    for (size_t i = 0; i < selection->n; i++)
        seen[i] = (struct seen){selection->ids[i], i};
    qsort(seen, selection->n, sizeof *seen, by_id);
    for (size_t i = 1; i < selection->n; i++)
        if (seen[i].id == seen[i - 1].id)
            selection->ids[seen[i].at] = 0;
    for (size_t i = 0; i < selection->n; i++)
        if (selection->ids[i])
            selection->ids[kept++] = selection->ids[i];
    selection->n = kept;
    free(seen);
}

bool selection_is_nothing(const struct selection *selection)
{
    bool nothing = selection->from_stdin && !selection->n;
    if (nothing)
        log_warn("standard input names no runs");
    return nothing;
}

static int add_last(struct selection *selection, struct catalogue *cat, struct err *err)
{
    int64_t id;
    int rc = run_last(cat, &id, err);
    if (rc < 0)
        return rc;
    if (!id)
        return err_set(err, ERR_ANSWER, "there is no last run: nothing was submitted yet");
    selection_add(selection, id);
    return 0;
}

static int add_id(int64_t id, void *selection)
{
    selection_add(selection, id);
    return 0;
}

/* The runs of 3-9 are those that are there: some may have been pruned, and 3-999999999 is cheap. */
static int add_range(struct selection *selection, int64_t from, int64_t to, struct catalogue *cat,
                     struct err *err)
{
    size_t before = selection->n;
    int rc = run_ids_between(cat, from, to, add_id, selection, err);
    if (rc == 0 && selection->n == before)
        rc = err_set(err, ERR_ANSWER, "there is no run from %" PRId64 " to %" PRId64, from, to);
    return rc;
}

static int refuse_word(const char *word, struct err *err)
{
    return err_set(err, ERR_USAGE,
                   "'%.60s' is no run's id (write a number, 3-9, 17,20-22, 'last' or '-')", word);
}

/* 17, 3-9, last, or some of them with commas. */
static int add_word(struct selection *selection, const char *word, struct catalogue *cat,
                    struct err *err)
{
    int rc = 0;
    for (const char *p = word; rc == 0; p++) {
        size_t len = strcspn(p, ","), first = strcspn(p, "-,");
        int64_t from = selection_id(p, first);
        int64_t to = first < len ? selection_id(p + first + 1, len - first - 1) : from;
        if (len == 4 && strncmp(p, "last", 4) == 0)
            rc = add_last(selection, cat, err);
        else if (!from || to < from)
            rc = refuse_word(word, err);
        else if (first == len)
            selection_add(selection, from);
        else
            rc = add_range(selection, from, to, cat, err);
        p += len;
        if (!*p)
            break;
    }
    return rc;
}

int selection_read(struct selection *selection, char *const args[], int n, FILE *in,
                   struct catalogue *cat, struct err *err)
{
    int rc = 0;
    for (int i = 0; i < n && rc == 0; i++) {
        if (strcmp(args[i], "-") != 0) {
            rc = add_word(selection, args[i], cat, err);
        } else if (!selection->from_stdin) {
            selection->from_stdin = true;
            rc = selection_read_stream(selection, in, err);
        }
    }
    drop_repeated(selection);
    return rc;
}

int selection_one(const char *option, const char *word, struct catalogue *cat, int64_t *id,
                  struct err *err)
{
    struct selection one = {0};
    int rc = 0;
    *id = selection_id(word, strlen(word));
    if (strcmp(word, "last") == 0)
        rc = add_last(&one, cat, err);
    else if (!*id)
        rc = err_set(err, ERR_USAGE, "%s wants the id of one of its runs, or 'last', not '%.60s'",
                     option, word);
    if (one.n)
        *id = one.ids[0];
    selection_free(&one);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Keeps those that are among others, which this sorts. */
static void keep_common(struct selection *selection, struct selection *others)
{
    size_t kept = 0;
    if (others->n)
        qsort(others->ids, others->n, sizeof *others->ids, by_number);
    for (size_t i = 0; i < selection->n && others->n; i++)
        if (bsearch(&selection->ids[i], others->ids, others->n, sizeof *others->ids, by_number))
            selection->ids[kept++] = selection->ids[i];
    selection->n = kept;
}

int selection_workflow(struct selection *selection, int64_t id, struct catalogue *cat,
                       struct err *err)
{
    struct selection of = {0};
    if (selection->from_stdin && !selection->n)
        return 0;
    int rc = workflow_runs(cat, id, add_id, &of, err);
    drop_repeated(&of);
    if (rc == 0 && selection->n) {
        keep_common(selection, &of);
        if (!selection->n)
            rc = err_set(err, ERR_ANSWER, "no run that was named is in the workflow of %" PRId64,
                         id);
    } else if (rc == 0) {
        *selection = of;
        return 0;
    }
    selection_free(&of);
    return rc;
}

/* ---- narrowing ---- */

unsigned selection_states(bool over)
{
    unsigned states = 0;
    for (int i = RUN_STATE_FIRST; i <= RUN_STATE_LAST; i++)
        if (run_state_is_terminal((enum run_state)i) == over)
            states |= 1U << i;
    return states;
}

void selection_state_words(const char *words[SELECTION_STATE_WORDS])
{
    words[0] = "open";
    for (int i = RUN_STATE_FIRST; i <= RUN_STATE_LAST; i++)
        words[i] = run_state_name((enum run_state)i);
    words[SELECTION_STATE_WORDS - 1] = "over";
}

static int add_state(const char *word, unsigned *states, struct err *err)
{
    const char *words[SELECTION_STATE_WORDS];
    selection_state_words(words);
    enum run_state state = run_state_of(word);
    if (state)
        *states |= 1U << state;
    else if (strcmp(word, "open") == 0 || strcmp(word, "over") == 0)
        *states |= selection_states(word[1] == 'v');
    else {
        const char *near = near_word(word, words, SELECTION_STATE_WORDS, sizeof *words);
        return near ? err_set(err, ERR_USAGE, "unknown state '%s' (did you mean '%s'?)", word, near)
                    : err_set(err, ERR_USAGE, "unknown state '%s' (rota-status(1) lists them)",
                              word);
    }
    return 0;
}

static int add_states(const char *text, unsigned *states, struct err *err)
{
    int rc = 0;
    for (const char *p = text; rc == 0;) {
        size_t len = strcspn(p, ",");
        char *word = xstrndup(p, len);
        rc = add_state(word, states, err);
        free(word);
        p += len;
        if (!*p++)
            break;
    }
    return rc;
}

static int add_time(const char *option, const char *text, int64_t now, int64_t *at, struct err *err)
{
    int rc = text ? clock_parse(text, now, at, err) : 0;
    if (rc < 0)
        err_place(err, "%s", option);
    return rc;
}

int narrowing_read(const struct narrowing *narrowing, int64_t now, struct run_query *query,
                   struct err *err)
{
    query->job = narrowing->job;
    query->host = narrowing->host;
    int rc = narrowing->states ? add_states(narrowing->states, &query->states, err) : 0;
    if (rc == 0)
        rc = add_time("--since", narrowing->since, now, &query->since, err);
    if (rc == 0)
        rc = add_time("--until", narrowing->until, now, &query->until, err);
    return rc;
}

bool narrowing_any(const struct narrowing *narrowing)
{
    return narrowing->states || narrowing->job || narrowing->host || narrowing->since ||
           narrowing->until || narrowing->array || narrowing->tag;
}

static int no_tag(const char *tag, const struct config *config, struct err *err)
{
    struct strlist tags = {0};
    config_tags(config, &tags);
    const char *near = near_word(tag, tags.v, tags.n, sizeof *tags.v);
    if (near)
        err_set(err, ERR_ANSWER, "no host has the tag '%s' (did you mean '%s'?)", tag, near);
    else
        err_set(err, ERR_ANSWER, "no host has the tag '%s' (rota hosts -o wide)", tag);
    strlist_free(&tags);
    return ERR_ANSWER;
}

int narrowing_tag(const struct narrowing *narrowing, const struct config *config,
                  struct run_query *query, struct err *err)
{
    struct buf hosts = {0};
    if (!narrowing->tag)
        return 0;
    for (size_t i = 0; i < config->nhosts; i++)
        /* names hold nothing that JSON would want escaped */
        if (strlist_has(&config->hosts[i].tags, narrowing->tag))
            buf_addf(&hosts, "%s\"%s\"", hosts.len ? "," : "[", config->hosts[i].name);
    if (!hosts.len)
        return no_tag(narrowing->tag, config, err);
    buf_addch(&hosts, ']');
    query->hosts = buf_detach(&hosts);
    return 0;
}

int narrowing_array(const struct narrowing *narrowing, struct catalogue *cat,
                    struct run_query *query, struct err *err)
{
    int64_t id = 0;
    if (!narrowing->array)
        return 0;
    int rc = selection_one("--array", narrowing->array, cat, &id, err);
    return rc == 0 ? array_of(cat, id, &query->array, err) : rc;
}
