/* view_history: the fields of the moments of a run's life, and of occurrences. */
#ifndef ROTA_VIEW_HISTORY_H
#define ROTA_VIEW_HISTORY_H

#include "catalogue.h"
#include "life.h"
#include "view.h"

/* Records are struct moment, and struct occurrence. Fields are only ever added. */
extern const struct view_column view_moment_columns[], view_occurrence_columns[];
extern const size_t view_moment_ncolumns, view_occurrence_ncolumns;

#endif
