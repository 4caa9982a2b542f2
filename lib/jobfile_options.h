/*
 * jobfile_options: the keys of an executor that is a map of keys (container:, http:) or of who carries a run
 * (slurm:). What they say is kept as a list of "key=value" in the order of the table, several of one key
 * for a list, "key=NAME=value" for a map; the worker gets it as it is (TAG_OPTION). A duration is kept as ms,
 * a size as bytes. A new key is one row.
 */
#ifndef ROTA_JOBFILE_OPTIONS_H
#define ROTA_JOBFILE_OPTIONS_H

#include "jobfile_read.h"
#include "strlist.h"

/* What the read of a row is, of a list of options at base + offset. */
field_read option_text;     /* not empty, without control characters */
field_read option_number;   /* min to max */
field_read option_size;     /* bytes, min to max */
field_read option_duration; /* ms, min to max */
field_read option_choice;   /* of field->choices */
field_read option_numbers;  /* one or a list of them, min to max */
field_read option_list;     /* one text or a list of them */
field_read option_map;      /* names of headers, and texts */

/* Puts them in the order of the table, whatever that of the file was: equal jobs get equal texts. */
void options_arrange(struct strlist *options, const struct field *fields);

#endif
