/* jobfile_files: the key `files` of a job: what the head gives its runs, and what it takes of them. */
#ifndef ROTA_JOBFILE_FILES_H
#define ROTA_JOBFILE_FILES_H

#include "buf.h"
#include "job.h"
#include "jobfile_read.h"

extern const struct field files_fields[];
field_read field_files; /* a row of the table of a job's keys */
/* That what carries the run carries files, and that no two have one name. */
void jobfile_check_files(struct field_reader *r, const struct yaml_node *document,
                         const struct job *job);
/* Adds ', "files": {...}' behind another key; nothing when there are none. */
void jobfile_write_files(const struct job *job, struct buf *out);

#endif
