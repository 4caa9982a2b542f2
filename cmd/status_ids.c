/* What `rota status --events` and `--why` have in common: they take ids, and tell of one run at a time. */
#include "exitcode.h"
#include "log.h"
#include "status_commands.h"

static int check(const char *option, const struct status_words *words, struct err *err)
{
    if (narrowing_any(&words->narrowing) || words->workflow || words->limit >= 0)
        return err_set(err, ERR_USAGE,
                       "%s takes ids: choose them by rota status -o id | rota status %s -", option,
                       option);
    if (!words->n)
        return err_set(err, ERR_USAGE, "%s needs ids, last, or - for standard input", option);
    return 0;
}

static int show_all(const struct status_ids *ids, struct command *command,
                    const struct selection *selection, struct view *view, struct err *err)
{
    size_t absent = 0;
    int rc = ids->begin ? ids->begin(command, ids->arg, err) : 0;
    for (size_t i = 0; rc == 0 && i < selection->n; i++) {
        rc = ids->show(command, selection->ids[i], view, ids->arg, err);
        if (rc == ERR_ANSWER) { /* the others are shown */
            absent++;
            rc = 0;
            err->code = 0;
        }
    }
    if (rc >= 0)
        status_tell_absent(selection, absent);
    return rc < 0 ? rc : absent || !selection->n ? EXITCODE_NO : EXITCODE_DONE;
}

int status_each_id(const struct status_ids *ids, struct command *command,
                   const struct status_words *words, struct err *err)
{
    struct selection selection = {0};
    struct view *view = NULL;
    int rc = 0;
    if (!ids->is_text || words->form || words->format)
        rc = view_new(&view, ids->record, words->form, VIEW_TABLE, words->format, stdout, err);
    if (rc == 0)
        rc = check(ids->option, words, err);
    if (rc == 0)
        rc = command_open(command, CATALOGUE_READ, err);
    if (rc == 0)
        rc = selection_read(&selection, words->operands, words->n, stdin, command->cat, err);
    if (rc == 0 && selection_is_nothing(&selection))
        rc = EXITCODE_NO;
    else if (rc == 0)
        rc = show_all(ids, command, &selection, view, err);
    if (rc < 0)
        view_drop(view);
    else if (view_end(view, err) < 0)
        rc = ERR_IO;
    selection_free(&selection);
    return rc;
}
