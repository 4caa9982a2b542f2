#include "jobfile_after.h"

#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "xalloc.h"

enum { NEEDS_MAX = 1000 };

static const struct choice is_choices[] = {
    {"succeeded", NEED_SUCCEEDED, false},
    {"failed", NEED_FAILED, false},
    {"finished", NEED_FINISHED, false},
    {"started", NEED_STARTED, false},
    {0},
};
static const struct field need_fields[] = {
    {.name = "job", .read = field_name, .offset = offsetof(struct job_need, job), .required = true},
    {.name = "is",
     .read = field_choice,
     .offset = offsetof(struct job_need, is),
     .choices = is_choices},
    {.name = "each", .read = field_bool, .offset = offsetof(struct job_need, each)},
    {0},
};

/* Two needs of one run on the same condition of one job would be one. */
static bool is_repeated(const struct job *job, const struct job_need *need)
{
    for (size_t i = 0; i < job->nafter; i++)
        if (strcmp(job->after[i].job, need->job) == 0 && job->after[i].is == need->is)
            return true;
    return false;
}

static void take(struct field_reader *r, const struct yaml_node *value, struct job *job,
                 struct job_need *need)
{
    if (!need->job || is_repeated(job, need)) {
        if (need->job)
            field_complain(r, value, "'after' names %s twice", need->job);
        free(need->job);
        return;
    }
    job->after = xreallocarray(job->after, job->nafter + 1, sizeof *job->after);
    job->after[job->nafter++] = *need;
}

static void read_need(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    static const struct field name = {.name = "after", .read = field_name};
    struct job_need need = {.is = NEED_SUCCEEDED, .line = value->line, .column = value->column};
    if (value->kind == YAML_IS_SCALAR)
        field_name(r, &name, value, &need.job);
    else if (value->kind == YAML_IS_MAP)
        field_read_map(r, need_fields, value, &need);
    else
        field_expected(r, field, value, "a list of {job: NAME, is: succeeded}");
    take(r, value, base, &need);
}

static void read_needs(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    if (value->kind == YAML_IS_LIST && value->n > NEEDS_MAX)
        field_complain(r, value, "'%s' has over %d jobs", field->name, NEEDS_MAX);
    else
        field_each(r, field, value, base, read_need);
}

static const struct field any_fields[] = {{.name = "any", .read = read_needs, .required = true},
                                          {0}};

void field_after(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    struct job *job = base;
    job->after_any = value->kind == YAML_IS_MAP && yaml_get(value, "any") != NULL;
    if (job->after_any)
        field_read_map(r, any_fields, value, base);
    else
        read_needs(r, field, value, base);
}
