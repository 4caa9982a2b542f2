#include "test_jobfile.h"

static void test_everything(void)
{
    struct joblist jobs;
    if (!parse(everything, &jobs, "a job with every key"))
        return;
    const struct job *job = &jobs.v[0];
    (void)tap_int((long long)jobs.n, 1, "it is one job");
    (void)tap_str(job->name, "nightly-backup", "name");
    (void)tap_ok(job->executor == EXECUTOR_SHELL, "shell");
    (void)tap_str(job->text, "pg_dump shop | zstd > /backup/shop.zst", "its command");
    (void)tap_str(job->stdin_text, "text\n", "stdin");
    (void)tap_ok(job->env.n == 4 && strcmp(job->env.v[0], "A=yes") == 0 &&
                     strcmp(job->env.v[1], "EMPTY=") == 0 && strcmp(job->env.v[2], "N=1.10") == 0 &&
                     strcmp(job->env.v[3], "PGHOST=db1") == 0,
                 "env, by name, values as they are written");
    (void)tap_str(job->workdir, "/var/backups", "workdir");
    (void)tap_str(job->user, "postgres", "user");
    (void)tap_ok(job->tags.n == 2 && strlist_has(&job->tags, "ssd"), "tags");
    (void)tap_ok(job->hosts.n == 4 && strlist_has(&job->hosts, "db4"), "hosts, expanded");
    (void)tap_ok(job->slots == 2 && job->priority == -10, "slots and priority");
    (void)tap_ok(job->timeout_ms == 7200000 && job->kill_after_ms == 1500, "timeout, kill_after");
    (void)tap_ok(job->retry.attempts == 3 && job->retry.delay_ms == 30000 &&
                     job->retry.backoff == 1.5 && job->retry.max_delay_ms == 600000 &&
                     job->retry.on == JOB_RETRY_FAILED && job->retry.elsewhere,
                 "retry");
    (void)tap_ok(job->nsuccess == 2 && job_is_success(job, 0) && job_is_success(job, 3) &&
                     job->success[0] == 0,
                 "success, a set in rising order");
    (void)tap_ok(job->output_limit == 1 << 20 && job->leftovers == LEFTOVERS_LEAVE, "the rest");
    joblist_free(&jobs);
}

static void test_documents(void)
{
    struct joblist jobs;
    if (parse("---\nname: a\nexec: [sleep, 5, \"\", no]\n---\n# empty\n---\nname: b\nscript: |\n"
              "  #!/bin/sh\n  echo hi\n...\n---\nshell: c\n---\n",
              &jobs, "a file of three jobs and two empty documents")) {
        (void)tap_int((long long)jobs.n, 3, "the empty ones are not counted");
        (void)tap_ok(jobs.v[0].argv.n == 4 && strcmp(jobs.v[0].argv.v[1], "5") == 0 &&
                         !jobs.v[0].argv.v[2][0] && strcmp(jobs.v[0].argv.v[3], "no") == 0 &&
                         !jobs.v[0].argv.v[4],
                     "exec is an argument vector");
        (void)tap_str(jobs.v[1].text, "#!/bin/sh\necho hi\n", "a script keeps its lines");
        (void)tap_str(jobs.v[2].name, "t", "the one without a name is called after the file");
        joblist_free(&jobs);
    }
    if (parse("{\"name\":\"j\",\"exec\":[\"a\\/b\",\"\\u00e4\"],\n\t\"retry\":{\"attempts\":2},"
              "\"where\":{\"tags\":[\"x\"]}}",
              &jobs, "JSON")) {
        (void)tap_str(jobs.v[0].argv.v[0], "a/b", "its escapes are understood");
        (void)tap_str(jobs.v[0].argv.v[1], "ä", "those of Unicode too");
        joblist_free(&jobs);
    }
    if (parse("\xEF\xBB\xBFname: j\r\nshell: |\r\n  a\r\n  b\r\n", &jobs, "a file from Windows")) {
        (void)tap_str(jobs.v[0].text, "a\nb\n", "its line ends are those of YAML");
        joblist_free(&jobs);
    }
    if (parse("name: !!str j\nshell: ! x\nslots: !!int 2\nwhere: !!map {hosts: !!seq [a, "
              "\"b[1-2]\", a]}",
              &jobs, "core tags")) {
        (void)tap_ok(jobs.v[0].slots == 2 && jobs.v[0].hosts.n == 3, "they change nothing");
        joblist_free(&jobs);
    }
}

static void test_names(void)
{
    static const struct {
        const char *file, *name;
    } cases[] = {
        {"nightly.yaml", "nightly"},
        {"/a.b/nightly.yml", "nightly"},
        {"x.json", "x"},
        {"my job.yaml", "my-job"},
        {"2fast.yaml", "_2fast"},
        {"last.yaml", "_last"},
        {"-", "stdin"},
        {"v1.2", "v1.2"},
        {".yaml", "_.yaml"},
        {"ä.yaml", "_--"},
    };
    struct joblist jobs;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (parse_as(cases[i].file, "shell: x", &jobs, "a job without a name")) {
            (void)tap_str(jobs.v[0].name, cases[i].name, cases[i].file);
            joblist_free(&jobs);
        }
    char file[200];
    memset(file, 'n', sizeof file - 1);
    file[sizeof file - 1] = '\0';
    if (parse_as(file, "shell: x", &jobs, "a job in a file with a long name")) {
        (void)tap_ok(name_is_valid(jobs.v[0].name), "has a name that is valid");
        joblist_free(&jobs);
    }
}

static void test_standard_input(void)
{
    struct joblist jobs;
    struct errlist errors = {0};
    (void)tap_int(jobfile_parse("-", "shell: x\nbad: y\n", 16, &jobs, &errors), ERR_DATA,
                  "standard input is refused too");
    (void)tap_str(errors.n ? errors.v[0].place : NULL, "standard input:2:1", "under that name");
    errlist_free(&errors);
}

/* ---- limits ---- */

static void limit(const char *text, size_t len, int rc, const char *want, const char *what)
{
    char *first;
    (void)tap_int(parse_code(text, len, &first), rc, what);
    (void)tap_str(first, want, what);
    free(first);
}

/* "shell: x\nbad: [[[…" of so many lists. */
static char *nested(int depth, bool closed)
{
    struct buf text = {0};
    buf_addstr(&text, "shell: x\nnotes: ");
    for (int i = 0; i < depth; i++)
        buf_addch(&text, '[');
    for (int i = 0; closed && i < depth; i++)
        buf_addch(&text, ']');
    return buf_detach(&text);
}

static void test_limits(void)
{
    char *text = nested(31, true);
    limit(text, strlen(text), ERR_DATA, "t:2:1: unknown key 'notes'", "depth 32 is read");
    free(text);
    text = nested(32, true);
    limit(text, strlen(text), ERR_DATA, "t:2:39: lists and maps are nested deeper than 32",
          "depth 33 is refused");
    free(text);
    text = nested(10000, false);
    limit(text, strlen(text), ERR_DATA, "t:2:39: lists and maps are nested deeper than 32",
          "ten thousand brackets are refused");
    free(text);

    text = xmalloc(JOBFILE_FILE_MAX + 2);
    (void)snprintf(text, JOBFILE_FILE_MAX + 2, "shell: ");
    memset(text + 7, 'x', JOBFILE_FILE_MAX + 1 - 7);
    limit(text, JOBFILE_FILE_MAX + 1, ERR_DATA, "t: is over the limit of 64 MiB: split it",
          "a byte over 64 MiB is refused");
    limit(text, JOBFILE_MAX, ERR_DATA,
          "t:1:1: the job is over the limit of 1 MiB when it is written out",
          "what could not be read back is refused");
    limit(text, JOBFILE_MAX - 100, 0, "", "a file of nearly 1 MiB is accepted");
    free(text);

    limit("shell: x\n\0", 10, ERR_DATA,
          "t:2:1: a NUL byte: is this UTF-16 or no text at all? (write UTF-8)", "a NUL byte");
    limit("s\0h\0", 4, ERR_DATA,
          "t:1:2: a NUL byte: is this UTF-16 or no text at all? (write UTF-8)", "UTF-16");
}

/* A file that is all errors, and maps with very many keys, cost time in proportion. */
static void test_floods(void)
{
    struct buf text = {0};
    struct joblist jobs;
    struct errlist errors = {0};
    for (int i = 0; text.len < JOBFILE_MAX - 100; i++)
        buf_addf(&text, "k%d: v\n", i);
    (void)tap_int(jobfile_parse("t", buf_data(&text), text.len, &jobs, &errors), ERR_DATA,
                  "a hundred thousand unknown keys are refused");
    (void)tap_int((long long)errors.n, ERRLIST_MAX, "with so many errors as one can read");
    (void)tap_str(errors.v[errors.n - 1].msg, "there are more errors: mend these first",
                  "and a word on the others");
    errlist_free(&errors);
    buf_reset(&text);
    buf_addstr(&text, "shell: x\nenv:\n");
    for (int i = 0; text.len < JOBFILE_MAX / 2; i++)
        buf_addf(&text, "  K%d: v\n", i);
    (void)tap_int(jobfile_parse("t", buf_data(&text), text.len, &jobs, &errors), 0,
                  "fifty thousand variables are accepted");
    joblist_free(&jobs);
    buf_free(&text);
}

int main(void)
{
    test_everything();
    test_documents();
    test_names();
    test_standard_input();
    test_limits();
    test_floods();
    return tap_done();
}
