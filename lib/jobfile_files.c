#include "jobfile_files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "jobfile_keys.h"
#include "xalloc.h"

#define AT(member) offsetof(struct job_file, member)

enum { MODE_DEFAULT = 0600 };

/* ---- paths ---- */

/* Whether a part of it is ".." or, but for the first and the last, empty. */
static bool leads_elsewhere(const char *path)
{
    for (const char *p = path; *p;) {
        size_t len = strcspn(p, "/");
        if ((len == 2 && strncmp(p, "..", 2) == 0) || (len == 1 && *p == '.') ||
            (!len && p != path))
            return true;
        p += len + (p[len] == '/');
    }
    return false;
}

/* A relative path is one beside the job file; what was read from standard input has no place. */
static char *beside_file(const struct field_reader *r, const char *path)
{
    const char *slash = strrchr(r->file, '/');
    char *dir = slash ? xstrndup(r->file, (size_t)(slash - r->file) + 1) : xstrdup(".");
    char real[PATH_MAX], *found = realpath(dir, real);
    free(dir);
    return found ? xasprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, path) : NULL;
}

static void read_source(struct field_reader *r, const struct field *field,
                        const struct yaml_node *value, void *base)
{
    char **to = field_to(field, base);
    field_string(r, field, value, base);
    if (!*to || **to == '/')
        return;
    char *path = strcmp(r->file, "standard input") == 0 ? NULL : beside_file(r, *to);
    if (!path)
        field_complain(r, value,
                       "'%s' is to be a path from /: there is no job file beside which "
                       "'%.60s' could be",
                       field->name, *to);
    free(*to);
    *to = path;
}

/* Names a file, on a worker. */
static void read_place(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    char **to = field_to(field, base);
    field_string(r, field, value, base);
    const char *slash = *to ? strrchr(*to, '/') : NULL;
    const char *name = slash ? slash + 1 : *to;
    if (*to && (!*name || leads_elsewhere(*to) || strlen(name) > NAME_MAX))
        field_complain(r, value,
                       "'%s' names a file, without . and .. and with at most %d bytes, not '%.60s'",
                       field->name, NAME_MAX, *to);
}

/* Below the head's files/: the only paths that runs make there. */
static void read_kept(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    static const char *const known[] = {"run", "attempt", "job", "host", "index"};
    char **to = field_to(field, base);
    field_string(r, field, value, base);
    if (*to && (**to == '/' || leads_elsewhere(*to))) {
        field_complain(r, value,
                       "'%s' is a path below files/ beside the catalogue: not from / and without . "
                       "and .., not '%.60s'",
                       field->name, *to);
        return;
    }
    for (const char *p = *to ? strchr(*to, '%') : NULL; p; p = strchr(p + 1, '%')) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || strncmp(p + 1, known[i], strlen(known[i])) == 0;
        if (!found)
            field_complain(r, value,
                           "'%s': after %% comes one of run, attempt, job, host and index: '%.60s'",
                           field->name, *to);
    }
}

static void read_mode(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    const char *text = value->kind == YAML_IS_SCALAR ? value->text : "";
    size_t digits = strspn(text, "01234567");
    if (text[digits] || digits < 3 || digits > 4 || (digits == 4 && *text != '0'))
        field_expected(r, field, value, "permissions in octal, as \"0644\"");
    else
        *(int *)field_to(field, base) = (int)strtol(text, NULL, 8);
}

/* ---- one file ---- */

static const struct field put_fields[] = {
    {.name = "from", .read = read_source, .offset = AT(from), .required = true},
    {.name = "to", .read = read_place, .offset = AT(to), .required = true},
    {.name = "mode", .read = read_mode, .offset = AT(mode)},
    {0},
};

static const struct field get_fields[] = {
    {.name = "from", .read = read_place, .offset = AT(from), .required = true},
    {.name = "to", .read = read_kept, .offset = AT(to)},
    {.name = "optional", .read = field_bool, .offset = AT(optional)},
    {0},
};

static void read_file(struct field_reader *r, const struct field *field,
                      const struct yaml_node *value, void *base)
{
    struct job_files *files = field_to(field, base);
    if (value->kind != YAML_IS_MAP) {
        field_expected(r, field, value, "a list of maps with from and to");
        return;
    }
    if (files->n == JOB_FILES_MAX) {
        field_complain(r, value, "'%s' has over %d files: put them into an archive", field->name,
                       JOB_FILES_MAX);
        return;
    }
    files->v = xreallocarray(files->v, files->n + 1, sizeof *files->v);
    struct job_file *file = &files->v[files->n++];
    *file = (struct job_file){.mode = MODE_DEFAULT};
    field_read_map(r, field->fields, value, file);
}

static void read_files(struct field_reader *r, const struct field *field,
                       const struct yaml_node *value, void *base)
{
    field_each(r, field, value, base, read_file);
}

const struct field files_fields[] = {
    {.name = "put", .read = read_files, .offset = offsetof(struct job, put), .fields = put_fields},
    {.name = "get", .read = read_files, .offset = offsetof(struct job, get), .fields = get_fields},
    {0},
};

void field_files(struct field_reader *r, const struct field *field, const struct yaml_node *value,
                 void *base)
{
    field_map(r, field, value, base);
    if (value->kind == YAML_IS_MAP && !value->n)
        field_complain(r, value, "'files' is empty: take it out");
}

/* ---- all of them ---- */

/* Two files of one name would be one: of put on the worker, of get beside the output. */
static void check_names(struct field_reader *r, const struct yaml_node *node,
                        const struct job_files *files, bool put)
{
    for (size_t i = 0; i < files->n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct job_file *a = &files->v[i], *b = &files->v[k];
            bool known = put ? a->to && b->to : a->from && b->from;
            if (known &&
                strcmp(put ? a->to : job_file_name(a), put ? b->to : job_file_name(b)) == 0)
                field_complain(r, node, "two files would be called '%.60s'",
                               put ? a->to : job_file_name(a));
        }
}

/* Of two files for one place the second would be kept; after a slash at the end comes the name, which is another. */
static void check_places(struct field_reader *r, const struct yaml_node *node,
                         const struct job_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        for (size_t k = 0; k < i; k++) {
            const char *a = files->v[i].to, *b = files->v[k].to;
            if (a && b && strcmp(a, b) == 0 && *a && a[strlen(a) - 1] != '/')
                field_complain(r, node, "two files would be kept as files/%.60s", a);
        }
}

/* Where the work runs in a container, its directory says nothing of the host's. */
static void check_absolute(struct field_reader *r, const struct yaml_node *node,
                           const struct job_files *files, bool put)
{
    for (size_t i = 0; i < files->n; i++) {
        const char *path = put ? files->v[i].to : files->v[i].from;
        if (path && *path != '/')
            field_complain(
                r, node, "with 'container' a path on the host begins with /, unlike '%.60s'", path);
    }
}

void jobfile_check_files(struct field_reader *r, const struct yaml_node *document,
                         const struct job *job)
{
    const struct yaml_node *files = yaml_get(document, "files");
    if (!files)
        return;
    if (job->executor == EXECUTOR_CONTAINER) {
        check_absolute(r, files, &job->put, true);
        check_absolute(r, files, &job->get, false);
    }
    check_names(r, files, &job->put, true);
    check_names(r, files, &job->get, false);
    check_places(r, files, &job->get);
}

/* ---- writing ---- */

static void put_list(struct writer *w, const char *key, const struct job_files *files)
{
    if (!files->n)
        return;
    writer_key(w, key);
    for (size_t i = 0; i < files->n; i++) {
        const struct job_file *file = &files->v[i];
        struct writer map = {.out = w->out};
        buf_addstr(w->out, i ? ", {" : "[{");
        writer_string(&map, "from", file->from);
        writer_string(&map, "to", file->to);
        if (file->mode != MODE_DEFAULT) {
            writer_key(&map, "mode");
            buf_addf(w->out, "\"%04o\"", (unsigned)file->mode);
        }
        writer_flag(&map, "optional", file->optional);
        writer_close(&map);
    }
    buf_addch(w->out, ']');
}

void jobfile_write_files(const struct job *job, struct writer *w)
{
    if (!job->put.n && !job->get.n)
        return;
    struct writer map = writer_open(w, "files");
    put_list(&map, "put", &job->put);
    put_list(&map, "get", &job->get);
    writer_close(&map);
}
