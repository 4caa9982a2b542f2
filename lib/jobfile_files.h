/* jobfile_files: the key `files` of a job: what the head gives its runs, and what it takes of them. */
#ifndef ROTA_JOBFILE_FILES_H
#define ROTA_JOBFILE_FILES_H

#include "job.h"
#include "jobfile_read.h"
#include "jobfile_writer.h"

extern const struct field files_fields[];
field_read field_files; /* a row of the table of a job's keys */
/* That no two have one name, and that a container has absolute ones. */
void jobfile_check_files(struct field_reader *r, const struct yaml_node *document,
                         const struct job *job);
/* Writes them, of the job that w is the map of; nothing when there are none. */
void jobfile_write_files(const struct job *job, struct writer *w);

#endif
