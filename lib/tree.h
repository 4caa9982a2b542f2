/*
 * tree: draws runs below those that they come after. A group of runs (an array, or a run on each host) is
 * one line; what comes after several is drawn below the first of them, and named below the others.
 */
#ifndef ROTA_TREE_H
#define ROTA_TREE_H

#include <stdbool.h>

#include "buf.h"
#include "catalogue.h"
#include "selection.h"

/* Appends the trees that the runs are in, with all that they came after and all that comes after them.
 * `boxes`: with box-drawing characters (UTF-8), else in ASCII. Text is escaped for a terminal. */
int tree_draw(struct catalogue *cat, const struct selection *runs, bool boxes, struct buf *out,
              struct err *err);

#endif
