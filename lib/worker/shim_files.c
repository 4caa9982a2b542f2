/* shim_files: files of a run that its shim copies, before and after. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/files.h"
#include "worker/shim_internal.h"

/* Copies files by a child that is followed as the job is: it has its part of the timeout, and can be
 * cancelled. 0: it did, and *told is what it says; ERR_ANSWER: it did not, or we are to end (why). */
static int copy_files(struct shim *s, enum files_work work, struct files_told **told,
                      struct err *err)
{
    pid_t main = s->main;
    int status = s->status;
    int64_t ended = s->ended;
    s->main = files_begin(s->order, work, told, err);
    int rc = s->main < 0 ? (int)s->main : 0;
    if (rc == 0) {
        s->copies = s->main_runs = true;
        s->childless = s->killing = false;
        s->pause = s->refusals = 0;
        shim_follow(s);
        if (s->why || s->status != 0)
            rc = err_set(err, ERR_ANSWER, "%s",
                         *(*told)->reason ? (*told)->reason : "the copying of files was killed");
    }
    s->copies = s->killing = s->childless = false;
    s->main = main;
    s->status = status;
    s->ended = ended;
    return rc;
}

int shim_put_files(struct shim *s, struct err *err)
{
    struct files_told *told;
    if (!s->order->put.n)
        return 0;
    int rc = copy_files(s, FILES_PUT, &told, err);
    files_drop_put(s->order);
    s->main_runs = true; /* as from the first: it is yet to begin */
    return rc;
}

/* Of a run that ended by itself, however; a file that is not there makes a failure of a success. */
void shim_get_files(struct shim *s)
{
    struct files_told *told = NULL;
    struct err err;
    if (!s->order->get.n || s->why || !WIFEXITED(s->status))
        return;
    for (int i = 0; i < CELL_STREAMS; i++)
        if (s->pipe[i] >= 0) { /* what it left behind writes to nobody, as when we are gone */
            close(s->pipe[i]);
            s->pipe[i] = -1;
        }
    if (copy_files(s, FILES_GET, &told, &err) < 0 && !s->why) {
        s->unfetched = true;
        (void)snprintf(s->reason, sizeof s->reason, "%.*s", (int)sizeof s->reason - 1, err.msg);
    }
    s->main_runs = false;
    if (told && !s->why)
        s->got = told->got;
}
