/* rota status --why: why runs are where they are. */
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "escape.h"
#include "status_commands.h"
#include "why.h"

/* ---- for machines: a record for each thing that was looked at ---- */

#define FIELD(function, expression)                                                                \
    static struct view_value function(const void *record)                                          \
    {                                                                                              \
        const struct finding *finding = record;                                                    \
        return expression;                                                                         \
    }
FIELD(run, view_int(finding->run))
FIELD(kind, view_text(finding->kind))
FIELD(name, view_text(finding->name))
FIELD(stops, view_int(finding->stops))
FIELD(bar, view_text(finding->bar))
FIELD(detail, view_text(finding->detail))
FIELD(holders, finding->holders ? view_list(finding->holders) : view_text(NULL))

static const struct view_column columns[] = {
    {"run", "RUN", true, true, true, false, run, VIEW_IS(INT)},
    {"kind", "KIND", true, true, false, false, kind, VIEW_IS(TEXT)},
    {"name", "NAME", true, true, false, false, name, VIEW_MAYBE(TEXT)},
    {"stops", "STOPS", true, true, true, false, stops, VIEW_IS(INT)},
    {"bar", "WHAT", true, true, false, false, bar, VIEW_MAYBE(TEXT)},
    {"detail", "DETAIL", true, true, false, false, detail, VIEW_MAYBE(TEXT)},
    {"holders", "HOLDERS", false, true, false, false, holders, VIEW_MAYBE(LIST)},
};
const struct view_record status_why_record = VIEW_RECORD("why", 1, columns);

/* ---- for people: hosts of which the same is to be said share a line ---- */

enum { NAMES_SHOWN = 8 };

static bool says_same(const struct finding *a, const struct finding *b)
{
    return strcmp(a->kind, b->kind) == 0 && strcmp(a->bar, b->bar) == 0 && a->detail && b->detail &&
           strcmp(a->detail, b->detail) == 0;
}

static bool was_said(const struct why *why, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (says_same(&why->v[i], &why->v[at]))
            return true;
    return false;
}

static void add_names(const struct why *why, size_t at, struct buf *line)
{
    size_t n = 0;
    for (size_t i = at; i < why->n; i++)
        if (why->v[i].name && (i == at || says_same(&why->v[i], &why->v[at])) && n++ < NAMES_SHOWN)
            buf_addf(line, "%s%s", n == 1 ? " " : ", ", why->v[i].name);
    if (n > NAMES_SHOWN)
        buf_addf(line, " and %zu more", n - NAMES_SHOWN);
}

/* Reasons hold what people and hosts say. */
static void add_text(struct buf *line, const char *text)
{
    escape_terminal(line, text, strlen(text), false);
    buf_addch(line, '\n');
}

static void print_why(const struct why *why)
{
    struct buf line = {0};
    buf_addf(&line, "run %lld: ", (long long)why->run);
    add_text(&line, why->verdict);
    for (size_t i = 0; i < why->n; i++) {
        if (was_said(why, i) || !why->v[i].detail || strcmp(why->v[i].kind, "state") == 0)
            continue;
        buf_addf(&line, "  %s", why->v[i].kind);
        add_names(why, i, &line);
        buf_addstr(&line, ": ");
        add_text(&line, why->v[i].detail);
    }
    (void)fwrite(buf_data(&line), 1, line.len, stdout);
    buf_free(&line);
}

/* ---- both ---- */

static int read_scene(struct command *command, void *arg, struct err *err)
{
    struct scene *scene = arg;
    int rc = scene_read(scene, &command->config, command->cat, err);
    if (rc == 0)
        scene_place(scene);
    return rc;
}

static int show_why(struct command *command, int64_t id, struct view *view, void *arg,
                    struct err *err)
{
    struct why why;
    int rc = why_read(&why, arg, id, command->cat, err);
    for (size_t i = 0; rc == 0 && view && i < why.n; i++)
        rc = view_add(view, &why.v[i]);
    if (rc == 0 && !view)
        print_why(&why);
    why_free(&why);
    return rc;
}

int status_why(struct command *command, const struct status_words *words, struct err *err)
{
    struct scene scene = {0};
    const struct status_ids ids = {.option = "--why",
                                   .record = &status_why_record,
                                   .is_text = true,
                                   .begin = read_scene,
                                   .show = show_why,
                                   .arg = &scene};
    int rc = status_each_id(&ids, command, words, err);
    scene_free(&scene);
    return rc;
}
