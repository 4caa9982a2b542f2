/*
 * view: what commands print: table, wide, id, tsv, json, and --format (DESIGN section 3).
 *
 * A kind of record has a table of columns; a column turns a record into a value. Machine forms do
 * not depend on terminal, locale or environment. Text is escaped in every form.
 */
#ifndef ROTA_VIEW_H
#define ROTA_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "err.h"

enum view_form { VIEW_TABLE, VIEW_WIDE, VIEW_ID, VIEW_TSV, VIEW_JSON, VIEW_SCHEMA, VIEW_FORMAT };
enum view_type {
    VIEW_NULL,
    VIEW_TEXT,
    VIEW_INT,
    VIEW_BOOL,
    VIEW_NUMBER,
    VIEW_TIME,
    VIEW_SECONDS,
    VIEW_LIST
};
/* What a value tells a person at a glance; a colour where there are colours. */
enum view_mood { VIEW_PLAIN = 0, VIEW_GOOD, VIEW_BAD, VIEW_BUSY, VIEW_DIM };

struct view_value {
    enum view_type type;
    int64_t number; /* VIEW_INT, VIEW_BOOL; VIEW_NUMBER: millionths; VIEW_TIME: ms since the epoch;
                       VIEW_SECONDS: ms */
    const char *
        text; /* VIEW_TEXT, borrowed; VIEW_LIST: a JSON array is made of its comma-separated words */
    enum view_mood mood;
};

/* What stands in a column, whatever the record: -o schema says it, and it never changes. */
struct view_kind {
    enum view_type type;           /* not VIEW_NULL */
    bool nullable;                 /* or nothing */
    const char *(*word)(size_t i); /* the only texts there are, after the last of them NULL;
                                      NULL: any */
};
#define VIEW_IS(name)                                                                              \
    {                                                                                              \
        VIEW_##name, false, NULL                                                                   \
    }
#define VIEW_MAYBE(name)                                                                           \
    {                                                                                              \
        VIEW_##name, true, NULL                                                                    \
    }
#define VIEW_WORD(words)                                                                           \
    {                                                                                              \
        VIEW_TEXT, false, words                                                                    \
    }
#define VIEW_MAYBE_WORD(words)                                                                     \
    {                                                                                              \
        VIEW_TEXT, true, words                                                                     \
    }
/* Makes a function `words` of a table of texts. */
#define VIEW_WORDS(words, table)                                                                   \
    static const char *words(size_t i)                                                             \
    {                                                                                              \
        return i < sizeof(table) / sizeof *(table) ? (table)[i] : NULL;                            \
    }

struct view_column {
    const char *name;  /* of the field, in json and --format */
    const char *title; /* in tables */
    bool in_table, in_wide;
    bool right;      /* aligned */
    bool table_only; /* no field of its own: says for people what others say for machines */
    struct view_value (*value)(const void *record);
    struct view_kind kind;
};

/* A kind of record. Fields are only ever added, so whoever reads version 1 reads all that come after;
 * the version would rise where a field had to change or to go. */
struct view_record {
    const char *name; /* "run" */
    int version;
    const struct view_column *columns;
    size_t n;
};
#define VIEW_RECORD(name, version, columns)                                                        \
    {                                                                                              \
        name, version, columns, sizeof(columns) / sizeof *(columns)                                \
    }

struct view; /* opaque */

/* Makes a view of such records (borrowed). `spec` is the argument of -o (NULL:
 * `fallback`) and `format` of --format (NULL: none; wins). The first column is the id. Output goes
 * to `out`. ERR_USAGE for an unknown form or a field that does not exist, with a suggestion.
 * ERR_ANSWERED: the schema was asked for, and is printed: there is nothing else to do or to need. So make
 * the view before anything is asked of operands, files or the catalogue. */
int view_new(struct view **view, const struct view_record *record, const char *spec,
             enum view_form fallback, const char *format, FILE *out, struct err *err);
enum view_form view_form(const struct view *view);
/* Whether its form is one for people: table or wide. */
bool view_is_for_people(const struct view *view);
/* "table"; NULL for a form that -o cannot ask for. Static. */
const char *view_form_name(enum view_form form);
/* --sort: all records are kept until the view ends, then printed by these fields ("-duration,job": the
 * longest first, the equal ones by job; what is absent last), the first `limit` of them (0: all). NULL:
 * as they come. ERR_USAGE for a field that does not exist, with a suggestion. */
int view_sort(struct view *view, const char *fields, int64_t limit, struct err *err);
/* Adds a record. table and wide are printed when the view ends (columns fit their content, at most
 * the terminal's width), the others at once. Returns nonzero when nobody reads any more: stop. */
int view_add(struct view *view, const void *record);
/* Prints what is pending and frees. Returns 0, or ERR_IO when writing failed (EPIPE is no error). NULL ok. */
int view_end(struct view *view, struct err *err);
/* Frees it and prints nothing that is pending. NULL ok. */
void view_drop(struct view *view);

/* One record as a JSON object, and the JSON schema of such records as another: for records in records. */
void view_put_record(struct buf *out, const struct view_record *record, const void *data);
void view_put_schema(struct buf *out, const struct view_record *record);
/* A value as JSON; nothing is null. */
void view_put_json(struct buf *out, const struct view_value *value);
/* The schema of a field of this kind. */
void view_put_kind(struct buf *out, const struct view_kind *kind);
/* Begins the schema of an object, up to its properties, and ends it after them: names are `n` of their
 * names, all of which are required. */
void view_open_schema(struct buf *out, const char *name, int version);
void view_close_schema(struct buf *out, const char *const names[], size_t n);
/* Prints a text that ends in a line end to `out` as the last thing: ERR_ANSWERED, or ERR_IO. */
int view_answer(struct buf *text, FILE *out, struct err *err);

/* Values, for the functions of columns. */
struct view_value view_text(const char *text); /* NULL: VIEW_NULL */
struct view_value view_list(const char *words);
struct view_value view_int(int64_t number);
struct view_value view_bool(bool value);
struct view_value view_number(int64_t millionths);
struct view_value view_time(int64_t at); /* 0: VIEW_NULL */
struct view_value view_seconds(int64_t ms);

#endif
