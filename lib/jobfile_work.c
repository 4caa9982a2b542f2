#include "jobfile_work.h"

#include <string.h>
#include <strings.h>

#include "jobfile_options.h"

#define AT(member) offsetof(struct job, member)

/* ---- shell, script, exec ---- */

/* Of every kind that is a text: the key is its name. */
void field_work(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    struct job *job = base;
    if (value->kind == YAML_IS_LIST) {
        field_complain(r, value, "'%s' is a text; a list of arguments is exec:", field->name);
        return;
    }
    job->executor = job_executor_of(field->name);
    field_string(r, field, value, base);
}

static void read_argument(struct field_reader *r, const struct field *field,
                          const struct yaml_node *value, void *base)
{
    struct job *job = base;
    if (value->kind != YAML_IS_SCALAR)
        field_expected(r, field, value, "a list of texts");
    else
        strlist_add(&job->argv, value->text);
}

static void read_argv(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct job *job = base;
    if (value->kind != YAML_IS_LIST) {
        field_complain(r, value,
                       "'%s' is a list of arguments: [program, argument]; a command line is shell:",
                       field->name);
        return;
    }
    field_each(r, field, value, base, read_argument);
    if (job->argv.n && !job->argv.v[0][0])
        field_complain(r, &value->items[0], "'%s' begins with the program: it is empty",
                       field->name);
}

void field_exec(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    ((struct job *)base)->executor = EXECUTOR_EXEC;
    read_argv(r, field, value, base);
}

/* ---- container ---- */

static const struct choice pull_choices[] = {
    {"missing", 0, false}, {"always", 0, false}, {"never", 0, false}, {0}};

static void read_image(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    if (value->kind == YAML_IS_SCALAR && value->text[0] == '-')
        field_expected(r, field, value, "the name of an image");
    else
        option_text(r, field, value, base);
}

/* The source is a path of the host or the name of a volume; both programs would make a directory of a typing
 * error. */
static void read_mount(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    const char *colon = value->kind == YAML_IS_SCALAR ? strchr(value->text, ':') : NULL;
    if (!colon || colon[1] != '/' || strchr(".~:", value->text[0]))
        field_expected(r, field, value,
                       "/SOURCE:/TARGET or VOLUME:/TARGET, with or without :OPTIONS");
    else
        option_text(r, field, value, base);
}

static void read_mounts(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, read_mount);
}

const struct field container_fields[] = {
    {.name = "image", .read = read_image, .offset = AT(options), .required = true},
    {.name = "argv", .read = read_argv},
    {.name = "mounts", .read = read_mounts, .offset = AT(options)},
    {.name = "network", .read = option_text, .offset = AT(options)},
    {.name = "pull", .read = option_choice, .offset = AT(options), .choices = pull_choices},
    {0},
};

void field_container(struct field_reader *r, const struct field *field,
                     const struct yaml_node *value, void *base)
{
    struct job *job = base;
    job->executor = EXECUTOR_CONTAINER;
    field_map(r, field, value, base);
    options_arrange(&job->options, container_fields);
}

/* ---- http ---- */

static void read_url(struct field_reader *r, const struct field *field,
                     const struct yaml_node *value, void *base)
{
    if (value->kind == YAML_IS_SCALAR && strncmp(value->text, "http://", 7) != 0 &&
        strncmp(value->text, "https://", 8) != 0)
        field_expected(r, field, value, "a URL that begins with http:// or https://");
    else
        option_text(r, field, value, base);
}

/* What curl would put into the request as it stands, or take for something else: -X 'GET / x', -H @FILE. */
static void read_method(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (value->kind == YAML_IS_SCALAR && value->text[strspn(value->text, letters)])
        field_expected(r, field, value, "a word, as GET or PUT");
    else
        option_text(r, field, value, base);
}

static const struct choice follow_choices[] = {{"true", 0, false}, {"false", 0, false}, {0}};

const struct field http_fields[] = {
    {.name = "url", .read = read_url, .offset = AT(options), .required = true},
    {.name = "method", .read = read_method, .offset = AT(options)},
    {.name = "headers", .read = option_map, .offset = AT(options)},
    {.name = "body", .read = field_text, .offset = AT(text)},
    {.name = "expect", .read = option_numbers, .offset = AT(options), .min = 100, .max = 599},
    {.name = "follow", .read = option_choice, .offset = AT(options), .choices = follow_choices},
    {.name = "connect_timeout", .read = option_duration, .offset = AT(options), .min = 1},
    {0},
};

void field_http(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base)
{
    struct job *job = base;
    job->executor = EXECUTOR_HTTP;
    field_map(r, field, value, base);
    options_arrange(&job->options, http_fields);
}

/* ---- slurm ---- */

static void refuse_array(struct field_reader *r, const struct field *field,
                         const struct yaml_node *value, void *base)
{
    (void)base;
    field_complain(
        r, value,
        "'%s' is a key of the job, not of 'slurm': its elements become an array of Slurm's",
        field->name);
}

const struct field slurm_fields[] = {
    {.name = "partition", .read = option_text, .offset = AT(slurm)},
    {.name = "time", .read = option_duration, .offset = AT(slurm), .min = 60000},
    {.name = "nodes", .read = option_number, .offset = AT(slurm), .min = 1, .max = 1000000},
    {.name = "ntasks", .read = option_number, .offset = AT(slurm), .min = 1, .max = 1000000},
    {.name = "cpus_per_task", .read = option_number, .offset = AT(slurm), .min = 1, .max = 100000},
    {.name = "mem", .read = option_size, .offset = AT(slurm), .min = 1 << 20, .max = INT64_MAX},
    {.name = "account", .read = option_text, .offset = AT(slurm)},
    {.name = "qos", .read = option_text, .offset = AT(slurm)},
    {.name = "array", .read = refuse_array},
    {.name = "extra", .read = option_list, .offset = AT(slurm)},
    {0},
};

void field_slurm(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    struct job *job = base;
    job->by_slurm = true;
    field_map(r, field, value, base);
    options_arrange(&job->slurm, slurm_fields);
}

/* ---- what goes together ---- */

/* What rota itself says to sbatch, or what has it do something else than to take a batch job. */
static const struct {
    const char *name;
    char letter;
} taken[] = {{"--comment", 0}, {"--array", 'a'},    {"--parsable", 0}, {"--wrap", 0},
             {"--wait", 'W'},  {"--clusters", 'M'}, {"--cluster", 0},  {"--test-only", 0},
             {"--help", 'h'},  {"--usage", 0},      {"--version", 'V'}};

/* The option of short ones that has a value, of "-Ha0-3" that is a0-3; "": none, or no short ones. */
static const char *with_value(const char *word)
{
    static const char alone[] = "HIOQsv"; /* these have none, so that another may follow */
    return *word == '-' && word[1] != '-' ? word + 1 + strspn(word + 1, alone) : "";
}

/* As getopt_long(3) reads a word, which may be shortened. */
static bool is_taken(const char *word)
{
    bool is_long = strncmp(word, "--", 2) == 0;
    size_t len = strcspn(word, "=");
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (is_long ? strncmp(word, taken[i].name, len) == 0
                    : taken[i].letter && *with_value(word) == taken[i].letter)
            return true;
    return false;
}

/* Whether the next word is its value and not the script: not behind a long one, which may have none. */
static bool awaits_value(const char *word)
{
    const char *option = with_value(word);
    return *option && !option[1];
}

static void check_extra(struct field_reader *r, const struct yaml_node *slurm,
                        const struct job *job)
{
    const char *before = "";
    for (size_t i = 0; i < job->slurm.n; i++) {
        const char *word = pair_value(job->slurm.v[i], "extra", strlen("extra"));
        if (!word)
            continue;
        if (is_taken(word))
            field_complain(r, slurm, "'extra' cannot have '%s': it is rota's to say", word);
        else if (*word != '-' && !awaits_value(before))
            field_complain(r, slurm,
                           "'%s' in 'extra' is no option: a value stands behind its option "
                           "(--qos=high), what the run executes in shell:, exec: or script:",
                           word);
        before = word;
    }
}

/* Keys of a job that say nothing where Slurm carries it, and why, or what says it there. */
static const struct {
    const char *key, *why;
} not_with_slurm[] = {
    {"memory", "give mem under slurm:"},
    {"cpu", "give cpus_per_task under slurm:"},
    {"nice", "give extra: [\"--nice=N\"] under slurm:"},
    {"secrets", "secrets would be stored by Slurm"},
    {"files", "its nodes share directories"},
};

static void check_slurm(struct field_reader *r, const struct yaml_node *map, const struct job *job)
{
    const struct yaml_node *slurm = yaml_get(map, "slurm");
    if (!slurm)
        return;
    if (job->executor > EXECUTOR_SCRIPT)
        field_complain(r, slurm,
                       "'slurm' and '%s' exclude each other: Slurm takes shell:, exec: or script:",
                       job_executor_name(job->executor));
    if (job->on_lost == ON_LOST_RETRY)
        field_complain(r, slurm,
                       "'slurm' and 'on_lost: retry' exclude each other: a job of Slurm lives on "
                       "without the worker, and would run twice");
    if (job->user)
        field_complain(r, slurm,
                       "'slurm' and 'user' exclude each other: Slurm runs it as the worker's own "
                       "account (User of the host in ssh)");
    check_extra(r, slurm, job);
    for (size_t i = 0; i < sizeof not_with_slurm / sizeof *not_with_slurm; i++) {
        const struct yaml_node *value = yaml_get(map, not_with_slurm[i].key);
        if (value)
            field_complain(r, value, "'slurm' and '%s' exclude each other: %s",
                           not_with_slurm[i].key, not_with_slurm[i].why);
    }
}

static void check_one(struct field_reader *r, const struct yaml_node *map)
{
    const struct yaml_node *first = NULL;
    const char *name = NULL;
    for (int executor = 1; executor <= EXECUTOR_LAST; executor++) {
        const char *word = job_executor_name((enum job_executor)executor);
        const struct yaml_node *value = yaml_get(map, word);
        if (value && first)
            field_complain(r, value, "'%s' and '%s' exclude each other: keep one", name, word);
        if (value && !first) {
            first = value;
            name = word;
        }
    }
    if (!first && !map->bad)
        field_complain(r, map,
                       "there is nothing to run: give shell:, exec:, script:, container: or http:");
}

static void check_http(struct field_reader *r, const struct yaml_node *map, const struct job *job)
{
    const struct yaml_node *input = yaml_get(map, "stdin");
    if (job->executor != EXECUTOR_HTTP)
        return;
    const struct yaml_node *body = yaml_get(yaml_get(map, "http"), "body");
    const char *method = strlist_value(&job->options, "method");
    if (body && method && strcasecmp(method, "HEAD") == 0)
        field_complain(r, body, "'method: HEAD' and 'body' exclude each other: a HEAD has none");
    if (input)
        field_complain(r, input, "'http' and 'stdin' exclude each other: what is sent is its body");
}

void jobfile_check_work(struct field_reader *r, const struct yaml_node *document,
                        const struct job *job)
{
    check_one(r, document);
    check_slurm(r, document, job);
    check_http(r, document, job);
}
