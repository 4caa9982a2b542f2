/* view_history: the fields of the moments of a run's life, and of occurrences. */
#ifndef ROTA_VIEW_HISTORY_H
#define ROTA_VIEW_HISTORY_H

#include "catalogue.h"
#include "life.h"
#include "view.h"

/* Records are struct moment, and struct occurrence. Fields are only ever added. */
extern const struct view_record view_moment_record, view_occurrence_record;
/* The words of the outcomes, and NULL. */
const char *view_outcome_word(size_t i);

#endif
