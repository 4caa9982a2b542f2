#include "jobfile.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "jobfile_limits.h"
#include "jobfile_options.h"
#include "jobfile_work.h"

/*
 * One line of JSON, which is YAML. Keys stand in the order of this file and only where they differ
 * from job_init, so that equal jobs have equal texts: texts are stored once by hash, and the order
 * must never change for keys that exist.
 */

struct writer {
    struct buf *out;
    bool more; /* a key was written in this map */
};

static void put_key(struct writer *w, const char *key)
{
    buf_addf(w->out, "%s\"%s\": ", w->more ? ", " : "", key);
    w->more = true;
}

static struct writer open_map(struct writer *w, const char *key)
{
    put_key(w, key);
    buf_addch(w->out, '{');
    return (struct writer){.out = w->out};
}

static void close_map(struct writer *w)
{
    buf_addch(w->out, '}');
}

static void put_string(struct writer *w, const char *key, const char *value)
{
    if (!value)
        return;
    put_key(w, key);
    escape_json(w->out, value, strlen(value));
}

static void put_number(struct writer *w, const char *key, int64_t value, int64_t normal)
{
    if (value == normal)
        return;
    put_key(w, key);
    buf_addf(w->out, "%lld", (long long)value);
}

static void put_duration(struct writer *w, const char *key, int64_t ms, int64_t normal)
{
    if (ms == normal)
        return;
    put_key(w, key);
    if (ms % 1000)
        buf_addf(w->out, "\"%lldms\"", (long long)ms);
    else
        buf_addf(w->out, "\"%llds\"", (long long)ms / 1000);
}

static void put_kept(struct writer *w, const char *key, int64_t ms)
{
    if (ms == INT64_MAX)
        put_string(w, key, "forever");
    else
        put_duration(w, key, ms, 0);
}

static void put_keep(struct writer *w, const struct job *job)
{
    if (job->keep_ms == job->keep_failed_ms) {
        put_kept(w, "keep", job->keep_ms);
        return;
    }
    struct writer map = open_map(w, "keep");
    put_kept(&map, "succeeded", job->keep_ms);
    put_kept(&map, "failed", job->keep_failed_ms);
    close_map(&map);
}

static void put_word(struct writer *w, const char *key, const char *word, bool differs)
{
    if (differs)
        put_string(w, key, word);
}

static void put_flag(struct writer *w, const char *key, bool set)
{
    if (!set)
        return;
    put_key(w, key);
    buf_addstr(w->out, "true");
}

static void put_list(struct writer *w, const char *key, const struct strlist *list)
{
    if (!list->n)
        return;
    put_key(w, key);
    for (size_t i = 0; i < list->n; i++) {
        buf_addstr(w->out, i ? ", " : "[");
        escape_json(w->out, list->v[i], strlen(list->v[i]));
    }
    buf_addch(w->out, ']');
}

static void put_pairs(struct writer *w, const char *key, const struct strlist *env)
{
    if (!env->n)
        return;
    struct writer map = open_map(w, key);
    for (size_t i = 0; i < env->n; i++) {
        size_t len = strcspn(env->v[i], "=");
        const char *value = env->v[i] + len + (env->v[i][len] == '=');
        buf_addstr(w->out, map.more ? ", " : "");
        escape_json(w->out, env->v[i], len);
        buf_addstr(w->out, ": ");
        escape_json(w->out, value, strlen(value));
        map.more = true;
    }
    close_map(&map);
}

/* Hosts as one range expression: it reads back in one go, however many there are. */
static void put_hosts(struct writer *w, const struct strlist *hosts)
{
    if (!hosts->n)
        return;
    struct buf all = {0};
    for (size_t i = 0; i < hosts->n; i++) {
        buf_addstr(&all, i ? "," : "");
        buf_addstr(&all, hosts->v[i]);
    }
    put_string(w, "hosts", buf_str(&all));
    buf_free(&all);
}

static void put_where(struct writer *w, const struct job *job)
{
    static const char *const prefer[] = {[PREFER_LEAST_LOADED] = "least-loaded",
                                         [PREFER_SPREAD] = "spread",
                                         [PREFER_PACK] = "pack",
                                         [PREFER_RANDOM] = "random",
                                         [PREFER_ORDER] = "order"};
    if (!job->tags.n && !job->hosts.n && job->prefer == PREFER_LEAST_LOADED && !job->not_tags.n &&
        !job->each && !job->count)
        return;
    struct writer map = open_map(w, "where");
    put_list(&map, "tags", &job->tags);
    put_hosts(&map, &job->hosts);
    put_word(&map, "prefer", prefer[job->prefer], job->prefer != PREFER_LEAST_LOADED);
    put_list(&map, "not", &job->not_tags);
    put_flag(&map, "each", job->each);
    put_number(&map, "count", job->count, 0);
    close_map(&map);
}

/* Thousandths, as they are read; without a printf of floats, whose point depends on the locale. */
static void put_factor(struct writer *w, const char *key, double factor, double normal)
{
    int64_t thousandths = (int64_t)(factor * 1000 + 0.5);
    if (thousandths == (int64_t)(normal * 1000 + 0.5))
        return;
    put_key(w, key);
    buf_addf(w->out, "%lld", (long long)thousandths / 1000);
    if (thousandths % 1000)
        buf_addf(w->out, ".%03d", (int)(thousandths % 1000));
}

static void put_causes(struct writer *w, unsigned on)
{
    static const struct {
        const char *name;
        unsigned bit;
    } causes[] = {
        {"failed", JOB_RETRY_FAILED}, {"timeout", JOB_RETRY_TIMEOUT}, {"lost", JOB_RETRY_LOST}};
    struct strlist names = {0};
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (on & causes[i].bit)
            strlist_add(&names, causes[i].name);
    put_list(w, "on", &names);
    strlist_free(&names);
}

static void put_retry(struct writer *w, const struct job_retry *retry,
                      const struct job_retry *normal)
{
    if (retry->attempts == normal->attempts && retry->delay_ms == normal->delay_ms &&
        retry->backoff == normal->backoff && retry->max_delay_ms == normal->max_delay_ms &&
        retry->on == normal->on && retry->elsewhere == normal->elsewhere)
        return;
    struct writer map = open_map(w, "retry");
    put_number(&map, "attempts", retry->attempts, 0); /* required, so always */
    put_duration(&map, "delay", retry->delay_ms, normal->delay_ms);
    put_factor(&map, "backoff", retry->backoff, normal->backoff);
    put_duration(&map, "max_delay", retry->max_delay_ms, normal->max_delay_ms);
    if (retry->on != normal->on)
        put_causes(&map, retry->on);
    put_flag(&map, "elsewhere", retry->elsewhere);
    close_map(&map);
}

static void put_needs(struct writer *w, const char *key, const struct job *job)
{
    put_key(w, key);
    for (size_t i = 0; i < job->nafter; i++) {
        const struct job_need *need = &job->after[i];
        buf_addstr(w->out, i ? ", {" : "[{");
        struct writer map = {.out = w->out};
        put_string(&map, "job", need->job);
        put_word(&map, "is", need_is_name(need->is), need->is != NEED_SUCCEEDED);
        if (need->each) {
            put_key(&map, "each");
            buf_addstr(w->out, "true");
        }
        close_map(&map);
    }
    buf_addch(w->out, ']');
}

static void put_after(struct writer *w, const struct job *job)
{
    if (!job->nafter)
        return;
    if (!job->after_any) {
        put_needs(w, "after", job);
        return;
    }
    struct writer map = open_map(w, "after");
    put_needs(&map, "any", job);
    close_map(&map);
}

static void put_success(struct writer *w, const struct job *job)
{
    if (job->nsuccess == 1 && job->success[0] == 0)
        return;
    put_key(w, "success");
    for (size_t i = 0; i < job->nsuccess; i++)
        buf_addf(w->out, "%s%d", i ? ", " : "[", job->success[i]);
    buf_addch(w->out, ']');
}

/* The texts of all options of one key. */
static struct strlist texts_of(const struct strlist *options, const char *key)
{
    struct strlist texts = {0};
    size_t len = strlen(key);
    for (size_t i = 0; i < options->n; i++)
        if (strncmp(options->v[i], key, len) == 0 && options->v[i][len] == '=')
            strlist_add(&texts, options->v[i] + len + 1);
    return texts;
}

static void put_numbers(struct writer *w, const char *key, const struct strlist *numbers)
{
    put_key(w, key);
    if (numbers->n > 1)
        buf_addch(w->out, '[');
    for (size_t i = 0; i < numbers->n; i++)
        buf_addf(w->out, "%s%s", i ? ", " : "", numbers->v[i]);
    if (numbers->n > 1)
        buf_addch(w->out, ']');
}

/* A row with a maximum is of numbers. */
static void put_options(struct writer *w, const struct field *fields, const struct strlist *options)
{
    for (; fields->name; fields++) {
        struct strlist texts = texts_of(options, fields->name);
        if (fields->read == option_map)
            put_pairs(w, fields->name, &texts);
        else if (fields->read == option_duration && texts.n)
            put_duration(w, fields->name, strtoll(texts.v[0], NULL, 10), -1);
        else if (fields->max && texts.n)
            put_numbers(w, fields->name, &texts);
        else if (texts.n == 1)
            put_string(w, fields->name, texts.v[0]);
        else
            put_list(w, fields->name, &texts);
        strlist_free(&texts);
    }
}

static void put_container(struct writer *w, const struct job *job)
{
    struct writer map = open_map(w, "container");
    put_options(&map, container_fields, &job->options);
    put_list(&map, "argv", &job->argv);
    close_map(&map);
}

static void put_http(struct writer *w, const struct job *job)
{
    struct writer map = open_map(w, "http");
    put_options(&map, http_fields, &job->options);
    put_string(&map, "body", job->text);
    close_map(&map);
}

static void put_slurm(struct writer *w, const struct job *job)
{
    if (!job->by_slurm)
        return;
    struct writer map = open_map(w, "slurm");
    put_options(&map, slurm_fields, &job->slurm);
    close_map(&map);
}

static void put_work(struct writer *w, const struct job *job)
{
    if (job->executor == EXECUTOR_CONTAINER)
        put_container(w, job);
    else if (job->executor == EXECUTOR_HTTP)
        put_http(w, job);
    else if (job->executor == EXECUTOR_EXEC)
        put_list(w, job_executor_name(job->executor), &job->argv);
    else if (job->executor)
        put_string(w, job_executor_name(job->executor), job->text);
}

/* The rules of a kind, without the word. */
static void put_rules(struct writer *w, const char *kind, const struct strlist *rules)
{
    struct strlist texts = {0};
    size_t len = strlen(kind);
    for (size_t i = 0; i < rules->n; i++)
        if (strncmp(rules->v[i], kind, len) == 0 && rules->v[i][len] == ' ')
            strlist_add(&texts, rules->v[i] + len + 1);
    put_list(w, kind, &texts);
    strlist_free(&texts);
}

static void put_schedule(struct writer *w, const struct job *job)
{
    static const char *const overlaps[] = {[OVERLAP_FORBID] = "forbid",
                                           [OVERLAP_ALLOW] = "allow",
                                           [OVERLAP_QUEUE] = "queue",
                                           [OVERLAP_REPLACE] = "replace"};
    const struct job_schedule *s = &job->schedule;
    if (!job_is_scheduled(job))
        return;
    struct writer map = open_map(w, "schedule");
    put_rules(&map, "cron", &s->rules);
    put_rules(&map, "every", &s->rules);
    put_rules(&map, "at", &s->rules);
    put_string(&map, "timezone", s->timezone);
    put_duration(&map, "jitter", s->jitter_ms, 0);
    put_word(&map, "catch_up", "all", s->catch_up == CATCH_UP_ALL);
    put_duration(&map, "deadline", job->deadline_ms, 0);
    put_word(&map, "overlap", overlaps[s->overlap], s->overlap != OVERLAP_FORBID);
    put_string(&map, "from", s->from);
    put_string(&map, "until", s->until);
    put_list(&map, "except", &s->except);
    close_map(&map);
}

static void put_array(struct writer *w, const struct job_array *array)
{
    struct buf indices = {0};
    for (size_t i = 0; i < array->nranges; i++) {
        const struct job_indices *range = &array->ranges[i];
        buf_addf(&indices, "%s%lld", i ? "," : "", (long long)range->first);
        if (range->last > range->first)
            buf_addf(&indices, "-%lld", (long long)range->last);
    }
    put_string(w, "array", indices.len ? buf_str(&indices) : NULL);
    buf_free(&indices);
    put_list(w, "array", &array->items);
    if (!array->naxes)
        return;
    struct writer map = open_map(w, "matrix");
    for (size_t i = 0; i < array->naxes; i++)
        put_list(&map, array->axes[i].key, &array->axes[i].values);
    close_map(&map);
}

/* As env, but for those without a value. */
static void put_parameters(struct writer *w, const struct strlist *parameters)
{
    if (!parameters->n)
        return;
    struct writer map = open_map(w, "parameters");
    for (size_t i = 0; i < parameters->n; i++) {
        const char *entry = parameters->v[i];
        size_t len = strcspn(entry, "=");
        buf_addf(w->out, "%s\"%.*s\": ", map.more ? ", " : "", (int)len, entry);
        if (entry[len])
            escape_json(w->out, entry + len + 1, strlen(entry + len + 1));
        else
            buf_addstr(w->out, "null");
        map.more = true;
    }
    close_map(&map);
}

void jobfile_write(const struct job *job, struct buf *out)
{
    struct job normal;
    struct writer w = {.out = out};
    job_init(&normal);
    buf_addch(out, '{');
    put_string(&w, "name", job->name);
    put_schedule(&w, job);
    put_work(&w, job);
    put_string(&w, "stdin", job->stdin_text);
    put_pairs(&w, "env", &job->env);
    put_string(&w, "workdir", job->workdir);
    put_string(&w, "user", job->user);
    put_where(&w, job);
    put_number(&w, "slots", job->slots, normal.slots);
    put_number(&w, "priority", job->priority, normal.priority);
    put_duration(&w, "timeout", job->timeout_ms, normal.timeout_ms);
    put_duration(&w, "kill_after", job->kill_after_ms, normal.kill_after_ms);
    put_retry(&w, &job->retry, &normal.retry);
    put_success(&w, job);
    if (job->output_limit != normal.output_limit) {
        struct writer map = open_map(&w, "output");
        put_number(&map, "limit", job->output_limit, -1);
        close_map(&map);
    }
    put_word(&w, "leftovers", "leave", job->leftovers == LEFTOVERS_LEAVE);
    put_word(&w, "on_lost", "retry", job->on_lost == ON_LOST_RETRY);
    put_duration(&w, "lost_after", job->lost_after_ms, normal.lost_after_ms);
    if (job->within_ms) {
        struct writer map = open_map(&w, "expect");
        put_duration(&map, "within", job->within_ms, 0);
        close_map(&map);
    }
    put_list(&w, "notify", &job->notify);
    put_list(&w, "pools", &job->pools);
    put_number(&w, "max_running", job->max_running, normal.max_running);
    put_array(&w, &job->array);
    put_number(&w, "at_once", job->at_once, 0);
    put_number(&w, "stop_after", job->stop_after, 0);
    put_string(&w, "placeholder", job->placeholder);
    put_parameters(&w, &job->parameters);
    put_after(&w, job);
    put_keep(&w, job);
    put_slurm(&w, job);
    jobfile_write_limits(job, out);
    buf_addch(out, '}');
    job_free(&normal);
}
