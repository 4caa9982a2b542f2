/* jobfile_read: reads the values of a YAML map by a table of its keys. */
#ifndef ROTA_JOBFILE_READ_H
#define ROTA_JOBFILE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "yamltree.h"

struct field_reader {
    const char *file; /* for messages */
    struct errlist *errors;
};

/* A row of a table of keys; a table ends with an empty row. */
struct field {
    const char *name; /* first: near_word walks the table */
    /* Checks the value and, unless base is NULL, stores it at base + offset. */
    void (*read)(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base);
    size_t offset;
    int64_t min, max;
    const struct field *fields;   /* of field_map */
    const struct choice *choices; /* of field_choice */
    bool required;
    bool later; /* the value is checked, and then refused as "not supported yet" */
};

/* A word a key may have; a table of them ends with an empty row. */
struct choice {
    const char *name; /* first: near_word walks the table */
    int value;
    bool later;
};

/* Adds an error at a node. */
void field_complain(struct field_reader *r, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds "'key' is to be <what>, not <what the value is>". */
void field_expected(struct field_reader *r, const struct field *field,
                    const struct yaml_node *value, const char *what);
/* Where a value goes: base + offset; NULL when it is only checked. */
void *field_to(const struct field *field, void *base);
/* The same row for what stands in a list. Calls read for each item of a list, or for the value
 * itself; an empty list is an error. */
void field_each(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                void *base,
                void (*read)(struct field_reader *r, const struct field *field,
                             const struct yaml_node *value, void *base));

/* Reads a map by a table, filling base. */
void field_read_map(struct field_reader *r, const struct field *fields, const struct yaml_node *map,
                    void *base);

/* ---- what a row's read can be ---- */

typedef void field_read(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base);
field_read field_map;      /* by field->fields, filling the same base */
field_read field_string;   /* char *; not empty */
field_read field_text;     /* char *; may be empty */
field_read field_int;      /* int, min to max */
field_read field_bool;     /* bool */
field_read field_duration; /* int64_t, ms, min to max */
field_read field_size;     /* int64_t, bytes, min to max */
field_read field_choice;   /* an enum (as an int), of field->choices */
field_read field_factor;   /* double, min to max, three decimals at most */
field_read field_name;     /* char *; name_is_valid */
field_read field_names;    /* struct strlist: one name or a list of them */
field_read field_path;     /* char *; absolute */

/* A whole decimal number without leading zeros; false when the text is none or it is beyond 10^15. */
bool field_number(const char *text, int64_t *value);
/* The choice of this name, said to be wrong or not supported yet when it is; NULL when there is none. */
const struct choice *field_find_choice(struct field_reader *r, const struct field *field,
                                       const struct yaml_node *value);

#endif
