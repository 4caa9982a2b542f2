#include "opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "near.h"
#include "strlist.h"
#include "xalloc.h"

static int store_flag(void *to, const char *shown, const char *value, struct err *err)
{
    (void)shown, (void)value, (void)err;
    *(bool *)to = true;
    return 0;
}

static int store_count(void *to, const char *shown, const char *value, struct err *err)
{
    (void)shown, (void)value, (void)err;
    ++*(int *)to;
    return 0;
}

static int store_string(void *to, const char *shown, const char *value, struct err *err)
{
    (void)shown, (void)err;
    *(const char **)to = value;
    return 0;
}

static int store_int(void *to, const char *shown, const char *value, struct err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno || end == value || *end)
        return err_set(err, ERR_USAGE, "%s wants a whole number, not '%s'", shown, value);
    *(int64_t *)to = number;
    return 0;
}

static int store_list(void *to, const char *shown, const char *value, struct err *err)
{
    (void)shown, (void)err;
    strlist_add(to, value);
    return 0;
}

const struct opt_kind opt_flag = {false, store_flag}, opt_count = {false, store_count},
                      opt_string = {true, store_string}, opt_int = {true, store_int},
                      opt_list = {true, store_list};

/* One command line being read. */
struct reader {
    int argc, at; /* at: the next argument */
    char **argv;
    struct option_row *rows; /* the command's and ours */
    size_t n;
    bool help, quiet;
    int verbose;
    struct err *err;
};

enum { OURS = 3 };

static void merge_rows(struct reader *r, const struct option_row *rows)
{
    const struct option_row ours[OURS] = {
        {'h', "help", OPT_FLAG, &r->help},
        {'q', "quiet", OPT_FLAG, &r->quiet},
        {'v', "verbose", OPT_COUNT, &r->verbose},
    };
    size_t n = 0;
    while (rows[n].letter || rows[n].name)
        n++;
    r->n = n + OURS;
    r->rows = xcalloc(r->n, sizeof *r->rows);
    memcpy(r->rows, rows, n * sizeof *rows);
    memcpy(r->rows + n, ours, sizeof ours);
}

/* The value that follows in the next argument; NULL and an error when there is none. */
static const char *next_value(struct reader *r, const char *shown)
{
    if (r->at < r->argc)
        return r->argv[r->at++];
    err_set(r->err, ERR_USAGE, "%s wants a value", shown);
    return NULL;
}

static int unknown_long(struct reader *r, const char *name)
{
    const char *near = near_word(name, &r->rows[0].name, r->n, sizeof *r->rows);
    return near ? err_set(r->err, ERR_USAGE, "unknown option '--%s' (did you mean '--%s'?)", name,
                          near)
                : err_set(r->err, ERR_USAGE, "unknown option '--%s' (-h lists them)", name);
}

/* The row that a long name or an unambiguous beginning of one means. */
static int find_long(struct reader *r, const char *name, const struct option_row **found)
{
    size_t len = strlen(name);
    const struct option_row *other = NULL;
    *found = NULL;
    for (size_t i = 0; i < r->n; i++) {
        const struct option_row *row = &r->rows[i];
        if (!row->name || strncmp(row->name, name, len) != 0)
            continue;
        if (strlen(row->name) == len) {
            *found = row;
            return 0;
        }
        other = *found ? *found : other;
        *found = row;
    }
    if (other)
        return err_set(r->err, ERR_USAGE, "option '--%s' may be '--%s' or '--%s'", name,
                       other->name, (*found)->name);
    return *found ? 0 : unknown_long(r, name);
}

static int read_long(struct reader *r, const char *arg)
{
    const struct option_row *row;
    const char *equals = strchr(arg, '=');
    char *name = equals ? xstrndup(arg, (size_t)(equals - arg)) : xstrdup(arg);
    int rc = find_long(r, name, &row);
    free(name);
    if (rc < 0 || !row)
        return rc;
    char shown[80];
    (void)snprintf(shown, sizeof shown, "--%s", row->name);
    if (equals && !row->kind->takes_value)
        return err_set(r->err, ERR_USAGE, "%s takes no value", shown);
    const char *value = equals ? equals + 1 : row->kind->takes_value ? next_value(r, shown) : NULL;
    if (!value && row->kind->takes_value)
        return ERR_USAGE;
    return row->kind->store(row->to, shown, value, r->err);
}

/* "-qv", "-oid", "-o id" */
static int read_letters(struct reader *r, const char *p)
{
    while (*p) {
        const struct option_row *row = NULL;
        const char shown[3] = {'-', *p, '\0'};
        for (size_t i = 0; i < r->n && !row; i++)
            if (r->rows[i].letter == *p)
                row = &r->rows[i];
        if (!row)
            return err_set(r->err, ERR_USAGE, "unknown option '%s' (-h lists them)", shown);
        p++;
        const char *value = NULL;
        if (row->kind->takes_value) {
            value = *p ? p : next_value(r, shown);
            if (!value)
                return ERR_USAGE;
            p += *p ? strlen(p) : 0;
        }
        int rc = row->kind->store(row->to, shown, value, r->err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Reads all; operands are collected in order. *after is how many of them stood before "--", or -1. */
static int read_all(struct reader *r, char **operands, int *n, int *before)
{
    *n = 0;
    *before = -1;
    while (r->at < r->argc) {
        char *arg = r->argv[r->at++];
        int rc = 0;
        if (*before >= 0 || arg[0] != '-' || !arg[1])
            operands[(*n)++] = arg;
        else if (strcmp(arg, "--") == 0)
            *before = *n;
        else if (arg[1] == '-')
            rc = read_long(r, arg + 2);
        else
            rc = read_letters(r, arg + 1);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int opt_parse(int argc, char **argv, const struct option_row *rows, const char *usage,
              int *dashdash, struct err *err)
{
    struct reader r = {.argc = argc, .at = 1, .argv = argv, .err = err};
    char **operands = xcalloc((size_t)argc + 1, sizeof *operands);
    int n, before;
    merge_rows(&r, rows);
    int rc = read_all(&r, operands, &n, &before);
    if (r.help) {
        (void)fputs(usage, stdout);
        if (fflush(stdout) == 0 || errno == EPIPE)
            exit(0);
        rc = err_sys(err, ERR_IO, "cannot write to standard output");
    }
    log_open(log_program(), r.quiet         ? LOG_ERROR
                            : r.verbose > 1 ? LOG_DEBUG
                            : r.verbose     ? LOG_INFO
                                            : LOG_WARN);
    int first = argc - n;
    if (rc == 0) {
        /* what else stood there is read already: only the operands are looked at again */
        memcpy(argv + first, operands, (size_t)n * sizeof *operands);
        if (dashdash)
            *dashdash = before >= 0 ? first + before : argc;
    }
    free(operands);
    free(r.rows);
    return rc < 0 ? rc : first;
}
