/* view_run: the fields of a run, for every command that prints runs. */
#ifndef ROTA_VIEW_RUN_H
#define ROTA_VIEW_RUN_H

#include "catalogue.h"
#include "view.h"

/* Records are struct run. Fields are only ever added, at the end. */
extern const struct view_column view_run_columns[];
extern const size_t view_run_ncolumns;

/* As view_add; fits run_select. */
int view_add_run(const struct run *run, void *view);

#endif
