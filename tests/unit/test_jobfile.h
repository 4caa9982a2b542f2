/* What the tests of job files share. */
#ifndef ROTA_TEST_JOBFILE_H
#define ROTA_TEST_JOBFILE_H

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "jobfile.h"
#include "tap.h"
#include "xalloc.h"

static const char everything[] = "# a comment\n"
                                 "name: nightly-backup\n"
                                 "shell: pg_dump shop | zstd > /backup/shop.zst\n"
                                 "stdin: \"text\\n\"\n"
                                 "env: {PGHOST: db1, A: yes, EMPTY: \"\", N: 1.10}\n"
                                 "workdir: /var/backups\n"
                                 "user: postgres\n"
                                 "where: {tags: [db, ssd], hosts: \"db[1-4]\", each: false, "
                                 "prefer: least-loaded}\n"
                                 "slots: 2\n"
                                 "priority: -10\n"
                                 "timeout: 2h\n"
                                 "kill_after: 1500ms\n"
                                 "retry: {attempts: 3, delay: 30s, backoff: 1.5, max_delay: 10m, "
                                 "on: [failed], elsewhere: true}\n"
                                 "success: [3, 0, 3]\n"
                                 "output: {limit: 1M}\n"
                                 "leftovers: leave\n"
                                 "on_lost: retry\n"
                                 "lost_after: 15m\n"
                                 "expect: {within: 10m}\n"
                                 "notify: [ops, dba]\n"
                                 "schedule:\n"
                                 "  cron: ['30 2 * * *', '@daily']\n"
                                 "  every: 15m\n"
                                 "  at: 2026-12-01 10:00\n"
                                 "  timezone: Europe/Berlin\n"
                                 "  jitter: 5m\n"
                                 "  catch_up: all\n"
                                 "  deadline: 1h\n"
                                 "  overlap: queue\n"
                                 "  from: 2026-01-01\n"
                                 "  until: 2027-01-01\n"
                                 "  except: [2026-12-25, 2026-12-31..2027-01-02]\n";

/* All errors, a line each. */
__attribute__((unused)) static char *lines(const struct errlist *errors)
{
    struct buf out = {0};
    for (size_t i = 0; i < errors->n; i++)
        buf_addf(&out, "%s%s: %s", i ? "\n" : "", errors->v[i].place, errors->v[i].msg);
    return buf_detach(&out);
}

/* Parses what must be right; false after saying why it is not. */
__attribute__((unused)) static bool parse_as(const char *file, const char *text,
                                             struct joblist *jobs, const char *what)
{
    struct errlist errors = {0};
    int rc = jobfile_parse(file, text, strlen(text), jobs, &errors);
    if (!tap_ok(rc == 0 && !errors.n, "%s is accepted", what)) {
        char *got = lines(&errors);
        printf("#   %s\n", got);
        free(got);
    }
    errlist_free(&errors);
    return rc == 0;
}

__attribute__((unused)) static bool parse(const char *text, struct joblist *jobs, const char *what)
{
    return parse_as("t.yaml", text, jobs, what);
}

/* The result, and the first error's text ("" without one) into *first, to be freed. */
__attribute__((unused)) static int parse_code(const char *text, size_t len, char **first)
{
    struct joblist jobs;
    struct errlist errors = {0};
    int rc = jobfile_parse("t", text, len, &jobs, &errors);
    *first = errors.n ? xasprintf("%s: %s", errors.v[0].place, errors.v[0].msg) : xstrdup("");
    joblist_free(&jobs);
    errlist_free(&errors);
    return rc;
}

#endif
