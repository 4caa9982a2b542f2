/* table and wide: aligned columns for people. Kept until the end, because a column is as wide as
 * its widest cell. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "duration.h"
#include "escape.h"
#include "view_form.h"
#include "xalloc.h"

enum { GAP = 2, MIN_WIDTH = 8 };

struct cell {
    char *text; /* escaped */
    enum view_mood mood;
};

struct view_table {
    const struct view_column **columns; /* those shown */
    size_t *widths;                     /* in characters */
    size_t n;
    struct cell *cells; /* n a row; the first row are the titles */
    size_t used, cap;
    size_t limit; /* of a line; 0: none */
    bool colour;
};

static const char *const colours[] = {
    [VIEW_PLAIN] = "", [VIEW_GOOD] = "32", [VIEW_BAD] = "31", [VIEW_BUSY] = "36", [VIEW_DIM] = "2",
};

/* Characters of UTF-8 that escape_terminal has made valid. */
static size_t width_of(const char *s)
{
    size_t width = 0;
    for (; *s; s++)
        width += ((unsigned char)*s & 0xC0) != 0x80;
    return width;
}

static void put_cell(struct view_table *table, char *text, enum view_mood mood)
{
    size_t column = table->used % table->n, width = width_of(text);
    if (table->used == table->cap) {
        table->cap = table->cap ? table->cap * 2 : 256;
        table->cells = xreallocarray(table->cells, table->cap, sizeof *table->cells);
    }
    table->cells[table->used++] = (struct cell){text, mood};
    if (width > table->widths[column])
        table->widths[column] = width;
}

static void look_at_terminal(struct view_table *table, FILE *out)
{
    struct winsize size;
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd))
        return;
    table->colour = !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        table->limit = size.ws_col;
}

void view_table_begin(struct view *view)
{
    struct view_table *table = xcalloc(1, sizeof *table);
    view->table = table;
    table->columns = xcalloc(view->n, sizeof(void *));
    table->widths = xcalloc(view->n, sizeof *table->widths);
    for (size_t i = 0; i < view->n; i++)
        if (view->form == VIEW_WIDE ? view->columns[i].in_wide : view->columns[i].in_table)
            table->columns[table->n++] = &view->columns[i];
    look_at_terminal(table, view->out);
    for (size_t i = 0; i < table->n; i++)
        put_cell(table, xstrdup(table->columns[i]->title), VIEW_PLAIN);
}

static char *people_text(const struct view_value *value)
{
    struct buf text = {0};
    char time[CLOCK_TEXT], duration[DURATION_TEXT];
    switch (value->type) {
    case VIEW_NULL:
        buf_addch(&text, '-');
        break;
    case VIEW_TEXT:
    case VIEW_LIST:
        escape_terminal(&text, value->text, strlen(value->text), false);
        break;
    case VIEW_INT:
    case VIEW_BOOL:
    case VIEW_NUMBER:
        view_put_plain(&text, value);
        break;
    case VIEW_TIME:
        buf_addstr(&text, clock_local(value->number, time));
        break;
    case VIEW_SECONDS:
        buf_addstr(&text, duration_text(value->number, duration));
        break;
    }
    if (!text.len)
        buf_addch(&text, '-');
    return buf_detach(&text);
}

void view_table_add(struct view *view, const void *record)
{
    for (size_t i = 0; i < view->table->n; i++) {
        size_t column = (size_t)(view->table->columns[i] - view->columns);
        const struct view_value value = view_value_of(view, column, record);
        put_cell(view->table, people_text(&value), value.mood);
    }
}

/* On a terminal the widest left-aligned column gives way, again and again, until a line fits. */
static void fit(struct view_table *table)
{
    for (;;) {
        size_t total = 0, widest = table->n;
        for (size_t i = 0; i < table->n; i++) {
            total += table->widths[i] + (i ? GAP : 0);
            if (!table->columns[i]->right && table->widths[i] > MIN_WIDTH &&
                (widest == table->n || table->widths[i] > table->widths[widest]))
                widest = i;
        }
        if (!table->limit || total <= table->limit || widest == table->n)
            return;
        table->widths[widest]--;
    }
}

/* Appends the first `width` characters, the last of them an ellipsis when there are more. */
static void put_cut(struct buf *out, const char *s, size_t width)
{
    if (width_of(s) <= width) {
        buf_addstr(out, s);
        return;
    }
    for (size_t n = 0; *s; s++) {
        n += ((unsigned char)*s & 0xC0) != 0x80;
        if (n >= width)
            break;
        buf_addch(out, *s);
    }
    buf_addstr(out, "\u2026");
}

static void put_line(struct view *view, const struct cell *cells)
{
    const struct view_table *table = view->table;
    for (size_t i = 0; i < table->n; i++) {
        size_t width = width_of(cells[i].text), all = table->widths[i];
        size_t pad = width < all ? all - width : 0;
        bool coloured = table->colour && cells[i].mood != VIEW_PLAIN;
        if (table->columns[i]->right)
            buf_addf(&view->text, "%*s", (int)pad, "");
        if (coloured)
            buf_addf(&view->text, "\033[%sm", colours[cells[i].mood]);
        put_cut(&view->text, cells[i].text, all);
        if (coloured)
            buf_addstr(&view->text, "\033[0m");
        if (i + 1 < table->n) /* no blanks at the end of a line */
            buf_addf(&view->text, "%*s", (int)((table->columns[i]->right ? 0 : pad) + GAP), "");
    }
    buf_addch(&view->text, '\n');
    if (view->text.len >= VIEW_FLUSH)
        view_flush(view);
}

void view_table_free(struct view_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->used; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table->widths);
    free(table->columns);
    free(table);
}

void view_table_end(struct view *view)
{
    struct view_table *table = view->table;
    fit(table);
    /* titles alone would look like an answer: nothing is printed for nothing */
    for (size_t at = 0; table->used > table->n && at < table->used; at += table->n)
        put_line(view, &table->cells[at]);
}
