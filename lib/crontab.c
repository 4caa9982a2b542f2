#include "crontab.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cron.h"
#include "crontab_job.h"
#include "escape.h"
#include "job.h"
#include "jobfile.h"
#include "xalloc.h"
#include "zone.h"

enum { FIELDS = 5, NAME_ROOM = 8 /* for a number behind it */ };

/* 2000-01-01, from which on an entry must be due some time. */
static const int64_t some_day = 946684800;

struct reading {
    struct crontab *crontab;
    struct buf *out;
    struct errlist *notes;
    int line;
    struct buf comments; /* above the next entry */
    struct strlist env;  /* "NAME=value", without those that are ours below */
    char *shell, *home, *timezone, *mailto;
    bool spoilt;       /* a setting was refused that is not UTF-8: nobody knows what is below it */
    bool unknown_zone; /* the last CRON_TZ was refused: nobody knows when what is below it is due */
};

/* An entry, in words of its line. */
struct entry {
    char *when; /* expression or @word */
    char *user;
    char *command, *input; /* input NULL: none */
};

static const char not_utf8[] =
    "it is not UTF-8: convert the crontab (iconv -f LATIN1 -t UTF-8 FILE) and import that";

static void refuse(struct reading *r, const char *text, const char *why)
{
    char place[256];
    (void)snprintf(place, sizeof place, "%s:%d", r->crontab->file, r->line);
    errlist_add(r->notes, ERR_DATA, place, "%s", why);
    buf_add(r->out, buf_data(&r->comments), r->comments.len);
    buf_reset(&r->comments);
    buf_addstr(r->out, "# not imported (");
    crontab_put_comment(r->out, why);
    buf_addstr(r->out, "):\n#   ");
    crontab_put_comment(r->out, text);
    buf_addch(r->out, '\n');
    r->crontab->refused++;
}

/* ---- settings ---- */

static void replace(char **to, const char *value)
{
    free(*to);
    *to = value && *value ? xstrdup(value) : NULL;
}

static void set_env(struct reading *r, const char *name, const char *value)
{
    char *text = xasprintf("%s=%s", name, value);
    size_t len = strlen(name) + 1;
    for (size_t i = 0; i < r->env.n; i++)
        if (strncmp(r->env.v[i], text, len) == 0) {
            free(r->env.v[i]);
            r->env.v[i] = text;
            return;
        }
    strlist_take(&r->env, text);
}

static void set(struct reading *r, const char *name, const char *value)
{
    struct {
        const char *name;
        char **to;
    } ours[] = {{"SHELL", &r->shell},
                {"HOME", &r->home},
                {"CRON_TZ", &r->timezone},
                {"MAILTO", &r->mailto}};
    if (!escape_is_utf8(value, strlen(value))) {
        r->spoilt = true;
        refuse(r, value, not_utf8);
        return;
    }
    if (strcmp(name, "CRON_TZ") == 0) {
        r->unknown_zone = *value && !zone_exists(value);
        if (r->unknown_zone) {
            refuse(r, value, "CRON_TZ names a time zone that this machine does not know");
            return;
        }
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(ours[i].name, name) == 0) {
            replace(ours[i].to, value);
            return;
        }
    set_env(r, name, value);
}

/* NAME = value, with blanks around either and quotes around both or either. */
static bool read_setting(struct reading *r, const char *text)
{
    const char *p = text;
    char quote = '\0';
    if (*p == '"' || *p == '\'')
        quote = *p++;
    const char *name = p;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    size_t len = (size_t)(p - name);
    if (!len || isdigit((unsigned char)*name) || (quote && *p++ != quote))
        return false;
    p += strspn(p, " \t");
    if (*p++ != '=')
        return false;
    p += strspn(p, " \t");
    size_t end = strlen(p);
    while (end && strchr(" \t", p[end - 1]))
        end--;
    if (end >= 2 && (*p == '"' || *p == '\'') && p[end - 1] == *p) {
        p++;
        end -= 2;
    }
    char *key = xstrndup(name, len), *value = xstrndup(p, end);
    set(r, key, value);
    free(key);
    free(value);
    return true;
}

/* ---- entries ---- */

static char *take_word(const char **p)
{
    *p += strspn(*p, " \t");
    size_t len = strcspn(*p, " \t");
    char *word = xstrndup(*p, len);
    *p += len;
    return word;
}

/* cronie's a~b, a random minute of its own, is what H(a-b) is. */
static void add_field(struct buf *when, const char *field)
{
    const char *tilde = strchr(field, '~');
    if (tilde && strspn(field, "0123456789~") == strlen(field) && tilde != field && tilde[1])
        buf_addf(when, "H(%.*s-%s)", (int)(tilde - field), field, tilde + 1);
    else
        buf_addstr(when, field);
}

static char *read_when(const char **p)
{
    struct buf when = {0};
    int fields = **p == '@' ? 1 : FIELDS;
    for (int i = 0; i < fields; i++) {
        char *word = take_word(p);
        if (i)
            buf_addch(&when, ' ');
        add_field(&when, i == 0 && word[0] == '-' ? word + 1 : word); /* "-": do not log */
        free(word);
    }
    buf_str(&when);
    return buf_detach(&when);
}

/* The command ends at the first % without a backslash; what follows is input, where % is a line's end. */
static void split_command(const char *text, struct entry *e)
{
    struct buf command = {0}, input = {0}, *to = &command;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1] == '%')
            buf_addch(to, *++p);
        else if (*p != '%')
            buf_addch(to, *p);
        else if (to == &command)
            to = &input;
        else
            buf_addch(to, '\n');
    }
    if (to == &input && (!input.len || buf_data(&input)[input.len - 1] != '\n'))
        buf_addch(&input, '\n');
    buf_str(&command);
    e->command = buf_detach(&command);
    if (to == &input) {
        buf_str(&input);
        e->input = buf_detach(&input);
    }
}

static void free_entry(struct entry *e)
{
    free(e->when);
    free(e->user);
    free(e->command);
    free(e->input);
}

/* ---- names ---- */

static bool is_taken(const struct crontab *crontab, const char *name)
{
    return strlist_has(&crontab->names, name);
}

/* The last part of a path, with what a name may not have left out; "job" when nothing is left. */
static void name_of(const char *text, char name[NAME_MAX_LEN + 1])
{
    size_t end = strcspn(text, " \t;|&<>()"), begin = end, n = 0;
    while (begin && text[begin - 1] != '/')
        begin--;
    for (; begin < end && n < NAME_MAX_LEN - NAME_ROOM; begin++) {
        unsigned char c = (unsigned char)text[begin];
        bool letter = isalpha(c) || c == '_';
        if (letter || (n && (isdigit(c) || c == '.' || c == '-')))
            name[n++] = (char)c;
        else if (n)
            name[n++] = '_';
    }
    name[n] = '\0';
    if (!name_is_valid(name))
        (void)snprintf(name, NAME_MAX_LEN + 1, "job");
}

static char *choose_name(struct crontab *crontab, const struct entry *e)
{
    char base[NAME_MAX_LEN + 1];
    name_of(crontab->system ? crontab->file : e->command, base);
    char *name = xstrdup(base);
    for (int i = 2; is_taken(crontab, name); i++) {
        free(name);
        name = xasprintf("%s-%d", base, i);
    }
    return name;
}

/* ---- jobs ---- */

/* Whether a job file may say it; else `why` is filled. */
static bool is_accepted(const struct reading *r, const struct buf *job, struct err *why)
{
    struct joblist jobs = {0};
    struct errlist errors = {0};
    int rc = jobfile_parse(r->crontab->file, buf_data(job), job->len, &jobs, &errors);
    if (rc < 0)
        *why = errors.v[0];
    joblist_free(&jobs);
    errlist_free(&errors);
    return rc == 0;
}

static void put_document(struct reading *r, const struct buf *job)
{
    buf_addstr(r->out, r->crontab->imported ? "---\n" : "");
    buf_add(r->out, buf_data(&r->comments), r->comments.len);
    buf_reset(&r->comments);
    buf_add(r->out, buf_data(job), job->len);
    if (r->mailto) {
        buf_addstr(r->out, "# MAILTO was ");
        crontab_put_comment(r->out, r->mailto);
        buf_addch(r->out, '\n');
    }
    r->crontab->imported++;
}

/* `text` is its line. */
static void put_job(struct reading *r, const struct entry *e, const char *text)
{
    char *name = choose_name(r->crontab, e);
    struct buf job = {0};
    struct err why = {0};
    crontab_put_job(&job, &(struct crontab_job){
                              .name = name,
                              .when = e->when,
                              .timezone = r->timezone ? r->timezone : r->crontab->timezone,
                              .user = e->user,
                              .home = r->home,
                              .shell = r->shell,
                              .env = &r->env,
                              .command = e->command,
                              .input = e->input,
                          });
    if (is_accepted(r, &job, &why)) {
        put_document(r, &job);
        strlist_take(&r->crontab->names, name);
    } else {
        refuse(r, text, why.msg);
        free(name);
    }
    buf_free(&job);
}

/* ---- lines ---- */

static void read_entry(struct reading *r, const char *text)
{
    struct entry e = {0};
    struct cron cron;
    struct err why = {0};
    const char *p = text;
    e.when = read_when(&p);
    if (r->crontab->system)
        e.user = take_word(&p);
    p += strspn(p, " \t");
    split_command(p, &e);
    if (!escape_is_utf8(text, strlen(text)))
        refuse(r, text, not_utf8);
    else if (cron_parse(e.when, "name", &cron, &why) < 0)
        refuse(r, text, why.msg);
    else if (cron_next_local(&cron, some_day) < 0)
        refuse(r, text, "it is never due: there is no such day");
    else if (r->unknown_zone)
        refuse(r, text, "the CRON_TZ above it is a time zone that this machine does not know");
    else if (r->spoilt)
        refuse(r, text, "a setting above it is not UTF-8");
    else if (!*e.command)
        refuse(r, text,
               r->crontab->system ? "there is no command behind the user" : "there is no command");
    else if (r->home && r->home[0] != '/')
        refuse(r, text, "HOME is no path from /");
    else
        put_job(r, &e, text);
    free_entry(&e);
}

static void read_line(struct reading *r, const char *line)
{
    line += strspn(line, " \t");
    if (*line == '#') {
        crontab_put_comment(&r->comments, line);
        buf_addch(&r->comments, '\n');
    } else if (*line && !read_setting(r, line)) {
        read_entry(r, line);
    }
}

void crontab_import(struct crontab *crontab, const char *text, struct buf *out,
                    struct errlist *notes)
{
    struct reading r = {.crontab = crontab, .out = out, .notes = notes};
    while (*text) {
        size_t len = strcspn(text, "\n"), end = len;
        if (end && text[end - 1] == '\r')
            end--;
        char *line = xstrndup(text, end);
        r.line++;
        read_line(&r, line);
        free(line);
        text += len + (text[len] == '\n');
    }
    buf_add(out, buf_data(&r.comments), r.comments.len);
    buf_free(&r.comments);
    strlist_free(&r.env);
    free(r.shell);
    free(r.home);
    free(r.timezone);
    free(r.mailto);
}

void crontab_free(struct crontab *crontab)
{
    strlist_free(&crontab->names);
    *crontab = (struct crontab){0};
}
