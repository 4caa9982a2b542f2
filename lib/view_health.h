/* view_health: the fields of what the monitor lists beside hosts. */
#ifndef ROTA_VIEW_HEALTH_H
#define ROTA_VIEW_HEALTH_H

#include "catalogue/vitals.h"
#include "view.h"
#include "view_host.h"

/* Records are struct failing, struct alert_open, struct undelivered and struct missing. Fields are only
 * ever added. */
extern const struct view_record view_failing_record, view_alert_record, view_undelivered_record,
    view_missing_record;

/* Records are struct host_record: what a person wants of a host's health; machines read view_host.h. */
extern const struct view_record view_vitals_record;

#endif
