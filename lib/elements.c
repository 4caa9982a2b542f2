#include "elements.h"

#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "io.h"

void elements_free(struct elements *elements)
{
    buf_free(&elements->text);
    *elements = (struct elements){0};
}

const char *elements_first(const struct elements *elements)
{
    return buf_data(&elements->text);
}

const char *elements_next(const char *element)
{
    return element + strlen(element) + 1;
}

static const char *problem(const char *line, size_t len, size_t number)
{
    if (number > ELEMENTS_MAX)
        return "an array has at most 1000000 elements";
    if (memchr(line, '\0', len))
        return "the line holds a NUL byte";
    if (len > ELEMENT_BYTES)
        return "the line is over 64 KiB";
    return escape_is_utf8(line, len) ? NULL : "the line is no text in UTF-8";
}

static int add_lines(struct elements *elements, const char *place, const struct buf *text,
                     struct err *err)
{
    const char *line = buf_data(text), *end = line + text->len;
    while (line < end) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((lf ? lf : end) - line);
        if (lf && len && line[len - 1] == '\r')
            len--;
        const char *wrong = problem(line, len, ++elements->n);
        if (wrong) {
            (void)err_set(err, ERR_DATA, "%s", wrong);
            err_place(err, "%s:%zu", place, elements->n);
            return ERR_DATA;
        }
        buf_add(&elements->text, line, len);
        buf_addch(&elements->text, '\0');
        line = lf ? lf + 1 : end;
    }
    return 0;
}

int elements_read(struct elements *elements, const char *file, struct err *err)
{
    struct buf text = {0};
    bool is_stdin = strcmp(file, "-") == 0;
    const char *place = is_stdin ? "standard input" : file;
    *elements = (struct elements){0};
    int rc = is_stdin ? io_read_all(STDIN_FILENO, ELEMENTS_BYTES, &text, err)
                      : io_read_file(file, ELEMENTS_BYTES, &text, err);
    if (rc < 0 && (is_stdin || rc == ERR_DATA))
        err_place(err, "%s", place);
    if (rc == 0)
        rc = add_lines(elements, place, &text, err);
    if (rc < 0)
        elements_free(elements);
    buf_free(&text);
    return rc;
}
