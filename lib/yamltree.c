#include "yamltree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "xalloc.h"

struct yaml_reader {
    yaml_parser_t parser;
    const char *file;
    const char *text;
    size_t len;
    int depth_max;
    struct errlist *errors;
};

static void complain(struct yaml_reader *r, int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void complain(struct yaml_reader *r, int line, int column, const char *fmt, ...)
{
    char place[256], msg[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    (void)snprintf(place, sizeof place, "%s:%d:%d", r->file, line, column);
    errlist_add(r->errors, ERR_DATA, place, "%s", msg);
}

/* ---- errors of syntax ---- */

static void place_of_offset(const char *text, size_t offset, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset; i++)
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            ++*column;
        }
}

static bool is_tab_at(const struct yaml_reader *r, const yaml_mark_t *mark)
{
    const char *p = r->text, *end = p + r->len;
    for (size_t line = 0; line < mark->line && p < end; p++)
        line += *p == '\n';
    for (size_t column = 0; column < mark->column && p < end; p++)
        column += ((unsigned char)*p & 0xC0) != 0x80;
    return p < end && *p == '\t';
}

/* What libyaml's words mean to somebody who does not know its grammar. */
static const char *hint(const struct yaml_reader *r)
{
    static const struct {
        const char *problem, *hint;
    } hints[] = {
        {"did not find expected ',' or '}'", " (quote a value that holds [ ] { } , or : )"},
        {"did not find expected ',' or ']'", " (quote a value that holds [ ] { } , or : )"},
        {"did not find expected <document start>", " (begin every further job with a line ---)"},
        {"mapping values are not allowed in this context", " (quote a value that holds ': ')"},
        {"found invalid Unicode character escape code",
         " (write the character itself, not as two \\u escapes)"},
    };
    if (is_tab_at(r, &r->parser.problem_mark))
        return " (indent with blanks, not with tabs)";
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(r->parser.problem, hints[i].problem) == 0)
            return hints[i].hint;
    return "";
}

static void complain_syntax(struct yaml_reader *r)
{
    const yaml_parser_t *parser = &r->parser;
    int line = (int)parser->problem_mark.line + 1, column = (int)parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR) { /* its only place is an offset */
        place_of_offset(r->text, parser->problem_offset, &line, &column);
        complain(r, line, column, "is no text in UTF-8: %s", parser->problem);
    } else if (parser->context) {
        complain(r, line, column, "YAML: %s, %s that begins at line %d%s", parser->problem,
                 parser->context, (int)parser->context_mark.line + 1, hint(r));
    } else {
        complain(r, line, column, "YAML: %s%s",
                 parser->problem ? parser->problem : "cannot be read",
                 parser->problem ? hint(r) : "");
    }
}

/* ---- nodes ---- */

static void free_node(struct yaml_node *node)
{
    for (size_t i = 0; i < node->n; i++)
        free_node(&node->items[i]);
    free(node->items);
    free(node->text);
}

void yaml_documents_free(struct yaml_documents *docs)
{
    for (size_t i = 0; i < docs->n; i++)
        free_node(&docs->v[i]);
    free(docs->v);
    *docs = (struct yaml_documents){0};
}

bool yaml_is_null(const struct yaml_node *node)
{
    return node->kind == YAML_IS_SCALAR && node->plain &&
           (!node->text[0] || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    for (size_t i = 0; i + 1 < map->n; i += 2)
        if (map->items[i].kind == YAML_IS_SCALAR && strcmp(map->items[i].text, key) == 0)
            return &map->items[i + 1];
    return NULL;
}

static void append(struct yaml_node **v, size_t *n, size_t *cap, const struct yaml_node *node)
{
    if (*n == *cap) {
        *cap = *cap ? *cap * 2 : 4;
        *v = xreallocarray(*v, *cap, sizeof **v);
    }
    (*v)[(*n)++] = *node;
}

/* ---- keys of a map ---- */

static int order_keys(const void *a, const void *b, void *arg)
{
    const struct yaml_node *items = arg;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = strcmp(items[x].text, items[y].text);
    return order ? order : (x > y) - (x < y); /* of one name, the earlier first */
}

static void check_key(struct yaml_reader *r, struct yaml_node *key)
{
    bool merge = key->kind == YAML_IS_SCALAR && key->plain && strcmp(key->text, "<<") == 0;
    if (key->kind != YAML_IS_SCALAR)
        complain(r, key->line, key->column, "a key is one word, not a list or a map");
    else if (merge)
        complain(r, key->line, key->column, "merge keys (<<) are not allowed: write the keys out");
    key->bad = key->bad || merge || key->kind != YAML_IS_SCALAR;
}

/* By sorting: a file may hold millions of keys. */
static void check_keys(struct yaml_reader *r, struct yaml_node *map)
{
    size_t *keys = xcalloc(map->n / 2, sizeof *keys), n = 0; /* indices of items */
    for (size_t i = 0; i + 1 < map->n; i += 2) {
        check_key(r, &map->items[i]);
        if (!map->items[i].bad)
            keys[n++] = i;
    }
    qsort_r(keys, n, sizeof *keys, order_keys, map->items);
    for (size_t i = 1; i < n; i++) {
        struct yaml_node *first = &map->items[keys[i - 1]], *key = &map->items[keys[i]];
        if (strcmp(first->text, key->text) != 0)
            continue;
        complain(r, key->line, key->column, "key '%.60s' is there twice, first at line %d",
                 key->text, first->line);
        key->bad = true; /* its value would take the place of the first one's, which is then lost */
    }
    free(keys);
}

/* ---- events ---- */

/* Whether a tag is a core one that suits the kind; *string says that it makes a string. */
static bool tag_is_core(const char *tag, enum yaml_kind kind, bool *string)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    static const struct {
        const char *name;
        enum yaml_kind kind;
    } tags[] = {
        {"str", YAML_IS_SCALAR},   {"int", YAML_IS_SCALAR},  {"bool", YAML_IS_SCALAR},
        {"float", YAML_IS_SCALAR}, {"null", YAML_IS_SCALAR}, {"seq", YAML_IS_LIST},
        {"map", YAML_IS_MAP},
    };
    *string = strcmp(tag, "!") == 0 || strcmp(tag, "tag:yaml.org,2002:str") == 0;
    if (strcmp(tag, "!") == 0)
        return true;
    if (strncmp(tag, prefix, sizeof prefix - 1) != 0)
        return false;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strcmp(tag + sizeof prefix - 1, tags[i].name) == 0)
            return tags[i].kind == kind;
    return false;
}

static void check_properties(struct yaml_reader *r, struct yaml_node *node,
                             const yaml_char_t *anchor, const yaml_char_t *tag)
{
    bool string = false;
    node->bad = anchor != NULL;
    if (anchor)
        complain(r, node->line, node->column, "anchors (&%s) are not allowed: write the value out",
                 (const char *)anchor);
    if (tag && !tag_is_core((const char *)tag, node->kind, &string)) {
        complain(r, node->line, node->column, "tag '%s' is not allowed here", (const char *)tag);
        node->bad = true;
    }
    if (string)
        node->plain = false;
}

/* The scalar of an event; its text is never longer than the file. */
static void read_scalar(struct yaml_reader *r, const yaml_event_t *event, struct yaml_node *node)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = xstrndup(value, len);
    check_properties(r, node, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(value, '\0', len)) {
        complain(r, node->line, node->column, "a NUL byte cannot stand in a text");
        node->bad = true;
    }
}

static bool next_event(struct yaml_reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return true;
    complain_syntax(r);
    return false;
}

static bool read_node(struct yaml_reader *r, const yaml_event_t *event, int depth,
                      struct yaml_node *node);

/* The items of a list or map up to the event that ends it. */
static bool read_items(struct yaml_reader *r, yaml_event_type_t end, int depth,
                       struct yaml_node *node)
{
    for (;;) {
        yaml_event_t event;
        if (!next_event(r, &event))
            return false;
        if (event.type == end) {
            yaml_event_delete(&event);
            return true;
        }
        struct yaml_node item = {0};
        bool going = read_node(r, &event, depth + 1, &item);
        yaml_event_delete(&event);
        append(&node->items, &node->n, &node->cap, &item);
        if (!going)
            return false;
    }
}

/* The node that begins with an event; false when the parse cannot go on. What was read until then
 * is in *node all the same, to be freed. Recursion is bounded by depth_max. */
static bool read_node(struct yaml_reader *r, const yaml_event_t *event, int depth,
                      struct yaml_node *node)
{
    bool going;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    if (event->type == YAML_ALIAS_EVENT) {
        complain(r, node->line, node->column, "aliases (*%s) are not allowed: write the value out",
                 (const char *)event->data.alias.anchor);
        node->text = xstrdup("");
        node->bad = true;
        return true;
    }
    if (event->type == YAML_SCALAR_EVENT) {
        read_scalar(r, event, node);
        return true;
    }
    if (depth > r->depth_max) {
        complain(r, node->line, node->column, "lists and maps are nested deeper than %d",
                 r->depth_max);
        node->text = xstrdup("");
        node->bad = true;
        return false;
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        node->kind = YAML_IS_LIST;
        check_properties(r, node, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
        going = read_items(r, YAML_SEQUENCE_END_EVENT, depth, node);
        node->bad = node->bad || !going;
        return going;
    }
    node->kind = YAML_IS_MAP;
    check_properties(r, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
    going = read_items(r, YAML_MAPPING_END_EVENT, depth, node);
    node->bad = node->bad || !going;
    check_keys(r, node);
    return going;
}

/* One document's root; the rest of its events are skipped by the caller's loop. */
static bool read_root(struct yaml_reader *r, const yaml_event_t *event, struct yaml_documents *docs)
{
    struct yaml_node root = {0};
    bool going = read_node(r, event, 1, &root);
    if (yaml_is_null(&root) && going)
        free_node(&root);
    else
        append(&docs->v, &docs->n, &docs->cap, &root);
    return going;
}

static void read_stream(struct yaml_reader *r, struct yaml_documents *docs)
{
    for (bool going = true; going;) {
        yaml_event_t event;
        if (!next_event(r, &event))
            return;
        switch (event.type) {
        case YAML_STREAM_END_EVENT:
            going = false;
            break;
        case YAML_SCALAR_EVENT:
        case YAML_ALIAS_EVENT:
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            going = read_root(r, &event, docs);
            break;
        default: /* the beginnings and ends of stream and documents */
            break;
        }
        yaml_event_delete(&event);
    }
}

/* What libyaml itself must not see; false after saying so. */
static bool check_text(struct yaml_reader *r)
{
    static const char directive[] = "\n%TAG";
    const char *nul = r->len ? memchr(r->text, '\0', r->len) : NULL;
    const char *tag = memmem(r->text, r->len, directive, sizeof directive - 1);
    int line, column;
    if (nul) {
        place_of_offset(r->text, (size_t)(nul - r->text), &line, &column);
        complain(r, line, column, "a NUL byte: is this UTF-16 or no text at all? (write UTF-8)");
        return false;
    }
    /* libyaml compares each of these with all before it: 1 MiB of them takes it 18 s */
    if (tag || (r->len > 4 && memcmp(r->text, directive + 1, 4) == 0)) {
        place_of_offset(r->text, tag ? (size_t)(tag + 1 - r->text) : 0, &line, &column);
        complain(r, line, column, "%%TAG is not allowed: there are no tags of one's own");
        return false;
    }
    return true;
}

void yaml_parse(const char *file, const char *text, size_t len, int depth_max,
                struct yaml_documents *docs, struct errlist *errors)
{
    static const char bom[] = "\xEF\xBB\xBF";
    size_t mark =
        len >= sizeof bom - 1 && memcmp(text, bom, sizeof bom - 1) == 0 ? sizeof bom - 1 : 0;
    struct yaml_reader r = {.file = file,
                            .text = text + mark,
                            .len = len - mark,
                            .depth_max = depth_max,
                            .errors = errors};
    *docs = (struct yaml_documents){0};
    if (!check_text(&r))
        return;
    if (!yaml_parser_initialize(&r.parser)) {
        complain(&r, 1, 1, "libyaml has no memory");
        return;
    }
    /* said, not guessed; then libyaml does not skip a byte order mark, and so we do */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.len);
    read_stream(&r, docs);
    yaml_parser_delete(&r.parser);
}
