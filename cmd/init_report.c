/* rota init: what it says of the hosts, and of what comes next. */
#include "init.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/program.h"
#include "escape.h"
#include "log.h"
#include "xalloc.h"

/* What can be typed against a failure, by words of its message: the first that fits. */
static const struct {
    const char *words, *type, *after;
} mends[] = {
    {"is not known (", "ssh", " true"},
    {"host key is known", "ssh", " true"},
    {"refuses the login", "ssh-copy-id", ""},
    {"Permission denied (", "ssh-copy-id", ""},
    {"no key to log in with", "ssh-keygen -t ed25519; ssh-copy-id", ""},
};

/* ---- a host ---- */

/* "-p 2222 root@db1", as ssh and ssh-copy-id take it. */
static void add_login(struct buf *line, const struct host_config *host)
{
    const char *file = getenv("ROTA_SSH_CONFIG");
    if (file && *file) {
        buf_addstr(line, " -F ");
        escape_shell(line, file);
    }
    if (host->port)
        buf_addf(line, " -p %d", host->port);
    buf_addf(line, " %s%s%s", host->user ? host->user : "", host->user ? "@" : "", host->address);
}

static void say_mend(const struct visit *visit)
{
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++)
        if (strstr(visit->err.msg, mends[i].words)) {
            struct buf line = {0};
            buf_addf(&line, "        type: %s", mends[i].type);
            add_login(&line, visit->config);
            printf("%s%s\n", buf_str(&line), mends[i].after);
            buf_free(&line);
            return;
        }
}

static void say_works(const struct visit *visit)
{
    struct buf line = {0};
    const char *system = facts_text(&visit->facts, "system");
    const char *build = facts_text(&visit->facts, "build");
    long long slots =
        visit->config->slots ? visit->config->slots : facts_number(&visit->facts, "cpus", 1);
    buf_addf(&line, "%-8s%s: works, %lld %s at a time; ", verdict_name(VERDICT_OK),
             visit->config->name, slots, slots == 1 ? "run" : "runs");
    if (system)
        escape_terminal(&line, system, strlen(system), false);
    buf_addstr(&line, "; worker ");
    if (build)
        escape_terminal(&line, build, strlen(build), false);
    printf("%s\n", buf_str(&line));
    buf_free(&line);
}

static void say_findings(const struct doctor *d, const struct visit *visit)
{
    for (size_t i = 0; i < d->nfound; i++) {
        struct buf line = {0};
        if (d->found[i].host != visit->config->name || d->found[i].verdict == VERDICT_OK)
            continue;
        finding_line(&line, &d->found[i]);
        printf("%s\n", buf_str(&line));
        buf_free(&line);
    }
}

size_t init_report(const struct init *init)
{
    const struct doctor *d = &init->doctor;
    size_t failed = 0;
    for (size_t i = 0; i < d->nvisits; i++) {
        const struct visit *visit = &d->visits[i];
        failed += visit->rc < 0;
        if (log_level() <= LOG_ERROR)
            continue;
        if (visit->rc == 0)
            say_works(visit);
        say_findings(d, visit);
        if (visit->rc < 0)
            say_mend(visit);
    }
    return failed;
}

/* ---- the file ---- */

static void say_file(const struct init *init)
{
    size_t off = 0, on = 0;
    for (size_t i = 0; i < init->n; i++) {
        off += init->workers[i].off != NULL;
        on += init->workers[i].off ? 0 : init->workers[i].spec.names.n;
    }
    printf("\n");
    if (init->there && !init->n)
        printf("%s stays as it is.\n", init->path);
    else if (init->there)
        printf("%s: %zu more %s.\n", init->path, on, on == 1 ? "host" : "hosts");
    else if (on)
        printf("%s is written, with %zu %s", init->path, on, on == 1 ? "host" : "hosts");
    else
        printf("%s is written: this machine does the work%s", init->path,
               off ? "" : "; rota init HOST adds hosts");
    if (!init->there && off)
        printf("; %zu commented out, because %s not work", off, off == 1 ? "it does" : "they do");
    if (!init->there)
        printf(".\n");
    if (init->others.n) {
        printf("~/.ssh/config names others, which are added by: rota init");
        for (size_t i = 0; i < init->others.n; i++)
            printf(" %s", init->others.v[i]);
        printf("\n");
    }
}

/* ---- what comes next ---- */

static void say_crontab(const struct init *init)
{
    char *line = program_cron_line(&init->config);
    printf("So that it goes on by itself, put this line where crontab -e leads:\n  %s\n", line);
    if (getenv("SSH_AUTH_SOCK"))
        printf(
            "cron has no ssh agent: where only the agent has the key, set 'identity' in [ssh].\n");
    free(line);
}

/* A host that was commented out is to be named as it stands in ~/.ssh/config. */
static const char *typed_name(const struct init *init, const char *name)
{
    for (size_t i = 0; i < init->n; i++) {
        const struct hostspec *spec = &init->workers[i].spec;
        if (init->workers[i].off && strlist_has(&spec->names, name))
            return spec->address ? spec->address : name;
    }
    return name;
}

static void say_again(const struct init *init, const char *rota)
{
    bool any = false;
    for (size_t i = 0; i < init->doctor.nvisits; i++) {
        const struct visit *visit = &init->doctor.visits[i];
        if (visit->rc == 0)
            continue;
        if (!any)
            printf("When that is mended:\n  %s init", rota);
        any = true;
        printf(" %s", typed_name(init, visit->config->name));
    }
    if (any)
        printf("\n");
}

void init_next(const struct init *init)
{
    char *found = program_find(getenv("PATH"), "rota"), *own = program_rota();
    const char *rota = found ? "rota" : own ? own : "rota";
    say_file(init);
    say_again(init, rota);
    printf("Next:\n"
           "  %s submit -- uname -a      # a run for the queue\n"
           "  %s dispatch                # connects to a host and runs it\n"
           "  %s status                  # how it went; %s logs last: what it said\n",
           rota, rota, rota, rota);
    say_crontab(init);
    free(found);
    free(own);
}
