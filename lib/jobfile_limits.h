/* jobfile_limits: the keys of a job that bound what its runs may take of their host: memory, cpu, nice. */
#ifndef ROTA_JOBFILE_LIMITS_H
#define ROTA_JOBFILE_LIMITS_H

#include "job.h"
#include "jobfile_read.h"
#include "jobfile_writer.h"

enum {
    LIMIT_MEMORY_MIN = 1 << 20, /* bytes; less than a program takes to begin */
    LIMIT_CPU_MIN = 10,         /* thousandths: what kernels take */
    LIMIT_CPU_MAX = 10000,      /* processors */
    LIMIT_NICE_MAX = 19
};

field_read field_cpu; /* int, in thousandths; min and max in processors */

/* That what executes the job can be held to them. */
void jobfile_check_limits(struct field_reader *r, const struct yaml_node *document,
                          const struct job *job);
/* Writes those that are set, of the job that w is the map of. */
void jobfile_write_limits(const struct job *job, struct writer *w);

#endif
