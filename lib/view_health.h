/* view_health: the fields of what the monitor lists beside hosts. */
#ifndef ROTA_VIEW_HEALTH_H
#define ROTA_VIEW_HEALTH_H

#include "catalogue/vitals.h"
#include "view.h"
#include "view_host.h"

/* Records are struct failing, struct alert_open, struct undelivered and struct missing. Fields are only
 * ever added. */
extern const struct view_column view_failing_columns[], view_alert_columns[],
    view_undelivered_columns[], view_missing_columns[];
extern const size_t view_failing_ncolumns, view_alert_ncolumns, view_undelivered_ncolumns,
    view_missing_ncolumns;

/* Records are struct host_record: what a person wants of a host's health; machines read view_host.h. */
extern const struct view_column view_vitals_columns[];
extern const size_t view_vitals_ncolumns;

#endif
