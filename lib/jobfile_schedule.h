/* jobfile_schedule: the key `schedule` of a job file. */
#ifndef ROTA_JOBFILE_SCHEDULE_H
#define ROTA_JOBFILE_SCHEDULE_H

#include "jobfile_read.h"

/* Reads the map by its table into a struct job. Only what is written is judged: what a schedule means
 * in a zone and at a time is timetable's. */
extern const struct field schedule_fields[];
field_read field_schedule;

#endif
