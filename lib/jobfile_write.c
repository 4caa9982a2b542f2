#include "jobfile.h"

#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "jobfile_limits.h"
#include "jobfile_options.h"
#include "jobfile_files.h"
#include "jobfile_secret.h"
#include "jobfile_work.h"
#include "jobfile_writer.h"

/*
 * One line of JSON, which is YAML. Keys stand in the order of this file and only where they differ
 * from job_init, so that equal jobs have equal texts: texts are stored once by hash, and the order
 * must never change for keys that exist.
 */

static void put_kept(struct writer *w, const char *key, int64_t ms)
{
    if (ms == INT64_MAX)
        writer_string(w, key, "forever");
    else
        writer_duration(w, key, ms, 0);
}

static void put_keep(struct writer *w, const struct job *job)
{
    if (job->keep_ms == job->keep_failed_ms) {
        put_kept(w, "keep", job->keep_ms);
        return;
    }
    struct writer map = writer_open(w, "keep");
    put_kept(&map, "succeeded", job->keep_ms);
    put_kept(&map, "failed", job->keep_failed_ms);
    writer_close(&map);
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
    writer_string(w, "hosts", buf_str(&all));
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
    struct writer map = writer_open(w, "where");
    writer_list(&map, "tags", &job->tags);
    put_hosts(&map, &job->hosts);
    writer_word(&map, "prefer", prefer[job->prefer], job->prefer != PREFER_LEAST_LOADED);
    writer_list(&map, "not", &job->not_tags);
    writer_flag(&map, "each", job->each);
    writer_number(&map, "count", job->count, 0);
    writer_close(&map);
}

/* Thousandths, as they are read; without a printf of floats, whose point depends on the locale. */
static void put_factor(struct writer *w, const char *key, double factor, double normal)
{
    int64_t thousandths = (int64_t)(factor * 1000 + 0.5);
    if (thousandths == (int64_t)(normal * 1000 + 0.5))
        return;
    writer_key(w, key);
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
    writer_list(w, "on", &names);
    strlist_free(&names);
}

static void put_retry(struct writer *w, const struct job_retry *retry,
                      const struct job_retry *normal)
{
    if (retry->attempts == normal->attempts && retry->delay_ms == normal->delay_ms &&
        retry->backoff == normal->backoff && retry->max_delay_ms == normal->max_delay_ms &&
        retry->on == normal->on && retry->elsewhere == normal->elsewhere)
        return;
    struct writer map = writer_open(w, "retry");
    writer_number(&map, "attempts", retry->attempts, 0); /* required, so always */
    writer_duration(&map, "delay", retry->delay_ms, normal->delay_ms);
    put_factor(&map, "backoff", retry->backoff, normal->backoff);
    writer_duration(&map, "max_delay", retry->max_delay_ms, normal->max_delay_ms);
    if (retry->on != normal->on)
        put_causes(&map, retry->on);
    writer_flag(&map, "elsewhere", retry->elsewhere);
    writer_close(&map);
}

static void put_needs(struct writer *w, const char *key, const struct job *job)
{
    writer_key(w, key);
    for (size_t i = 0; i < job->nafter; i++) {
        const struct job_need *need = &job->after[i];
        buf_addstr(w->out, i ? ", {" : "[{");
        struct writer map = {.out = w->out};
        writer_string(&map, "job", need->job);
        writer_word(&map, "is", need_is_name(need->is), need->is != NEED_SUCCEEDED);
        if (need->each) {
            writer_key(&map, "each");
            buf_addstr(w->out, "true");
        }
        writer_close(&map);
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
    struct writer map = writer_open(w, "after");
    put_needs(&map, "any", job);
    writer_close(&map);
}

static void put_success(struct writer *w, const struct job *job)
{
    if (job->nsuccess == 1 && job->success[0] == 0)
        return;
    writer_key(w, "success");
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
        if (pair_value(options->v[i], key, len))
            strlist_add(&texts, pair_value(options->v[i], key, len));
    return texts;
}

static void put_numbers(struct writer *w, const char *key, const struct strlist *numbers)
{
    writer_key(w, key);
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
            writer_pairs(w, fields->name, &texts);
        else if (fields->read == option_duration && texts.n)
            writer_duration(w, fields->name, strtoll(texts.v[0], NULL, 10), -1);
        else if (fields->max && texts.n)
            put_numbers(w, fields->name, &texts);
        else if (texts.n == 1)
            writer_string(w, fields->name, texts.v[0]);
        else
            writer_list(w, fields->name, &texts);
        strlist_free(&texts);
    }
}

static void put_container(struct writer *w, const struct job *job)
{
    struct writer map = writer_open(w, "container");
    put_options(&map, container_fields, &job->options);
    writer_list(&map, "argv", &job->argv);
    writer_close(&map);
}

static void put_http(struct writer *w, const struct job *job)
{
    struct writer map = writer_open(w, "http");
    put_options(&map, http_fields, &job->options);
    writer_string(&map, "body", job->text);
    writer_close(&map);
}

static void put_slurm(struct writer *w, const struct job *job)
{
    if (!job->by_slurm)
        return;
    struct writer map = writer_open(w, "slurm");
    put_options(&map, slurm_fields, &job->slurm);
    writer_close(&map);
}

static void put_work(struct writer *w, const struct job *job)
{
    if (job->executor == EXECUTOR_CONTAINER)
        put_container(w, job);
    else if (job->executor == EXECUTOR_HTTP)
        put_http(w, job);
    else if (job->executor == EXECUTOR_EXEC)
        writer_list(w, job_executor_name(job->executor), &job->argv);
    else if (job->executor)
        writer_string(w, job_executor_name(job->executor), job->text);
}

/* The rules of a kind, without the word. */
static void put_rules(struct writer *w, const char *kind, const struct strlist *rules)
{
    struct strlist texts = {0};
    size_t len = strlen(kind);
    for (size_t i = 0; i < rules->n; i++)
        if (strncmp(rules->v[i], kind, len) == 0 && rules->v[i][len] == ' ')
            strlist_add(&texts, rules->v[i] + len + 1);
    writer_list(w, kind, &texts);
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
    struct writer map = writer_open(w, "schedule");
    put_rules(&map, "cron", &s->rules);
    put_rules(&map, "every", &s->rules);
    put_rules(&map, "at", &s->rules);
    writer_string(&map, "timezone", s->timezone);
    writer_duration(&map, "jitter", s->jitter_ms, 0);
    writer_word(&map, "catch_up", "all", s->catch_up == CATCH_UP_ALL);
    writer_duration(&map, "deadline", job->deadline_ms, 0);
    writer_word(&map, "overlap", overlaps[s->overlap], s->overlap != OVERLAP_FORBID);
    writer_string(&map, "from", s->from);
    writer_string(&map, "until", s->until);
    writer_list(&map, "except", &s->except);
    writer_close(&map);
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
    writer_string(w, "array", indices.len ? buf_str(&indices) : NULL);
    buf_free(&indices);
    writer_list(w, "array", &array->items);
    if (!array->naxes)
        return;
    struct writer map = writer_open(w, "matrix");
    for (size_t i = 0; i < array->naxes; i++)
        writer_list(&map, array->axes[i].key, &array->axes[i].values);
    writer_close(&map);
}

/* As env, but for those without a value. */
static void put_parameters(struct writer *w, const struct strlist *parameters)
{
    if (!parameters->n)
        return;
    struct writer map = writer_open(w, "parameters");
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
    writer_close(&map);
}

void jobfile_write(const struct job *job, struct buf *out)
{
    struct job normal;
    struct writer w = {.out = out};
    job_init(&normal);
    buf_addch(out, '{');
    writer_string(&w, "name", job->name);
    put_schedule(&w, job);
    put_work(&w, job);
    writer_string(&w, "stdin", job->stdin_text);
    writer_pairs(&w, "env", &job->env);
    writer_string(&w, "workdir", job->workdir);
    writer_string(&w, "user", job->user);
    put_where(&w, job);
    writer_number(&w, "slots", job->slots, normal.slots);
    writer_number(&w, "priority", job->priority, normal.priority);
    writer_duration(&w, "timeout", job->timeout_ms, normal.timeout_ms);
    writer_duration(&w, "kill_after", job->kill_after_ms, normal.kill_after_ms);
    put_retry(&w, &job->retry, &normal.retry);
    put_success(&w, job);
    if (job->output_limit != normal.output_limit) {
        struct writer map = writer_open(&w, "output");
        writer_number(&map, "limit", job->output_limit, -1);
        writer_close(&map);
    }
    writer_word(&w, "leftovers", "leave", job->leftovers == LEFTOVERS_LEAVE);
    writer_word(&w, "on_lost", "retry", job->on_lost == ON_LOST_RETRY);
    writer_duration(&w, "lost_after", job->lost_after_ms, normal.lost_after_ms);
    if (job->within_ms) {
        struct writer map = writer_open(&w, "expect");
        writer_duration(&map, "within", job->within_ms, 0);
        writer_close(&map);
    }
    writer_list(&w, "notify", &job->notify);
    writer_list(&w, "pools", &job->pools);
    writer_number(&w, "max_running", job->max_running, normal.max_running);
    put_array(&w, &job->array);
    writer_number(&w, "at_once", job->at_once, 0);
    writer_number(&w, "stop_after", job->stop_after, 0);
    writer_string(&w, "placeholder", job->placeholder);
    put_parameters(&w, &job->parameters);
    put_after(&w, job);
    put_keep(&w, job);
    put_slurm(&w, job);
    jobfile_write_limits(job, &w);
    jobfile_write_secrets(job, &w);
    jobfile_write_files(job, &w);
    buf_addch(out, '}');
    job_free(&normal);
}
