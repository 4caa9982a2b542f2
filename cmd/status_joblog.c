/* rota status --joblog: runs that have ended, as GNU parallel writes them with --joblog (parallel(1)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "escape.h"
#include "exitcode.h"
#include "log.h"
#include "specification.h"
#include "status_commands.h"

static const char header[] =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

struct joblog {
    struct catalogue *cat;
    struct buf out;
    int64_t spec; /* whose command that is; runs of one job follow each other */
    struct buf command;
    size_t shown;
    struct err *err;
};

static void put_argv(struct buf *out, const struct strlist *argv)
{
    for (size_t i = 0; i < argv->n; i++) {
        buf_addstr(out, i ? " " : "");
        escape_shell(out, argv->v[i]);
    }
}

/* The command as the job says it; an element stays the placeholder, as it does for the shell. */
static int find_command(struct joblog *log, int64_t spec)
{
    struct job job;
    if (log->spec == spec)
        return 0;
    int rc = specification_read(log->cat, spec, &job, log->err);
    buf_reset(&log->command);
    log->spec = spec;
    if (rc == ERR_DATA) { /* what is known of the run is worth its line all the same */
        log_warn("%s", log->err->msg);
        return 0;
    }
    if (rc < 0)
        return rc;
    if (job.executor == EXECUTOR_EXEC)
        put_argv(&log->command, &job.argv);
    else
        buf_addstr(&log->command, job.text);
    job_free(&job);
    return 0;
}

/* -1 is what parallel writes for a job that had no exit value. */
static int show(const struct run *run, void *arg)
{
    struct joblog *log = arg;
    int64_t ran = run->finished_at - run->started_at;
    if (!run_state_is_terminal(run->state) || !run->started_at)
        return 0;
    int rc = find_command(log, run->spec);
    if (rc < 0)
        return rc;
    buf_addf(&log->out, "%lld\t%s\t%lld.%03d\t%lld.%03d\t0\t%lld\t%d\t%d\t", (long long)run->id,
             run->host ? run->host : "", (long long)run->started_at / 1000,
             (int)(run->started_at % 1000), (long long)ran / 1000, (int)(ran % 1000),
             (long long)run->out_bytes, run->has_exit || run->signal ? run->exit_code : -1,
             run->signal);
    escape_tsv(&log->out, buf_str(&log->command));
    buf_addch(&log->out, '\n');
    log->shown++;
    return 0;
}

/* The newest `limit` lines that were written: of runs that have ended, which the query does not know. */
static void print_newest(struct joblog *log, int64_t limit)
{
    const char *text = buf_str(&log->out);
    int64_t skipped = limit > 0 ? (int64_t)log->shown - limit : 0;
    for (; skipped > 0; skipped--)
        text = strchr(text, '\n') + 1;
    (void)fputs(header, stdout);
    (void)fputs(text, stdout);
}

int status_joblog(struct command *command, const struct status_words *words, struct err *err)
{
    struct run_query query = {0};
    struct selection named = {0};
    struct joblog log = {.err = err};
    size_t absent = 0;
    if (words->form || words->format || words->sort)
        return err_set(err, ERR_USAGE, "--joblog is a form of its own, in the order of ids");
    int rc = status_choose(command, words, &query, &named, err);
    log.cat = command->cat;
    if (rc == 0 && !(named.from_stdin && !named.n))
        rc = run_select(command->cat, &query, show, &log, err);
    if (rc == 0)
        print_newest(&log, words->limit);
    if (rc == 0)
        rc = status_absent(command->cat, &named, &absent, err);
    if (rc == 0 && !log.shown && !absent)
        log_warn("no run that has ended matches");
    selection_free(&named);
    free(query.hosts);
    buf_free(&log.out);
    buf_free(&log.command);
    return rc < 0 ? rc : log.shown && !absent ? EXITCODE_DONE : EXITCODE_NO;
}
