/*
 * placeholder: a text in a command, as {}, that stands for the element of an array.
 *
 * In the words of a command it becomes the element itself. In a line for a shell it becomes a variable,
 * quoted as the place in the line wants it: so an element is never read by the shell, whatever it holds.
 */
#ifndef ROTA_PLACEHOLDER_H
#define ROTA_PLACEHOLDER_H

#include <stddef.h>

/* The word with the element in the place of each mark; free. */
char *placeholder_word(const char *word, const char *mark, const char *element);
/* The length of that word with an element of so many bytes. */
size_t placeholder_size(const char *word, const char *mark, size_t element);
/* The line with "${variable}" in the place of each mark; free. A mark with a backslash before it stays.
 * Comments, '…' and "…" are understood; what is not are here-documents and quotes in $(…) in "…". */
char *placeholder_line(const char *line, const char *mark, const char *variable);

#endif
