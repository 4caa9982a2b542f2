/* The key `files`: what is written reads back, and relative sources are beside the job file. */
#include "test_jobfile.h"

#include <unistd.h>

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_files(const struct job_files *a, const struct job_files *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = same_text(a->v[i].from, b->v[i].from) && same_text(a->v[i].to, b->v[i].to) &&
               a->v[i].mode == b->v[i].mode && a->v[i].optional == b->v[i].optional;
    return same;
}

/* As it is read; free it with joblist_free. */
static bool read_files(const char *file, const char *files, struct joblist *jobs)
{
    char *text = xasprintf("{name: x, shell: 'true', files: %s}", files);
    bool read = parse_as(file, text, jobs, files);
    free(text);
    return read;
}

static void check_back(const char *files)
{
    struct joblist jobs, back;
    struct buf text = {0};
    if (!read_files("x.yaml", files, &jobs))
        return;
    jobfile_write(&jobs.v[0], &text);
    if (parse_as("-", buf_str(&text), &back, "what was written")) {
        tap_ok(same_files(&jobs.v[0].put, &back.v[0].put) &&
                   same_files(&jobs.v[0].get, &back.v[0].get),
               "reads back: %s", files);
        joblist_free(&back);
    }
    joblist_free(&jobs);
    buf_free(&text);
}

static void check_source(const char *file, const char *from, const char *want)
{
    struct joblist jobs;
    char *files = xasprintf("{put: [{from: %s, to: y}]}", from);
    if (read_files(file, files, &jobs)) {
        tap_str(jobs.v[0].put.v[0].from, want, "a source is beside its job file");
        joblist_free(&jobs);
    }
    free(files);
}

int main(void)
{
    char here[4096], *want;
    check_back("{put: [{from: /a, to: b}]}");
    check_back("{get: [{from: a}]}");
    check_back("{put: [{from: '/a \"b\" ä', to: /etc/c, mode: \"0755\"}, {from: /d, to: e/f, mode: "
               "600}], get: [{from: g, to: h/}, {from: /i, optional: true}]}");
    check_back("{get: [{from: a, to: '%job/%run.%attempt.%host.%index'}]}");
    if (!getcwd(here, sizeof here))
        return 1;
    want = xasprintf("%s/conf/x", here);
    check_source("job.yaml", "conf/x", want);
    check_source("job.yaml", "/conf/x", "/conf/x");
    check_source("/tmp/job.yaml", "x", "/tmp/x");
    check_source("/usr/../tmp/job.yaml", "x", "/tmp/x");
    check_source("/job.yaml", "x", "/x");
    free(want);
    return tap_done();
}
