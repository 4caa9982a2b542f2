/*
 * metrics: the health and the tallies in the text format of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
#ifndef ROTA_MONITOR_METRICS_H
#define ROTA_MONITOR_METRICS_H

#include "buf.h"
#include "monitor/health.h"

/* Appends everything. Reads the tallies; what else it says is of `health`. */
int metrics_write(struct buf *out, const struct health *health, struct catalogue *cat,
                  struct err *err);

#endif
