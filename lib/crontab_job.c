#include "crontab_job.h"

#include <stdbool.h>
#include <string.h>

#include "escape.h"

void crontab_put_comment(struct buf *out, const char *text)
{
    static const char *const special[] = {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF",
                                          "\xEF\xBF\xBE", "\xEF\xBF\xBF"};
    struct buf printable = {0};
    escape_terminal(&printable, text, strlen(text), true);
    for (const char *p = buf_str(&printable); *p; p++) {
        size_t i = 0;
        while (i < sizeof special / sizeof *special && strncmp(p, special[i], 3) != 0)
            i++;
        if (i < sizeof special / sizeof *special) {
            buf_addch(out, '?');
            p += 2;
        } else {
            buf_addch(out, *p);
        }
    }
    buf_free(&printable);
}

static void put_quoted(struct buf *out, const char *key, const char *value)
{
    buf_addf(out, "%s: ", key);
    escape_json(out, value, strlen(value));
    buf_addch(out, '\n');
}

/* As it stands in a block, when YAML takes it so: one line of printable characters. */
static void put_shell(struct buf *out, const char *command)
{
    bool plain = *command && *command != ' ' && *command != '\t';
    for (const char *p = command; *p; p++)
        plain &= (unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f;
    if (plain)
        buf_addf(out, "shell: |-\n  %s\n", command);
    else
        put_quoted(out, "shell", command);
}

static void put_schedule(struct buf *out, const struct crontab_job *job)
{
    buf_addf(out, "schedule: {cron: \"%s\"", job->when);
    if (job->timezone)
        buf_addf(out, ", timezone: %s", job->timezone);
    buf_addstr(out, "}\n");
}

static void put_env(struct buf *out, const struct strlist *env)
{
    for (size_t i = 0; i < env->n; i++) {
        size_t len = strcspn(env->v[i], "=");
        const char *value = env->v[i] + len + 1;
        buf_addf(out, "%s  %.*s: ", i ? "" : "env:\n", (int)len, env->v[i]);
        escape_json(out, value, strlen(value));
        buf_addch(out, '\n');
    }
}

static bool is_plain_sh(const char *shell)
{
    return !shell || strcmp(shell, "/bin/sh") == 0 || strcmp(shell, "sh") == 0;
}

static void put_command(struct buf *out, const struct crontab_job *job)
{
    if (is_plain_sh(job->shell)) {
        put_shell(out, job->command);
    } else {
        buf_addstr(out, "exec: [");
        escape_json(out, job->shell, strlen(job->shell));
        buf_addstr(out, ", -c, ");
        escape_json(out, job->command, strlen(job->command));
        buf_addstr(out, "]\n");
    }
    if (job->input)
        put_quoted(out, "stdin", job->input);
}

void crontab_put_job(struct buf *out, const struct crontab_job *job)
{
    buf_addf(out, "name: %s\n", job->name);
    put_schedule(out, job);
    if (job->user)
        put_quoted(out, "user", job->user);
    if (job->home)
        put_quoted(out, "workdir", job->home);
    put_env(out, job->env);
    put_command(out, job);
}
