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
    static const char *const instead[][2] = {
        {"memory", "mem"}, {"cpu", "cpus_per_task"}, {"nice", "extra: [\"--nice=N\"]"}};
    for (size_t i = 0; i < sizeof instead / sizeof *instead; i++) {
        const struct yaml_node *limit = yaml_get(document, instead[i][0]);
        if (limit && job->by_slurm)
            field_complain(r, limit, "'slurm' and '%s' exclude each other: give %s under slurm:",
                           instead[i][0], instead[i][1]);
    }
    const struct yaml_node *nice = yaml_get(document, "nice");
    if (nice && job->executor == EXECUTOR_CONTAINER)
        field_complain(r, nice,
                       "'container' and 'nice' exclude each other: a container may be the child of "
                       "a service; give 'cpu'");
}

void jobfile_write_limits(const struct job *job, struct buf *out)
{
    if (job->memory)
        buf_addf(out, ", \"memory\": %lld", (long long)job->memory);
    if (job->cpu)
        buf_addf(out, ", \"cpu\": %d.%03d", job->cpu / 1000, job->cpu % 1000);
    if (job->nice)
        buf_addf(out, ", \"nice\": %d", job->nice);
}
