/* rota status --events: the lives of runs. */
#include "life.h"
#include "status_commands.h"
#include "view_history.h"

static int show_life(struct command *command, int64_t id, struct view *view, void *arg,
                     struct err *err)
{
    struct life life;
    (void)arg;
    int rc = life_read(command->cat, id, &life, err);
    for (size_t i = 0; rc == 0 && i < life.n; i++)
        rc = view_add(view, &life.v[i]); /* nonzero when nobody reads any more */
    life_free(&life);
    return rc;
}

int status_events(struct command *command, const struct status_words *words, struct err *err)
{
    const struct status_ids ids = {
        .option = "--events", .record = &view_moment_record, .show = show_life};
    return status_each_id(&ids, command, words, err);
}
