/* view_form: what the forms of a view have in common; only for view*.c. */
#ifndef ROTA_VIEW_FORM_H
#define ROTA_VIEW_FORM_H

#include "view.h"

struct view {
    enum view_form form;
    const struct view_column *columns;
    size_t n;
    const char *format;
    FILE *out;
    struct buf text; /* not yet written */
    bool begun;      /* the header is out */
    bool closed;     /* nobody reads any more */
    int error;       /* errno of the first write that failed; 0 */
    struct view_table *table;
    struct view_order *order; /* NULL: as they come */
    bool playing;             /* records are what view_order_keep made of them */
};

/* One form: a row of view.c's table. */
struct view_form_row {
    const char *name; /* of -o; NULL: not to be asked for by name */
    void (*begin)(struct view *view);
    void (*add)(struct view *view, const void *record);
    void (*end)(struct view *view);
};

/* Appends a value as machines read it; nothing for VIEW_NULL. */
void view_put_plain(struct buf *out, const struct view_value *value);
/* Writes out what view->text holds; worth it from so many bytes. */
enum { VIEW_FLUSH = 65536 };
void view_flush(struct view *view);

/* The value of a column, of a record or of what was kept of it. */
struct view_value view_value_of(const struct view *view, size_t column, const void *record);
/* The field of this name (len bytes); NULL: none. */
const struct view_column *view_field(const struct view *view, const char *name, size_t len);
/* ERR_USAGE, with the option's name and the near field. */
int view_unknown_field(const struct view *view, const char *option, const char *name, size_t len,
                       struct err *err);

void view_order_keep(struct view *view, const void *record);
/* Gives all that was kept to add, in their order. */
void view_order_play(struct view *view, void (*add)(struct view *view, const void *record));
void view_order_free(struct view_order *order); /* NULL ok */

void view_table_begin(struct view *view);
void view_table_add(struct view *view, const void *record);
void view_table_end(struct view *view);
void view_table_free(struct view_table *table); /* NULL ok */

/* Checks a --format text: unknown fields, a brace that is not closed. ERR_USAGE. */
int view_format_check(const struct view *view, struct err *err);
void view_format_add(struct view *view, const void *record);

#endif
