/* jobfile_work: the keys of a job that say what its runs execute, and who carries them. */
#ifndef ROTA_JOBFILE_WORK_H
#define ROTA_JOBFILE_WORK_H

#include "job.h"
#include "jobfile_read.h"

/* Rows of the table of a job's keys; their base is the job. */
field_read field_work; /* shell:, script: the name of the row is the executor's */
field_read field_exec;
field_read field_container;
field_read field_http;
field_read field_slurm;

/* Keys of the three that are maps; an empty row ends each. */
extern const struct field container_fields[];
extern const struct field http_fields[];
extern const struct field slurm_fields[];

/* That there is one thing to run, and that what carries it may. */
void jobfile_check_work(struct field_reader *r, const struct yaml_node *document,
                        const struct job *job);

#endif
