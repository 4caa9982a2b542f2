/* schedule_lookup: registered jobs by name, and the near one where there is none. */
#ifndef ROTA_SCHEDULE_LOOKUP_H
#define ROTA_SCHEDULE_LOOKUP_H

#include "catalogue.h"
#include "err.h"

/* Errs because there is no job of that name: ERR_ANSWER, with a suggestion. */
int schedule_no_job(struct catalogue *cat, const char *name, struct err *err);
/* job_get, with that error. */
int schedule_get(struct catalogue *cat, const char *name, struct job_row *row, struct err *err);

#endif
