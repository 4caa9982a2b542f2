/* view_run: the fields of a run, for every command that prints runs. */
#ifndef ROTA_VIEW_RUN_H
#define ROTA_VIEW_RUN_H

#include "catalogue.h"
#include "view.h"

/* Records are struct run. Fields are only ever added, at the end. */
extern const struct view_record view_run_record;

/* The words of the states, and NULL. */
const char *view_run_state_word(size_t i);
/* As view_add; fits run_select. */
int view_add_run(const struct run *run, void *view);

#endif
