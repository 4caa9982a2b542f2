/* jobfile_keys: the keys of a job, as tables. */
#ifndef ROTA_JOBFILE_KEYS_H
#define ROTA_JOBFILE_KEYS_H

#include "job.h"
#include "jobfile_read.h"

/* Fills *job (initialised) from a document, but for the name of a job that has none. */
void jobfile_read_job(struct field_reader *r, const struct yaml_node *document, struct job *job);

/* Whether the text is a variable's name ([A-Za-z_][A-Za-z0-9_]*) of at most ENV_NAME_MAX. */
enum { ENV_NAME_MAX = 255 };
bool env_name_is_valid(const char *name, size_t len);
/* Whether the key names a variable that a job may set; else complains. */
bool jobfile_check_variable(struct field_reader *r, const struct yaml_node *key);

#endif
