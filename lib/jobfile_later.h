/*
 * jobfile_later: the keys of DESIGN section 4 whose behaviour comes later. Their values are checked
 * by these; the row of the key says `later`, and so nothing is accepted and then ignored.
 */
#ifndef ROTA_JOBFILE_LATER_H
#define ROTA_JOBFILE_LATER_H

#include "jobfile_read.h"

field_read later_array;

#endif
