/*
 * leavings: files "CELL.TOKEN.SUFFIX" in the cells, which belong to a run beyond its streams: each kind has its suffix. The
 * token is in the name, since a later run has the cell.
 */
#ifndef ROTA_WORKER_LEAVINGS_H
#define ROTA_WORKER_LEAVINGS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the run of that cell and token may still write there. */
typedef bool leavings_live(uint32_t cell, uint64_t token, const void *arg);

/* Calls each for the files of a suffix (".set") whose run is not live; it may remove them. */
void leavings_each(int cells, const char *suffix, leavings_live *is_live, const void *live_arg,
                   void (*each)(int cells, uint32_t cell, uint64_t token, void *arg), void *arg);

#endif
