#include "jobfile_keys.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "duration.h"
#include "hostrange.h"
#include "jobfile_array.h"
#include "jobfile_after.h"
#include "jobfile_files.h"
#include "jobfile_limits.h"
#include "jobfile_schedule.h"
#include "jobfile_secret.h"
#include "jobfile_work.h"
#include "strlist.h"
#include "xalloc.h"

enum { CODES = 256 };

#define AT(member) offsetof(struct job, member)

/* ---- env ---- */

bool env_name_is_valid(const char *name, size_t len)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return len > 0 && len <= ENV_NAME_MAX && !(name[0] >= '0' && name[0] <= '9') &&
           strspn(name, allowed) >= len;
}

static int order_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool jobfile_check_variable(struct field_reader *r, const struct yaml_node *key)
{
    if (!env_name_is_valid(key->text, strlen(key->text)))
        field_complain(r, key, "'%.60s' is no name of a variable: letters, digits and _",
                       key->text);
    else if (strncmp(key->text, "ROTA_", 5) == 0)
        field_complain(r, key, "'%.60s': variables that begin with ROTA_ are rota's own",
                       key->text);
    else
        return true;
    return false;
}

static void read_variable(struct field_reader *r, const struct yaml_node *key,
                          const struct yaml_node *value, struct strlist *env)
{
    if (!jobfile_check_variable(r, key))
        return;
    if (yaml_is_null(value))
        field_complain(r, value, "'%.60s' has no value: write \"\" for an empty one", key->text);
    else if (value->kind != YAML_IS_SCALAR)
        field_complain(r, value, "the value of '%.60s' is to be a text", key->text);
    else
        strlist_take(env, xasprintf("%s=%s", key->text, value->text));
}

static void read_env(struct field_reader *r, const struct field *field,
                     const struct yaml_node *value, void *base)
{
    struct strlist *env = field_to(field, base);
    if (value->kind != YAML_IS_MAP) {
        field_expected(r, field, value, "a map of names and values");
        return;
    }
    for (size_t i = 0; i + 1 < value->n; i += 2)
        if (!value->items[i].bad && !value->items[i + 1].bad)
            read_variable(r, &value->items[i], &value->items[i + 1], env);
    /* the order of a map means nothing, so equal jobs get equal lists */
    if (env->n)
        qsort(env->v, env->n, sizeof *env->v, order_strings);
}

/* ---- who and where ---- */

static void read_user(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-@+$";
    if (value->kind != YAML_IS_SCALAR || !value->text[0] || value->text[0] == '-' ||
        value->text[strspn(value->text, allowed)])
        field_expected(r, field, value, "the name of an account");
    else
        field_text(r, field, value, base);
}

static void read_host(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct strlist *hosts = field_to(field, base), names = {0};
    struct err err;
    if (value->kind != YAML_IS_SCALAR) {
        field_expected(r, field, value, "hosts, as \"db[1-4]\", or a list of them");
        return;
    }
    if (hosts->n > HOSTRANGE_MAX)
        return; /* read_hosts will say so */
    if (hostrange_expand(value->text, &names, &err) < 0)
        field_complain(r, value, "'%s': %s", field->name, err.msg);
    for (size_t i = 0; i < names.n; i++)
        if (!name_is_valid(names.v[i])) {
            field_complain(r, value, "'%s': '%s' is no name of a worker", field->name, names.v[i]);
            break;
        }
    strlist_copy(hosts, &names);
    strlist_free(&names);
}

/* All hosts of a list together as one range, so that duplicates go and the bound holds for all. */
static void read_hosts(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    struct strlist *hosts = field_to(field, base);
    size_t errors = r->errors->n;
    struct buf all = {0};
    struct err err;
    field_each(r, field, value, base, read_host);
    for (size_t i = 0; i < hosts->n; i++)
        buf_addf(&all, "%s%s", i ? "," : "", hosts->v[i]);
    strlist_free(hosts);
    if (errors == r->errors->n && hostrange_expand(buf_str(&all), hosts, &err) < 0)
        field_complain(r, value, "'%s': %s", field->name, err.msg);
    buf_free(&all);
}

static const struct choice prefer_choices[] = {
    {"least-loaded", PREFER_LEAST_LOADED, false},
    {"spread", PREFER_SPREAD, false},
    {"pack", PREFER_PACK, false},
    {"random", PREFER_RANDOM, false},
    {"order", PREFER_ORDER, false},
    {0},
};
static const struct field where_fields[] = {
    {.name = "tags", .read = field_names, .offset = AT(tags)},
    {.name = "not", .read = field_names, .offset = AT(not_tags)},
    {.name = "hosts", .read = read_hosts, .offset = AT(hosts)},
    {.name = "each", .read = field_bool, .offset = AT(each)},
    {.name = "count", .read = field_int, .offset = AT(count), .min = 1, .max = HOSTRANGE_MAX},
    {.name = "prefer", .read = field_choice, .offset = AT(prefer), .choices = prefer_choices},
    {0},
};

static void read_where(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    const struct job *job = base;
    size_t errors = r->errors->n;
    field_map(r, field, value, base);
    if (errors != r->errors->n)
        return;
    if (job->each && job->count)
        field_complain(r, yaml_get(value, "count"),
                       "'each' and 'count' exclude each other: keep one");
    for (size_t i = 0; i < job->not_tags.n; i++)
        if (strlist_has(&job->tags, job->not_tags.v[i]))
            field_complain(r, yaml_get(value, "not"),
                           "no host has the tag '%s' and has it not: it stands in 'tags' too",
                           job->not_tags.v[i]);
}

/* ---- how it ends ---- */

static const struct choice on_choices[] = {
    {"failed", JOB_RETRY_FAILED, false},
    {"timeout", JOB_RETRY_TIMEOUT, false},
    {"lost", JOB_RETRY_LOST, false},
    {0},
};

static void read_cause(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    const struct choice *choice = field_find_choice(r, field, value);
    unsigned *on = field_to(field, base);
    if (choice)
        *on |= (unsigned)choice->value;
}

static void read_causes(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    *(unsigned *)field_to(field, base) = 0;
    field_each(r, field, value, base, read_cause);
}

static const struct field retry_fields[] = {
    {.name = "attempts",
     .read = field_int,
     .offset = AT(retry.attempts),
     .min = 1,
     .max = 1000,
     .required = true},
    {.name = "delay",
     .read = field_duration,
     .offset = AT(retry.delay_ms),
     .max = JOB_DELAY_MAX_MS},
    {.name = "backoff", .read = field_factor, .offset = AT(retry.backoff), .min = 1, .max = 100},
    {.name = "max_delay",
     .read = field_duration,
     .offset = AT(retry.max_delay_ms),
     .min = 1,
     .max = JOB_DELAY_MAX_MS},
    {.name = "on", .read = read_causes, .offset = AT(retry.on), .choices = on_choices},
    {.name = "elsewhere", .read = field_bool, .offset = AT(retry.elsewhere)},
    {0},
};

static void read_retry(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    size_t errors = r->errors->n;
    const struct job_retry *retry = &((struct job *)base)->retry;
    field_map(r, field, value, base);
    if (errors != r->errors->n)
        return;
    if (retry->backoff > 1 && !retry->delay_ms)
        field_complain(r, yaml_get(value, "backoff"),
                       "'backoff' multiplies 'delay', which is missing");
    if (retry->max_delay_ms && retry->max_delay_ms < retry->delay_ms)
        field_complain(r, yaml_get(value, "max_delay"), "'max_delay' is less than 'delay'");
}

/* A set of codes, 0 to 255, kept in rising order. */
static void read_code(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    bool *codes = base;
    int code = -1;
    struct field here = *field;
    here.offset = 0;
    field_int(r, &here, value, &code);
    if (code >= 0)
        codes[code] = true;
}

static void read_success(struct field_reader *r, const struct field *field,
                         const struct yaml_node *value, void *base)
{
    struct job *job = base;
    bool codes[CODES] = {false};
    field_each(r, field, value, codes, read_code);
    job->success = xreallocarray(job->success, CODES, sizeof *job->success);
    job->nsuccess = 0;
    for (int code = 0; code < CODES; code++)
        if (codes[code])
            job->success[job->nsuccess++] = code;
}

static const struct choice leftovers_choices[] = {
    {"kill", LEFTOVERS_KILL, false}, {"leave", LEFTOVERS_LEAVE, false}, {0}};
static const struct choice on_lost_choices[] = {
    {"fail", ON_LOST_FAIL, false}, {"retry", ON_LOST_RETRY, false}, {0}};
static const struct field output_fields[] = {
    {.name = "limit",
     .read = field_size,
     .offset = AT(output_limit),
     .max = 1 << 30,
     .required = true},
    {0},
};

static const struct field expect_fields[] = {
    {.name = "within", .read = field_duration, .offset = AT(within_ms), .min = 1, .required = true},
    {0},
};

/* ---- how long its runs are kept ---- */

static void read_kept(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct err err;
    if (value->kind != YAML_IS_SCALAR)
        field_expected(r, field, value, "a duration or forever");
    else if (duration_parse_keep(value->text, field_to(field, base), &err) < 0)
        field_complain(r, value, "'%s': %s", field->name, err.msg);
}

static const struct field keep_fields[] = {
    {.name = "succeeded", .read = read_kept, .offset = AT(keep_ms)},
    {.name = "failed", .read = read_kept, .offset = AT(keep_failed_ms)},
    {0},
};

static void read_keep(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct job *job = base;
    if (value->kind == YAML_IS_MAP) {
        field_map(r, field, value, base);
        return;
    }
    read_kept(r, field, value, base);
    job->keep_failed_ms = job->keep_ms;
}

/* ---- where what stands ---- */

static const struct {
    const char *map, *key; /* map NULL: the job's own */
} placed[JOB_KEYS] = {
    [JOB_HOSTS] = {"where", "hosts"}, [JOB_TAGS] = {"where", "tags"},
    [JOB_NOT] = {"where", "not"},     [JOB_EACH] = {"where", "each"},
    [JOB_COUNT] = {"where", "count"}, [JOB_SLOTS] = {NULL, "slots"},
    [JOB_POOLS] = {NULL, "pools"},
};

static void note_places(const struct yaml_node *document, struct job *job)
{
    for (int i = 0; i < JOB_KEYS; i++) {
        const struct yaml_node *map = placed[i].map ? yaml_get(document, placed[i].map) : document;
        const struct yaml_node *value =
            map && map->kind == YAML_IS_MAP ? yaml_get(map, placed[i].key) : NULL;
        if (value)
            job->places[i] = (struct job_place){value->line, value->column};
    }
}

/* ---- the keys of a job ---- */

static const struct field job_fields[] = {
    {.name = "name", .read = field_name, .offset = AT(name)},
    {.name = "schedule", .read = field_schedule, .fields = schedule_fields},
    {.name = "shell", .read = field_work, .offset = AT(text)},
    {.name = "exec", .read = field_exec},
    {.name = "script", .read = field_work, .offset = AT(text)},
    {.name = "container", .read = field_container, .fields = container_fields},
    {.name = "http", .read = field_http, .fields = http_fields},
    {.name = "slurm", .read = field_slurm, .fields = slurm_fields},
    {.name = "stdin", .read = field_text, .offset = AT(stdin_text)},
    {.name = "env", .read = read_env, .offset = AT(env)},
    {.name = "secrets", .read = field_secrets},
    {.name = "files", .read = field_files, .fields = files_fields},
    {.name = "workdir", .read = field_path, .offset = AT(workdir)},
    {.name = "user", .read = read_user, .offset = AT(user)},
    {.name = "where", .read = read_where, .fields = where_fields},
    {.name = "slots", .read = field_int, .offset = AT(slots), .min = 1, .max = 10000},
    {.name = "pools", .read = field_names, .offset = AT(pools)},
    {.name = "max_running", .read = field_int, .offset = AT(max_running), .min = 1, .max = 1000000},
    {.name = "priority",
     .read = field_int,
     .offset = AT(priority),
     .min = -JOB_PRIORITY_MAX,
     .max = JOB_PRIORITY_MAX},
    {.name = "timeout", .read = field_duration, .offset = AT(timeout_ms)},
    {.name = "kill_after", .read = field_duration, .offset = AT(kill_after_ms)},
    {.name = "memory",
     .read = field_size,
     .offset = AT(memory),
     .min = LIMIT_MEMORY_MIN,
     .max = INT64_MAX / 4},
    {.name = "cpu", .read = field_cpu, .offset = AT(cpu), .max = LIMIT_CPU_MAX},
    {.name = "nice", .read = field_int, .offset = AT(nice), .max = LIMIT_NICE_MAX},
    {.name = "retry", .read = read_retry, .fields = retry_fields},
    {.name = "success", .read = read_success, .min = 0, .max = CODES - 1},
    {.name = "after", .read = field_after},
    {.name = "output", .read = field_map, .fields = output_fields},
    {.name = "leftovers",
     .read = field_choice,
     .offset = AT(leftovers),
     .choices = leftovers_choices},
    {.name = "on_lost", .read = field_choice, .offset = AT(on_lost), .choices = on_lost_choices},
    {.name = "lost_after", .read = field_duration, .offset = AT(lost_after_ms), .min = 1000},
    {.name = "expect", .read = field_map, .fields = expect_fields},
    {.name = "keep", .read = read_keep, .offset = AT(keep_ms), .fields = keep_fields},
    {.name = "notify", .read = field_names, .offset = AT(notify)},
    {.name = "array", .read = field_array},
    {.name = "matrix", .read = field_matrix},
    {.name = "at_once", .read = field_int, .offset = AT(at_once), .min = 1, .max = ARRAY_MAX},
    {.name = "stop_after", .read = field_int, .offset = AT(stop_after), .min = 1, .max = ARRAY_MAX},
    {.name = "placeholder", .read = field_placeholder, .offset = AT(placeholder)},
    {.name = "parameters", .read = field_parameters, .offset = AT(parameters)},
    {0},
};

void jobfile_read_job(struct field_reader *r, const struct yaml_node *document, struct job *job)
{
    if (document->kind != YAML_IS_MAP) {
        field_complain(r, document, "a job is a map of keys (name:, shell: …), not %s",
                       document->kind == YAML_IS_LIST
                           ? "a list (begin every further job with a line ---)"
                           : "a text");
        return;
    }
    field_read_map(r, job_fields, document, job);
    jobfile_check_work(r, document, job);
    jobfile_check_limits(r, document, job);
    jobfile_check_secrets(r, document, job);
    jobfile_check_files(r, document, job);
    note_places(document, job);
    jobfile_check_array(r, document);
    const struct yaml_node *lost_after = yaml_get(document, "lost_after");
    if (lost_after && job->on_lost != ON_LOST_RETRY)
        field_complain(r, lost_after, "'lost_after' means something with 'on_lost: retry' only");
}
