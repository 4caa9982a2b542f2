/* rota status --events: the lives of runs. */
#include <stdio.h>

#include "exitcode.h"
#include "life.h"
#include "log.h"
#include "selection.h"
#include "status_commands.h"
#include "view.h"
#include "view_history.h"

/* Nonzero when nobody reads any more. */
static int show_life(struct view *view, const struct life *life)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < life->n; i++)
        rc = view_add(view, &life->v[i]);
    return rc;
}

static int show(struct command *command, const struct selection *selection, struct view *view,
                struct err *err)
{
    size_t absent = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < selection->n; i++) {
        struct life life;
        rc = life_read(command->cat, selection->ids[i], &life, err);
        if (rc == 0)
            rc = show_life(view, &life);
        life_free(&life);
        if (rc == ERR_ANSWER) { /* the others are shown */
            absent++;
            rc = 0;
            err->code = 0;
        }
    }
    if (rc >= 0 && absent)
        log_warn("%zu of the %zu runs named are not in the catalogue", absent, selection->n);
    return rc < 0 ? rc : absent || !selection->n ? EXITCODE_NO : EXITCODE_DONE;
}

static int check(const struct status_words *words, struct err *err)
{
    if (narrowing_any(&words->narrowing) || words->limit >= 0)
        return err_set(err, ERR_USAGE,
                       "--events takes ids: choose them by rota status -o id | "
                       "rota status --events -");
    if (!words->n)
        return err_set(err, ERR_USAGE, "--events needs ids, last, or - for standard input");
    return 0;
}

int status_events(struct command *command, const struct status_words *words, struct err *err)
{
    struct selection selection = {0};
    struct view *view = NULL;
    int rc = check(words, err);
    if (rc == 0)
        rc = view_new(&view, view_moment_columns, view_moment_ncolumns, words->form, VIEW_TABLE,
                      words->format, stdout, err);
    if (rc == 0)
        rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = selection_read(&selection, words->operands, words->n, stdin, command->cat, err);
    if (rc == 0)
        rc = show(command, &selection, view, err);
    if (rc < 0)
        view_drop(view);
    else if (view_end(view, err) < 0)
        rc = ERR_IO;
    selection_free(&selection);
    return rc;
}
