#include "jobfile_secret.h"

#include <stdlib.h>
#include <string.h>

#include "jobfile_keys.h"
#include "xalloc.h"

#define AT(member) offsetof(struct job_secret, member)

/* ---- one secret ---- */

static void read_source(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    char *text = NULL;
    struct field here = *field;
    here.offset = 0;
    if (field->min) /* of a path */
        field_path(r, &here, value, &text);
    else
        field_string(r, &here, value, &text);
    if (text && !field->min && !env_name_is_valid(text, strlen(text)))
        field_complain(r, value, "'%.60s' is no name of a variable: letters, digits and _", text);
    if (text)
        strlist_take(field_to(field, base), text);
}

static void read_word(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    if (value->kind != YAML_IS_SCALAR)
        field_expected(r, field, value, "a list of texts");
    else
        strlist_add(field_to(field, base), value->text);
}

static void read_command(struct field_reader *r, const struct field *field,
                         const struct yaml_node *value, void *base)
{
    if (value->kind != YAML_IS_LIST)
        field_complain(r, value, "'command' is a list: [program, argument]; no shell reads it");
    else
        field_each(r, field, value, base, read_word);
    if (value->kind == YAML_IS_LIST && value->n && value->items[0].kind == YAML_IS_SCALAR &&
        !*value->items[0].text)
        field_complain(r, &value->items[0], "'command' begins with the program: it is empty");
}

/* In the order of enum job_secret_from. */
static const struct field source_fields[] = {
    {.name = "file", .read = read_source, .offset = AT(source), .min = 1},
    {.name = "env", .read = read_source, .offset = AT(source)},
    {.name = "command", .read = read_command, .offset = AT(source)},
    {0},
};

static void read_secret(struct field_reader *r, const struct yaml_node *key,
                        const struct yaml_node *value, struct job *job)
{
    if (value->kind != YAML_IS_MAP || value->n != 2) {
        field_complain(r, value,
                       "'%.60s' says where its value is: one of {file: PATH}, {env: VARIABLE} and "
                       "{command: [PROGRAM, ARGUMENT]}",
                       key->text);
        return;
    }
    job->secrets = xreallocarray(job->secrets, job->nsecrets + 1, sizeof *job->secrets);
    struct job_secret *secret = &job->secrets[job->nsecrets++];
    *secret = (struct job_secret){.name = xstrdup(key->text)};
    for (int i = 0; source_fields[i].name; i++)
        if (strcmp(source_fields[i].name, value->items[0].text) == 0)
            secret->from = (enum job_secret_from)(i + 1);
    field_read_map(r, source_fields, value, secret);
}

/* ---- all of them ---- */

static int order_secrets(const void *a, const void *b)
{
    return strcmp(((const struct job_secret *)a)->name, ((const struct job_secret *)b)->name);
}

void field_secrets(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                   void *base)
{
    struct job *job = base;
    if (value->kind != YAML_IS_MAP) {
        field_expected(r, field, value, "a map of variables and where their values are");
        return;
    }
    if (value->n / 2 > SECRETS_MAX) {
        field_complain(r, value, "%zu secrets are too many: at most %d", value->n / 2, SECRETS_MAX);
        return;
    }
    for (size_t i = 0; i + 1 < value->n; i += 2) {
        const struct yaml_node *key = &value->items[i];
        if (key->bad || value->items[i + 1].bad)
            continue;
        if (jobfile_check_variable(r, key))
            read_secret(r, key, &value->items[i + 1], job);
    }
    if (job->nsecrets) /* the order of a map means nothing, so equal jobs get equal texts */
        qsort(job->secrets, job->nsecrets, sizeof *job->secrets, order_secrets);
}

void jobfile_check_secrets(struct field_reader *r, const struct yaml_node *document,
                           const struct job *job)
{
    const struct yaml_node *secrets = yaml_get(document, "secrets");
    if (!secrets)
        return;
    for (size_t i = 0; i < job->nsecrets; i++)
        if (strlist_value(&job->env, job->secrets[i].name))
            field_complain(r, secrets, "'%s' stands in 'env' too: keep one", job->secrets[i].name);
}

/* ---- writing ---- */

void jobfile_write_secrets(const struct job *job, struct writer *w)
{
    if (!job->nsecrets)
        return;
    struct writer map = writer_open(w, "secrets");
    for (size_t i = 0; i < job->nsecrets; i++) {
        const struct job_secret *secret = &job->secrets[i];
        const char *from = source_fields[secret->from - 1].name;
        struct writer source = writer_open(&map, secret->name);
        if (secret->from == SECRET_COMMAND)
            writer_list(&source, from, &secret->source);
        else
            writer_string(&source, from, secret->source.v[0]);
        writer_close(&source);
    }
    writer_close(&map);
}
