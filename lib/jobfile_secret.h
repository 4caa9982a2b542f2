/* jobfile_secret: the key `secrets` of a job: which variables, and where the head finds their values. */
#ifndef ROTA_JOBFILE_SECRET_H
#define ROTA_JOBFILE_SECRET_H

#include "job.h"
#include "jobfile_read.h"
#include "jobfile_writer.h"

enum { SECRETS_MAX = 64 };

field_read field_secrets; /* a row of the table of a job's keys */
/* That nothing else names a variable so. */
void jobfile_check_secrets(struct field_reader *r, const struct yaml_node *document,
                           const struct job *job);
/* Writes them, of the job that w is the map of; nothing when there are none. */
void jobfile_write_secrets(const struct job *job, struct writer *w);

#endif
