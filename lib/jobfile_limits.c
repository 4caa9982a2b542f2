#include "jobfile_limits.h"

/* As a factor, kept as the number of thousandths that was written. */
void field_cpu(struct field_reader *r, const struct field *field, const struct yaml_node *value,
               void *base)
{
    double processors = 0;
    int *to = field_to(field, base);
    struct field here = *field;
    size_t errors = r->errors->n;
    here.offset = 0;
    field_factor(r, &here, value, &processors);
    int thousandths = (int)(processors * 1000 + 0.5);
    if (errors != r->errors->n)
        return;
    if (thousandths < LIMIT_CPU_MIN)
        field_complain(r, value, "'%s': '%s' is too little: at least 0.01 of a processor",
                       field->name, value->text);
    else if (to)
        *to = thousandths;
}

void jobfile_check_limits(struct field_reader *r, const struct yaml_node *document,
                          const struct job *job)
{
    const struct yaml_node *nice = yaml_get(document, "nice");
    if (nice && job->executor == EXECUTOR_CONTAINER)
        field_complain(r, nice,
                       "'container' and 'nice' exclude each other: a container may be the child of "
                       "a service; give 'cpu'");
}

void jobfile_write_limits(const struct job *job, struct writer *w)
{
    writer_number(w, "memory", job->memory, 0);
    if (job->cpu) {
        writer_key(w, "cpu");
        buf_addf(w->out, "%d.%03d", job->cpu / 1000, job->cpu % 1000);
    }
    writer_number(w, "nice", job->nice, 0);
}
