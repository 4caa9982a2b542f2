#include "jobfile_later.h"

/* ---- after ---- */

static const struct choice is_choices[] = {
    {"succeeded", 0, false}, {"failed", 1, false}, {"finished", 2, false}, {0}};
static const struct field after_fields[] = {
    {.name = "job", .read = field_name, .required = true},
    {.name = "is", .read = field_choice, .choices = is_choices},
    {0},
};

static void check_after(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    (void)base;
    if (value->kind == YAML_IS_MAP)
        field_read_map(r, after_fields, value, NULL);
    else
        field_expected(r, field, value, "a list of {job: NAME, is: succeeded}");
}

void later_after(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    field_each(r, field, value, base, check_after);
}
