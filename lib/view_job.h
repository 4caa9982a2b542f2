/* view_job: the fields of a registered job and of how it did last. */
#ifndef ROTA_VIEW_JOB_H
#define ROTA_VIEW_JOB_H

#include "catalogue.h"
#include "view.h"

struct job_record {
    const struct job_row *row;     /* borrowed */
    const struct occurrence *last; /* NULL: none yet */
    enum run_state last_state;     /* of its last run; 0: none */
    int64_t last_run;              /* 0: none */
    int64_t now;
};

/* Records are struct job_record. Fields are only ever added. */
extern const struct view_record view_job_record;

#endif
