/*
 * fuzz_crontab: any text as a crontab, of a user and of the system, twice each: what is written is UTF-8 text
 * that the job file reader takes, every entry with a schedule and a name of its own, and a command is what
 * stands in the crontab, byte for byte.
 */
#include "crontab.h"
#include "escape.h"
#include "fuzz.h"
#include "jobfile.h"

static void check_text(const struct buf *out)
{
    const char *text = buf_data(out);
    MUST(escape_is_utf8(text, out->len));
    for (size_t i = 0; i < out->len; i++)
        MUST((unsigned char)text[i] >= ' ' || text[i] == '\n' || text[i] == '\t');
}

/* % ends a command, with a backslash it stands for itself: without it nothing is changed. */
static void check_job(const struct job *job, const char *text)
{
    MUST(job->schedule.rules.n == 1);
    if (strchr(text, '%'))
        return;
    MUST(!job->stdin_text);
    MUST(strstr(text, job->executor == EXECUTOR_SHELL ? job->text : job->argv.v[2]));
}

static void import(const char *text, bool system)
{
    struct crontab crontab = {
        .file = "/etc/cron.d/x", .system = system, .timezone = system ? NULL : "Europe/Berlin"};
    struct buf out = {0};
    struct errlist notes = {0}, errors = {0};
    struct joblist jobs = {0};
    crontab_import(&crontab, text, &out, &notes);
    crontab_import(&crontab, text, &out, &notes);
    MUST((notes.n > 0) == (crontab.refused > 0));
    check_text(&out);
    if (crontab.imported) {
        int rc = jobfile_parse("jobs.yaml", buf_str(&out), out.len, &jobs, &errors);
        if (rc < 0)
            (void)fprintf(stderr, "%s\n%s: %s\n", buf_str(&out), errors.v[0].place,
                          errors.v[0].msg);
        MUST(rc == 0 && jobs.n == crontab.imported && crontab.names.n == jobs.n);
    }
    for (size_t i = 0; i < jobs.n; i++)
        check_job(&jobs.v[i], text);
    joblist_free(&jobs);
    errlist_free(&errors);
    errlist_free(&notes);
    buf_free(&out);
    crontab_free(&crontab);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    import(text, false);
    import(text, true);
    free(text);
    return 0;
}
