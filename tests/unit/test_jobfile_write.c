#include "test_jobfile.h"

/* ---- reading back what was written ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(const struct strlist *a, const struct strlist *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++)
        same = strcmp(a->v[i], b->v[i]) == 0;
    return same;
}

static bool same_retry(const struct job_retry *a, const struct job_retry *b)
{
    return a->attempts == b->attempts && a->delay_ms == b->delay_ms && a->backoff == b->backoff &&
           a->max_delay_ms == b->max_delay_ms && a->on == b->on && a->elsewhere == b->elsewhere;
}

static bool same_schedule(const struct job_schedule *a, const struct job_schedule *b)
{
    return same_list(&a->rules, &b->rules) && same_text(a->timezone, b->timezone) &&
           same_text(a->from, b->from) && same_text(a->until, b->until) &&
           same_list(&a->except, &b->except) && a->jitter_ms == b->jitter_ms &&
           a->catch_up == b->catch_up && a->overlap == b->overlap;
}

static bool same_after(const struct job *a, const struct job *b)
{
    bool same = a->nafter == b->nafter && a->after_any == b->after_any;
    for (size_t i = 0; same && i < a->nafter; i++)
        same = same_text(a->after[i].job, b->after[i].job) && a->after[i].is == b->after[i].is &&
               a->after[i].each == b->after[i].each;
    return same;
}

static bool same_secrets(const struct job *a, const struct job *b)
{
    bool same = a->nsecrets == b->nsecrets;
    for (size_t i = 0; same && i < a->nsecrets; i++)
        same = same_text(a->secrets[i].name, b->secrets[i].name) &&
               a->secrets[i].from == b->secrets[i].from &&
               same_list(&a->secrets[i].source, &b->secrets[i].source);
    return same;
}

static bool same_job(const struct job *a, const struct job *b)
{
    return same_secrets(a, b) && same_text(a->name, b->name) && a->executor == b->executor &&
           same_text(a->text, b->text) && same_list(&a->argv, &b->argv) &&
           same_list(&a->options, &b->options) && a->by_slurm == b->by_slurm &&
           same_list(&a->slurm, &b->slurm) && same_text(a->stdin_text, b->stdin_text) &&
           same_list(&a->env, &b->env) && same_text(a->workdir, b->workdir) &&
           same_text(a->user, b->user) && same_list(&a->tags, &b->tags) &&
           same_list(&a->hosts, &b->hosts) && same_list(&a->not_tags, &b->not_tags) &&
           a->each == b->each && a->count == b->count && same_list(&a->pools, &b->pools) &&
           a->max_running == b->max_running && a->prefer == b->prefer && a->slots == b->slots &&
           a->priority == b->priority && a->timeout_ms == b->timeout_ms &&
           a->kill_after_ms == b->kill_after_ms && same_retry(&a->retry, &b->retry) &&
           a->nsuccess == b->nsuccess &&
           memcmp(a->success, b->success, a->nsuccess * sizeof *a->success) == 0 &&
           a->memory == b->memory && a->cpu == b->cpu && a->nice == b->nice &&
           a->output_limit == b->output_limit && a->leftovers == b->leftovers &&
           a->on_lost == b->on_lost && a->lost_after_ms == b->lost_after_ms &&
           a->deadline_ms == b->deadline_ms && a->within_ms == b->within_ms &&
           same_list(&a->notify, &b->notify) && same_after(a, b) &&
           same_schedule(&a->schedule, &b->schedule);
}

/* A small generator of our own: the same jobs on every machine. */
static uint64_t seed = 42;

static unsigned draw(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return n ? (unsigned)(seed >> 33) % n : 0;
}

static char *draw_text(void)
{
    static const char *const pieces[] = {"a",
                                         "B",
                                         " ",
                                         "\n",
                                         "\t",
                                         "\"",
                                         "\\",
                                         "'",
                                         ": ",
                                         "#",
                                         " #",
                                         "- ",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         ",",
                                         "&x",
                                         "*",
                                         "!",
                                         "|",
                                         ">",
                                         "%",
                                         "@",
                                         "`",
                                         "yes",
                                         "null",
                                         "~",
                                         "0",
                                         "ä",
                                         "€",
                                         "😀",
                                         "\x01",
                                         "\x7f",
                                         "\xc2\x85",
                                         "\xe2\x80\xa8",
                                         "\xef\xbb\xbf",
                                         "\xef\xbf\xbf",
                                         "\r",
                                         "---",
                                         "...",
                                         "\\u0041"};
    struct buf text = {0};
    for (unsigned n = draw(20); n; n--)
        buf_addstr(&text, pieces[draw(sizeof pieces / sizeof *pieces)]);
    return buf_detach(&text);
}

/* A text that may not be blank. */
static char *draw_words(void)
{
    char *text = draw_text(), *words = xasprintf("x%s", text);
    free(text);
    return words;
}

static void draw_container(struct job *job)
{
    job->executor = EXECUTOR_CONTAINER;
    strlist_add(&job->options, "image=docker.io/library/postgres:15");
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->options, xasprintf("mounts=/data%u:/data:ro", n));
    if (draw(2))
        strlist_add(&job->options, "network=none");
    if (draw(2))
        strlist_add(&job->options, "pull=never");
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->argv, draw_words());
}

static void draw_http(struct job *job)
{
    job->executor = EXECUTOR_HTTP;
    strlist_add(&job->options, "url=https://example.com/?a=b");
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->options, xasprintf("headers=X-%u=a=\"b\": c", n));
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->options, xasprintf("expect=%u", 200 + n));
    if (draw(2))
        strlist_add(&job->options, "follow=true");
    if (draw(2))
        strlist_add(&job->options, "connect_timeout=1500");
    if (draw(2))
        job->text = draw_text();
}

static void draw_slurm(struct job *job)
{
    job->by_slurm = true;
    if (draw(2))
        strlist_add(&job->slurm, "partition=main");
    if (draw(2))
        strlist_add(&job->slurm, "time=90000");
    if (draw(2))
        strlist_add(&job->slurm, "nodes=2");
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->slurm, xasprintf("extra=--gres=gpu:%u", n));
}

static void draw_secrets(struct job *job)
{
    size_t n = draw(4);
    job->secrets = xcalloc(n + 1, sizeof *job->secrets);
    for (size_t i = 0; i < n; i++) {
        struct job_secret *secret = &job->secrets[job->nsecrets++];
        secret->name = xasprintf("S%zu", i);
        secret->from = (enum job_secret_from)(1 + draw(3));
        strlist_take(&secret->source, secret->from == SECRET_FILE  ? xstrdup("/etc/a \"b\" c")
                                      : secret->from == SECRET_ENV ? xstrdup("HOME")
                                                                   : draw_words());
        for (unsigned words = secret->from == SECRET_COMMAND ? draw(3) : 0; words; words--)
            strlist_take(&secret->source, draw_text());
    }
}

static void draw_work(struct job *job)
{
    unsigned kind = draw(8);
    if (kind == 0 || kind == 1) {
        (kind ? draw_http : draw_container)(job);
        return;
    }
    job->executor = (enum job_executor)(1 + draw(3));
    if (job->executor != EXECUTOR_EXEC) {
        job->text = draw_words();
        return;
    }
    strlist_take(&job->argv, draw_words());
    for (unsigned n = draw(4); n; n--)
        strlist_take(&job->argv, draw_text());
}

static void draw_place(struct job *job)
{
    if (draw(2))
        job->workdir = xstrdup("/var/lib/some \"where\"");
    if (draw(2))
        job->user = xstrdup("postgres");
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->tags, xasprintf("tag%u", n));
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->not_tags, xasprintf("other%u", n));
    job->each = draw(2);
    job->count = job->each || draw(2) ? 0 : 1 + (int)draw(1000);
    job->prefer = (enum job_prefer)draw(PREFER_ORDER + 1);
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->pools, xasprintf("pool%u", n));
    job->max_running = draw(2) ? 0 : 1 + (int)draw(100);
    for (unsigned n = draw(5); n; n--)
        strlist_take(&job->hosts, xasprintf("n%02u", n));
    for (unsigned i = 0, n = draw(4); i < n; i++) {
        char *value = draw_text();
        strlist_take(&job->env, xasprintf("V%u=%s", i, value));
        free(value);
    }
}

static void draw_limits(struct job *job)
{
    if (draw(2))
        job->memory = (1 << 20) + (int64_t)draw(1 << 30) * 64;
    if (draw(2))
        job->cpu = 10 + (int)draw(9999990);
    if (draw(2) && job->executor != EXECUTOR_CONTAINER)
        job->nice = (int)draw(20);
}

static void draw_ends(struct job *job)
{
    if (draw(2))
        job->timeout_ms = draw(10000000);
    if (draw(2))
        job->kill_after_ms = draw(100000);
    if (draw(2))
        job->output_limit = draw(1 << 30);
    job->leftovers = draw(2) ? LEFTOVERS_LEAVE : LEFTOVERS_KILL;
    if (draw(2)) {
        job->retry.attempts = 1 + (int)draw(1000);
        job->retry.delay_ms = 1 + draw(100000);
        job->retry.backoff = (double)(1000 + draw(99001)) / 1000;
        job->retry.max_delay_ms = draw(2) ? 0 : 100000 + draw(1000000);
        job->retry.on = 1 + draw(3);
        job->retry.elsewhere = draw(2);
    }
    job->within_ms = draw(2) ? 1 + draw(100000) : 0;
    for (unsigned n = draw(3); n; n--)
        strlist_take(&job->notify, xasprintf("section-%u", n));
    if (draw(2)) {
        job->success = xreallocarray(job->success, 256, sizeof *job->success);
        job->nsuccess = 0;
        for (int code = (int)draw(100); code < 256; code += 1 + (int)draw(100))
            job->success[job->nsuccess++] = code;
    }
}

static void draw_after(struct job *job)
{
    job->nafter = draw(4);
    job->after = xcalloc(job->nafter + 1, sizeof *job->after);
    job->after_any = job->nafter && draw(2);
    for (size_t i = 0; i < job->nafter; i++)
        job->after[i] = (struct job_need){.job = xasprintf("parent-%zu", i),
                                          .is = (enum need_is)(NEED_SUCCEEDED + draw(4)),
                                          .each = draw(2)};
}

static void draw_job(struct job *job)
{
    job_init(job);
    job->name = xasprintf("job-%u", draw(1000));
    draw_work(job);
    draw_place(job);
    draw_ends(job);
    if (job->executor <= EXECUTOR_SCRIPT && !job->user && draw(2))
        draw_slurm(job);
    else
        draw_limits(job);
    if (!job->by_slurm && draw(2))
        draw_secrets(job);
    draw_after(job);
    if (job->executor != EXECUTOR_HTTP && draw(2))
        job->stdin_text = draw_text();
    if (draw(2))
        job->slots = 1 + (int)draw(10000);
    if (draw(2))
        job->priority = (int)draw(2000001) - 1000000;
}

/* One property: a job reads back as it was, from text that is one line and writes the same again. */
static bool reads_back(const struct job *job)
{
    struct buf text = {0}, again = {0};
    struct joblist back;
    struct errlist errors = {0};
    jobfile_write(job, &text);
    int rc = jobfile_parse("other.yaml", buf_data(&text), text.len, &back, &errors);
    if (rc == 0)
        jobfile_write(&back.v[0], &again);
    bool same = rc == 0 && back.n == 1 && same_job(job, &back.v[0]) &&
                strcmp(buf_str(&text), buf_str(&again)) == 0 && !strchr(buf_str(&text), '\n');
    if (!same) {
        char *why = lines(&errors);
        printf("# %s\n# %s\n# %s\n", buf_str(&text), buf_str(&again), why);
        free(why);
    }
    joblist_free(&back);
    errlist_free(&errors);
    buf_free(&text);
    buf_free(&again);
    return same;
}

static void test_round_trip(void)
{
    bool all = true;
    for (int i = 0; all && i < 1000; i++) {
        struct job job;
        struct err err = {0};
        draw_job(&job);
        all = reads_back(&job) && jobfile_check(&job, &err) == 0;
        if (err.msg[0])
            printf("# %s\n", err.msg);
        job_free(&job);
    }
    (void)tap_ok(all, "1000 jobs read back as they were written");
}

static void test_written(void)
{
    struct joblist jobs;
    struct buf text = {0};
    if (parse("shell: echo hi\n", &jobs, "a small job")) {
        jobfile_write(&jobs.v[0], &text);
        (void)tap_str(buf_str(&text), "{\"name\": \"t\", \"shell\": \"echo hi\"}",
                      "only what differs from the defaults is written");
        joblist_free(&jobs);
    }
    buf_reset(&text);
    if (parse(everything, &jobs, "a large job")) {
        jobfile_write(&jobs.v[0], &text);
        (void)tap_str(
            buf_str(&text),
            "{\"name\": \"nightly-backup\", \"schedule\": {\"cron\": [\"30 2 * * *\", "
            "\"@daily\"], \"every\": [\"15m\"], \"at\": [\"2026-12-01 10:00\"], \"timezone\": "
            "\"Europe/Berlin\", \"jitter\": \"300s\", \"catch_up\": \"all\", \"deadline\": "
            "\"3600s\", \"overlap\": \"queue\", \"from\": \"2026-01-01\", \"until\": "
            "\"2027-01-01\", \"except\": [\"2026-12-25\", \"2026-12-31..2027-01-02\"]}, \"shell\": "
            "\"pg_dump shop | zstd > /backup/shop.zst\", "
            "\"stdin\": \"text\\n\", \"env\": {\"A\": \"yes\", \"EMPTY\": \"\", \"N\": \"1.10\", "
            "\"PGHOST\": \"db1\"}, \"workdir\": \"/var/backups\", \"user\": \"postgres\", "
            "\"where\": {\"tags\": [\"db\", \"ssd\"], \"hosts\": \"db1,db2,db3,db4\"}, "
            "\"slots\": 2, \"priority\": -10, \"timeout\": \"7200s\", \"kill_after\": \"1500ms\", "
            "\"retry\": {\"attempts\": 3, \"delay\": \"30s\", \"backoff\": 1.500, \"max_delay\": "
            "\"600s\", \"on\": [\"failed\"], \"elsewhere\": true}, \"success\": [0, 3], "
            "\"output\": "
            "{\"limit\": 1048576}, \"leftovers\": \"leave\", \"on_lost\": \"retry\", "
            "\"lost_after\": "
            "\"900s\", \"expect\": {\"within\": \"600s\"}, \"notify\": [\"ops\", \"dba\"]}",
            "in a fixed order");
        joblist_free(&jobs);
    }
    buf_free(&text);
}

static void test_check(void)
{
    struct job job;
    struct err err = {0};
    job_init(&job);
    job.name = xstrdup("adhoc");
    job.executor = EXECUTOR_EXEC;
    (void)tap_int(jobfile_check(&job, &err), ERR_DATA,
                  "a job by hand without arguments is refused");
    strlist_add(&job.argv, "cat");
    strlist_add(&job.argv, "caf\xe9");
    (void)tap_ok(jobfile_check(&job, &err) == ERR_DATA && strstr(err.msg, "UTF-8"),
                 "and one with bytes that are no text");
    free(job.argv.v[1]);
    job.argv.v[1] = xstrdup("café");
    (void)tap_int(jobfile_check(&job, &err), 0, "and a right one is not");
    strlist_add(&job.hosts, "10.0.0.1");
    (void)tap_ok(jobfile_check(&job, &err) == ERR_DATA && strstr(err.msg, "'10.0.0.1'"),
                 "its hosts are held to the rules");
    job_free(&job);
}

/* ---- damage ---- */

static void test_damage(void)
{
    static const char marks[] = "[]{}:,-#&*!|>'\"%@` \n\t?~";
    size_t len = strlen(everything);
    bool all = true;
    for (size_t cut = 0; cut <= len; cut++) {
        char *first;
        (void)parse_code(everything, cut, &first);
        free(first);
    }
    for (int i = 0; i < 5000; i++) {
        char *text = xmemdup(everything, len), *first;
        for (unsigned n = 1 + draw(4); n; n--) {
            char *p = text + draw((unsigned)len);
            if (draw(3))
                *p = marks[draw(sizeof marks - 1)];
            else
                *p = (char)((unsigned char)*p ^ 1U << draw(8));
        }
        int rc = parse_code(text, len - draw(40), &first);
        all = all && ((rc == 0 && !first[0]) || (rc == ERR_DATA && first[0]));
        free(first);
        free(text);
    }
    (void)tap_ok(all,
                 "damaged files are accepted or refused with a reason, and nothing else happens");
}

int main(void)
{
    test_written();
    test_round_trip();
    test_check();
    test_damage();
    return tap_done();
}
