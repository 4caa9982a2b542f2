/* head: whether anything runs `rota dispatch`, copies the catalogue, and prunes it. */
#include "doctor/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalogue/prune.h"
#include "clock.h"
#include "doctor/program.h"
#include "doctor/tables.h"
#include "xalloc.h"

static const char cron_path[] = "/usr/bin:/bin"; /* what cron itself sets */

/* ---- is rota dispatch started ---- */

struct start {
    char *where; /* NULL: nowhere */
    bool systemd;
    char *path; /* NULL: rota is named with its own path, else where cron looks for it */
    char *gone; /* the path of its own, where no program is; NULL: it is there, or not known */
};

/* The path in a line that leads to what `at` points into, when there is no program at its end; free.
 * NULL: there is, or it is none from the root. */
static char *gone_path(const char *line, const char *at)
{
    const char *begin = at;
    while (begin > line && !strchr(" \t\"'=;&|(", begin[-1]))
        begin--;
    begin += strspn(begin, "-@:+!"); /* of systemd's Exec lines */
    char *path = xasprintf("%.*s", (int)(at - begin + (ptrdiff_t)strcspn(at, " \t\"';&|)")), begin);
    if (*path == '/' && access(path, X_OK) < 0 && errno == ENOENT)
        return path;
    free(path);
    return NULL;
}

static void find_start(const struct table_line *line, void *arg)
{
    struct start *start = arg;
    const char *at = strstr(line->line, "rota dispatch");
    if (!at)
        at = strstr(line->line, "rota-dispatch");
    if (!at || start->where || (line->systemd && strncmp(line->line, "Exec", 4) != 0))
        return;
    start->where = xstrdup(line->where);
    start->systemd = line->systemd;
    if (at > line->line && at[-1] == '/')
        start->gone = gone_path(line->line, at);
    else if (at > line->line && !line->systemd)
        start->path = xstrdup(line->path ? line->path : cron_path);
}

static bool has_rota(const char *path)
{
    char *file = program_find(path, "rota");
    free(file);
    return file != NULL;
}

/* Whether a process of one of the names that cron has lives. Without /proc nothing is known: true. */
static bool cron_lives(void)
{
    static const char *const names[] = {"cron",  "crond", "cronie",  "fcron",
                                        "bcron", "dcron", "busybox", "anacron"};
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    bool lives = !proc;
    while (proc && !lives && (entry = readdir(proc))) {
        char comm[64] = "", *path = xasprintf("/proc/%s/comm", entry->d_name);
        FILE *f = isdigit((unsigned char)*entry->d_name) ? fopen(path, "re") : NULL;
        if (f && fgets(comm, sizeof comm, f))
            comm[strcspn(comm, "\n")] = '\0';
        if (f)
            (void)fclose(f);
        free(path);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            lives |= strcmp(comm, names[i]) == 0;
    }
    if (proc)
        (void)closedir(proc);
    return lives;
}

static void judge_start(struct doctor *d, const struct start *start)
{
    size_t before = d->nfound;
    if (start->path && !has_rota(start->path))
        doctor_found(d, VERDICT_TROUBLE,
                     "%s starts 'rota dispatch' without its path, and cron looks only in %s, where "
                     "there is no rota" MEND "write the whole path of rota there",
                     start->where, start->path);
    if (start->gone)
        doctor_found(d, VERDICT_TROUBLE,
                     "%s starts '%s', and there is none" MEND "write where rota is there",
                     start->where, start->gone);
    if (!start->systemd && !cron_lives())
        doctor_found(d, VERDICT_TROUBLE,
                     "%s starts 'rota dispatch', but no cron runs on this machine" MEND
                     "install and start cron, or use a systemd timer",
                     start->where);
    if (d->nfound == before)
        doctor_found(d, VERDICT_OK, "%s starts 'rota dispatch'", start->where);
}

static int count_job(const struct job_row *row, void *arg)
{
    *(int *)arg += row->paused_at == 0;
    return 0;
}

/* Whether there is work that waits for somebody to dispatch. */
static bool has_work(struct doctor *d)
{
    int64_t counts[RUN_STATE_LAST + 1] = {0};
    int jobs = 0;
    if (!d->cat)
        return false;
    (void)run_counts(d->cat, counts, NULL);
    (void)job_select(d->cat, count_job, &jobs, NULL);
    return jobs || counts[RUN_QUEUED] || counts[RUN_STARTING] || counts[RUN_RUNNING];
}

void head_dispatch(struct doctor *d, const struct visit *none)
{
    struct start start = {0};
    struct holder holder = {0};
    bool alive = false;
    (void)none;
    if (d->cat)
        (void)holder_get(d->cat, &holder, &alive, NULL);
    char *line = program_cron_line(d->config);
    tables_read(find_start, &start);
    if (start.where) {
        judge_start(d, &start);
    } else if (alive) {
        char since[CLOCK_TEXT];
        doctor_found(d, VERDICT_HINT,
                     "process %d dispatches since %s, but nothing was found that would start it "
                     "again" MEND "add to crontab -e: %s",
                     (int)holder.pid, clock_local(holder.since, since), line);
    } else {
        doctor_found(d, has_work(d) ? VERDICT_TROUBLE : VERDICT_HINT,
                     "nothing on this machine starts 'rota dispatch', so what is queued or due "
                     "waits for somebody to do it" MEND "add to crontab -e: %s",
                     line);
    }
    free(line);
    free(start.where);
    free(start.path);
    free(start.gone);
}

/* ---- is the catalogue copied ---- */

struct copying {
    const char *name; /* of the catalogue's file */
    bool found;
};

static void find_copying(const struct table_line *line, void *arg)
{
    struct copying *copying = arg;
    static const char *const ways[] = {".backup", "VACUUM INTO", "vacuum into", "litestream"};
    copying->found |= strstr(line->line, "catalogue backup") != NULL;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        copying->found |= strstr(line->line, copying->name) && strstr(line->line, ways[i]);
}

/* Who copies the catalogue tells nobody: what starts by itself here is all that can be looked at, so
 * this is never more than a hint. */
void head_backup(struct doctor *d, const struct visit *none)
{
    (void)none;
    if (!d->cat)
        return;
    const char *path = catalogue_path(d->cat), *slash = strrchr(path, '/');
    struct copying copying = {.name = slash ? slash + 1 : path};
    tables_read(find_copying, &copying);
    if (copying.found)
        doctor_found(d, VERDICT_OK, "a crontab or a unit of systemd copies the catalogue");
    else
        doctor_found(
            d, VERDICT_HINT,
            "no crontab or unit of systemd here names a backup of the catalogue, as far as "
            "can be seen" MEND "let cron do: rota catalogue backup COPY (rota(7), Backup)");
}

/* ---- is the catalogue pruned ---- */

static const int64_t UNPRUNED_MS = 3 * 86400000LL; /* who prunes once a day may miss a day or two */

/* Nothing prunes by itself: what a clock that is wrong takes away cannot be had again. */
void head_prune(struct doctor *d, const struct visit *none)
{
    int64_t at = 0, oldest = 0, now = clock_now();
    (void)none;
    if (!d->cat || !d->config || pruned_at(d->cat, &at, NULL) < 0 ||
        prune_oldest(d->cat, &oldest, NULL) < 0)
        return;
    int64_t keep = d->config->keep_ms > d->config->keep_failed_ms ? d->config->keep_ms
                                                                  : d->config->keep_failed_ms;
    if (!oldest || now - at < UNPRUNED_MS || now - oldest < keep ||
        now - oldest - keep < UNPRUNED_MS)
        return;
    char time[CLOCK_TEXT];
    doctor_found(d, VERDICT_HINT,
                 "runs that ended at %s and later are still kept, with their output: the catalogue "
                 "grows" MEND "let cron do: rota catalogue prune -q (rota-catalogue(1))",
                 clock_local(oldest, time));
}
