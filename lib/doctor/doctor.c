#include "doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "xalloc.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {"ok", "hint", "trouble"};
    return names[verdict];
}

/* Takes the text. */
static void add(struct doctor *d, enum verdict verdict, char *text)
{
    char *mend = strstr(text, MEND);
    if (mend)
        *mend++ = '\0';
    d->found = xreallocarray(d->found, d->nfound + 1, sizeof *d->found);
    d->found[d->nfound++] = (struct finding){.host = d->host,
                                             .check = d->check,
                                             .verdict = verdict,
                                             .what = text,
                                             .mend = mend ? xstrdup(mend) : NULL};
}

void doctor_found(struct doctor *d, enum verdict verdict, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        abort(); /* as xalloc does when there is no memory */
    va_end(args);
    add(d, verdict, text);
}

void doctor_found_err(struct doctor *d, enum verdict verdict, const struct err *err)
{
    const char *colon = NULL;
    for (const char *p = err->msg; (p = strstr(p, ": ")); p += 2)
        colon = p;
    int len = (int)(colon ? colon - err->msg : (ptrdiff_t)strlen(err->msg));
    char *text = xasprintf("%s%s%.*s%s%s", err->place, *err->place ? ": " : "", len, err->msg,
                           colon ? MEND : "", colon ? colon + 2 : "");
    add(d, verdict, text);
}

void doctor_check(struct doctor *d, const struct check *checks, size_t n, const struct visit *visit)
{
    d->host = visit ? visit->config->name : NULL;
    for (size_t i = 0; i < n; i++) {
        size_t before = d->nfound;
        d->check = checks[i].name;
        checks[i].look(d, visit);
        if (d->nfound == before && checks[i].well)
            doctor_found(d, VERDICT_OK, "%s", checks[i].well);
    }
}

const char *doctor_size(int64_t bytes, char text[DOCTOR_SIZE_TEXT])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1024;
        unit++;
    }
    (void)snprintf(text, DOCTOR_SIZE_TEXT, unit && size < 10 ? "%.1f %s" : "%.0f %s", size,
                   units[unit]);
    return text;
}

void finding_line(struct buf *line, const struct finding *f)
{
    buf_addf(line, "%-8s", verdict_name(f->verdict));
    if (f->host)
        buf_addf(line, "%s: ", f->host);
    escape_terminal(line, f->what, strlen(f->what), false);
    if (f->mend) {
        buf_addstr(line, ": ");
        escape_terminal(line, f->mend, strlen(f->mend), false);
    }
}

void doctor_free(struct doctor *d)
{
    for (size_t i = 0; i < d->nfound; i++) {
        free(d->found[i].what);
        free(d->found[i].mend);
    }
    free(d->found);
    for (size_t i = 0; i < d->nhosts; i++)
        host_free(&d->hosts[i]);
    free(d->hosts);
    for (size_t i = 0; i < d->nvisits; i++)
        visit_free(&d->visits[i]);
    free(d->visits);
    *d = (struct doctor){0};
}
