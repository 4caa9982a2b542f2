/* jobfile_array: the keys of a job that make it an array, and its parameters. */
#ifndef ROTA_JOBFILE_ARRAY_H
#define ROTA_JOBFILE_ARRAY_H

#include "expansion.h"
#include "jobfile_read.h"

field_read field_array;       /* base is the job: array, and at_once of its short form */
field_read field_matrix;      /* likewise */
field_read field_placeholder; /* char * */
field_read field_parameters;  /* struct strlist */

/* What the keys of a job mean together. */
void jobfile_check_array(struct field_reader *r, const struct yaml_node *document);

#endif
