/* placement_words: why runs wait, for people. */
#ifndef ROTA_PLACEMENT_WORDS_H
#define ROTA_PLACEMENT_WORDS_H

#include "buf.h"
#include "placement.h"

/* Appends why the line waits, as the last pass left it. say_out says why no host of a class (there is one)
 * takes any run now. */
void placement_say(const struct place_line *line,
                   void (*say_out)(const struct place_class *class, struct buf *text),
                   struct buf *text);

#endif
