#include "placeholder.h"

#include <string.h>

#include "buf.h"

char *placeholder_word(const char *word, const char *mark, const char *element)
{
    struct buf out = {0};
    for (const char *at; (at = strstr(word, mark)); word = at + strlen(mark)) {
        buf_add(&out, word, (size_t)(at - word));
        buf_addstr(&out, element);
    }
    buf_addstr(&out, word);
    return buf_detach(&out);
}

size_t placeholder_size(const char *word, const char *mark, size_t element)
{
    size_t size = strlen(word);
    for (const char *at = word; (at = strstr(at, mark)); at += strlen(mark))
        size += element - strlen(mark); /* wraps and comes back: each mark is part of the word */
    return size;
}

/* Where in a line a place is. */
enum { WORD = 'x' }; /* what a mark, or what follows a backslash, counts as */
enum quote { PLAIN, SINGLE, DOUBLE, COMMENT };

/* What comes behind `c`; `before` is the character before it. */
static enum quote pass(enum quote quote, char c, char before)
{
    switch (quote) {
    case SINGLE:
        return c == '\'' ? PLAIN : SINGLE;
    case DOUBLE:
        return c == '"' ? PLAIN : DOUBLE;
    case COMMENT:
        return c == '\n' ? PLAIN : COMMENT;
    default:
        if (c == '#' && strchr(" \t\n;&|()", before)) /* also at the very beginning */
            return COMMENT;
        return c == '\'' ? SINGLE : c == '"' ? DOUBLE : PLAIN;
    }
}

char *placeholder_line(const char *line, const char *mark, const char *variable)
{
    static const char *const forms[] = {
        [PLAIN] = "\"${%s}\"", [SINGLE] = "'\"${%s}\"'", [DOUBLE] = "${%s}", [COMMENT] = "${%s}"};
    struct buf out = {0};
    enum quote quote = PLAIN;
    char before = '\0';
    for (; *line; line++) {
        if (strncmp(line, mark, strlen(mark)) == 0) {
            const char *form = forms[quote];
            size_t head = strcspn(form, "%");
            buf_add(&out, form, head);
            buf_addstr(&out, variable);
            buf_addstr(&out, form + head + 2);
            line += strlen(mark) - 1;
            before = WORD;
            continue;
        }
        buf_addch(&out, *line);
        if (*line == '\\' && line[1] && (quote == PLAIN || quote == DOUBLE)) {
            buf_addch(&out, *++line);
            if (*line != '\n') /* that joins two lines */
                before = WORD;
        } else {
            quote = pass(quote, *line, before);
            before = *line;
        }
    }
    return buf_detach(&out);
}
