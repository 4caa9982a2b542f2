/* jobfile_after: the key `after` of a job: the runs that its runs wait for. */
#ifndef ROTA_JOBFILE_AFTER_H
#define ROTA_JOBFILE_AFTER_H

#include "jobfile_read.h"

/* Fills after, nafter and after_any of the struct job that `base` is. */
field_read field_after;

#endif
