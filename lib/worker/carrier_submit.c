#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "escape.h"
#include "io.h"
#include "worker/carrier_internal.h"
#include "worker/command.h"
#include "xalloc.h"

enum {
    QUIET_MS = 200,   /* a group is closed when no run came for so long */
    GATHER_MS = 2000, /* or when its first has waited so long */
    SBATCH_MS = 120000,
    PAUSE_MIN = 2000,
    PAUSE_MAX = 30000,
    GROUP_MAX = 1 << 20,
    PROGRAM_MAX = 64 << 20,
};

static bool asks_same(const struct load *a, const struct load *b)
{
    bool same = a->ask.n == b->ask.n;
    for (size_t i = 0; same && i < a->ask.n; i++)
        same = strcmp(a->ask.v[i], b->ask.v[i]) == 0;
    return same;
}

/* It waits for a group. One that has begun, and whose group was lost, is with Slurm. */
static bool is_to_go(const struct load *load)
{
    return !load->group && !load->over && !load->claimed;
}

/* ---- groups ---- */

static struct group *group_new(struct carrier *c, const char *token)
{
    struct group *group = xcalloc(1, sizeof *group);
    (void)snprintf(group->token, sizeof group->token, "%.16s", token);
    group->pause = PAUSE_MIN;
    group->next = c->groups;
    c->groups = group;
    return group;
}

static void join(struct group *group, struct load *load)
{
    load->group = group;
    load->index = group->members++;
    group->left++;
}

static void remove_file(const struct carrier *c, const char *token, const char *suffix)
{
    char *path = xasprintf("%s/groups/%s%s", c->task->base, token, suffix);
    (void)unlink(path);
    free(path);
}

void group_leave(struct carrier *c, struct group *group)
{
    if (!group || --group->left)
        return;
    struct group **link = &c->groups;
    while (*link != group)
        link = &(*link)->next;
    *link = group->next;
    remove_file(c, group->token,
                ".sh"); /* the list last: what is left of it by a crash is still a group */
    remove_file(c, group->token, ".id");
    remove_file(c, group->token, "");
    free(group->id);
    free(group);
}

static void read_group(struct carrier *c, const char *token)
{
    struct buf list = {0}, id = {0};
    struct group *group = NULL;
    char *id_file = xasprintf("%s.id", token);
    if (ticket_get(c->task->base, "groups", token, GROUP_MAX, &list)) {
        group = group_new(c, token);
        group->left = 1; /* ours, while we read */
        for (const char *line = buf_str(&list); *line; line += strcspn(line, "\n") + 1) {
            struct load *load = load_find(c, line, strcspn(line, "\n"));
            if (load &&
                load->group) /* a crash while it was given again: it goes with one of them */
                group_leave(c, load->group);
            if (load)
                join(group, load);
            else
                group->members++;
        }
    }
    if (group && ticket_get(c->task->base, "groups", id_file, JOB_ID, &id) && id.len)
        group->id = xstrndup(buf_str(&id), strcspn(buf_str(&id), "\n"));
    if (group) {
        group->uncertain = !group->id;
        group_leave(c, group);
    }
    free(id_file);
    buf_free(&list);
    buf_free(&id);
}

void groups_read(struct carrier *c)
{
    char *path = xasprintf("%s/groups", c->task->base);
    DIR *d = opendir(path);
    for (const struct dirent *entry; d && (entry = readdir(d));)
        if (strlen(entry->d_name) == 16 && strspn(entry->d_name, "0123456789abcdef") == 16)
            read_group(c, entry->d_name);
        else if (strstr(entry->d_name, ".new")) /* a carrier was killed before it had its name */
            (void)unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        (void)closedir(d);
    free(path);
}

/* The list of its members is there before Slurm is given it. */
static int write_group(struct carrier *c, const struct group *group, struct err *err)
{
    char *dir = xasprintf("%s/groups", c->task->base);
    struct buf list = {0};
    char **names = xcalloc(group->members, sizeof *names);
    for (struct load *load = c->loads; load; load = load->next)
        if (load->group == group)
            names[load->index] = load->name;
    for (size_t i = 0; i < group->members; i++)
        buf_addf(&list, "%s\n", names[i]);
    int rc = io_mkdirs(dir, 0700, err);
    if (rc == 0)
        rc = ticket_put(c->task->base, "groups", group->token, buf_data(&list), list.len, err);
    free(dir);
    free(names);
    buf_free(&list);
    return rc;
}

static struct group *group_begin(struct carrier *c)
{
    char token[17];
    uint64_t number = 0;
    while (getrandom(&number, sizeof number, 0) != sizeof number)
        ;
    (void)snprintf(token, sizeof token, "%016" PRIx64, number);
    return group_new(c, token);
}

static int order_by_run(const void *a, const void *b)
{
    uint64_t x = (*(const struct load *const *)a)->key.run,
             y = (*(const struct load *const *)b)->key.run;
    return x < y ? -1 : x > y;
}

/* Into groups goes who has none, with those that ask for the same. */
static void gather(struct carrier *c, struct load *first)
{
    struct load **members = xcalloc(c->nloads, sizeof(struct load *));
    struct err err = {0};
    size_t n = 0;
    for (struct load *load = first; load; load = load->next)
        if (is_to_go(load) && asks_same(first, load))
            members[n++] = load;
    qsort(members, n, sizeof(struct load *), order_by_run);
    struct group *group = group_begin(c);
    for (size_t i = 0; i < n && i < c->group_size; i++)
        join(group, members[i]);
    free(members);
    bool written = write_group(c, group, &err) == 0;
    group->left++; /* ours, while we look */
    for (struct load *load = first; load && !written; load = load->next) {
        if (load->group != group)
            continue;
        load_end(c, load, END_NOSTART, err.msg);
        if (!load->over) { /* the disk takes nothing: later, since this group is not there */
            load->group = NULL;
            load->came = clock_mono();
            group->left--; /* not to nothing: one is ours */
        }
    }
    group_leave(c, group);
}

/* ---- sbatch ---- */

/* The program that the nodes execute, kept as long as Slurm may begin a run of this build. */
static int keep_program(const struct carrier *c, struct err *err)
{
    struct buf program = {0};
    char *bin = xasprintf("%s/bin", c->task->base);
    char *name = xasprintf("rota-worker-%s", c->task->build);
    char *path = xasprintf("%s/%s", bin, name);
    int rc = access(path, X_OK) == 0 ? 1 : io_mkdirs(bin, 0700, err);
    if (rc == 0)
        rc = io_read_file("/proc/self/exe", PROGRAM_MAX, &program, err);
    if (rc == 0) {
        char *new = xasprintf("%s/new", bin);
        rc = ticket_put(c->task->base, "bin", "new", buf_data(&program), program.len, err);
        if (rc == 0 && (chmod(new, 0700) < 0 || rename(new, path) < 0))
            rc = err_sys(err, ERR_IO, "cannot make %s", path);
        free(new);
    }
    buf_free(&program);
    free(path);
    free(name);
    free(bin);
    return rc < 0 ? rc : 0;
}

static int write_script(const struct carrier *c, const struct group *group, struct err *err)
{
    struct buf text = {0};
    char *name = xasprintf("%s.sh", group->token);
    char *program = xasprintf("%s/bin/rota-worker-%s", c->task->base, c->task->build);
    char *list = xasprintf("%s/groups/%s", c->task->base, group->token);
    buf_addstr(
        &text,
        "#!/bin/sh\n# Made by rota-worker for Slurm: executes the runs that are named in the file, "
        "one a task.\nexec ");
    escape_shell(&text, program);
    buf_addstr(&text, " batch ");
    escape_shell(&text, list);
    buf_addch(&text, '\n');
    int rc = keep_program(c, err);
    if (rc == 0)
        rc = ticket_put(c->task->base, "groups", name, buf_data(&text), text.len, err);
    buf_free(&text);
    free(name);
    free(program);
    free(list);
    return rc;
}

static const struct load *some_load(const struct carrier *c, const struct group *group)
{
    const struct load *load = c->loads;
    while (load && (load->group != group || load->over))
        load = load->next;
    return load;
}

static void sbatch_words(const struct carrier *c, const struct group *group, struct strlist *words)
{
    const struct load *load = some_load(c, group);
    strlist_add(words, "sbatch");
    strlist_add(words, "--no-requeue"); /* a run that has begun is not begun again */
    strlist_add(words, "--export=ALL");
    strlist_add(words, "--output=/dev/null");
    strlist_add(words, "--error=/dev/null");
    strlist_copy(words, &load->ask);
    strlist_add(words, "--parsable"); /* these are ours, whatever extra: says */
    strlist_take(words, xasprintf("--comment=rota:%s", group->token));
    if (group->members > 1)
        strlist_take(words, xasprintf("--array=0-%zu", group->members - 1));
    strlist_take(words, xasprintf("%s/groups/%s.sh", c->task->base, group->token));
}

/* What Slurm says last while it cannot be spoken to. Anything else it says of what it was asked for. */
static bool is_passing(const char *said)
{
    const char *last = strrchr(said, ';');
    static const char *const words[] = {
        "unable to contact",  "timed out",      "connection refused", "zero bytes",
        "temporarily",        "standby",        "unable to connect",  "connection failure",
        "transport endpoint", "authentication", "not responding",     "connect failure"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(last ? last : said, words[i]))
            return true;
    return false;
}

static void tell_group(struct carrier *c, const struct group *group, const char *what,
                       const char *said)
{
    for (struct load *load = c->loads; load; load = load->next)
        if (load->group == group && !load->over)
            load_note(c, load, "%s: %s", what, said);
}

static void refuse_group(struct carrier *c, const struct group *group, const char *what,
                         const char *said)
{
    char *reason = xasprintf("%s: %s", what, said);
    for (struct load *load = c->loads, *next; load; load = next) {
        next = load->next;
        bool last = load->group == group && group->left == 1;
        if (load->group == group && !load->over)
            load_end(c, load, END_NOSTART, reason);
        if (last)
            break; /* the group is gone */
    }
    free(reason);
}

/* An array is over the MaxArraySize of that cluster: its runs go in smaller ones. */
static void divide(struct carrier *c, struct group *group)
{
    if (c->group_size > group->members / 2)
        c->group_size = group->members / 2;
    group->left++; /* ours, while we look */
    for (struct load *load = c->loads; load; load = load->next)
        if (load->group == group && !load->over) {
            load->group = NULL;
            group->left--;
        }
    group_leave(c, group);
}

static void take_id(struct carrier *c, struct group *group, const char *id)
{
    struct err err;
    char *file = xasprintf("%s.id", group->token);
    free(group->id);
    group->id = xstrndup(id, strcspn(id, ";\n"));
    group->uncertain = false;
    /* failing: the next carrier asks Slurm for it */
    (void)ticket_put(c->task->base, "groups", file, group->id, strlen(group->id), &err);
    free(file);
    carrier_hurry(c);
}

void group_found(struct carrier *c, const char *comment, const char *id)
{
    for (struct group *group = c->groups; group; group = group->next)
        if (!group->id && strcmp(group->token, comment) == 0) {
            char *job = xstrndup(id, strcspn(id, "_"));
            take_id(c, group, job);
            free(job);
        }
}

/* Gone wrong, but not for good. Slurm may have taken it and not have been able to say so. */
static void put_off(struct carrier *c, struct group *group, const char *said)
{
    group->uncertain = true;
    group->due = clock_mono() + group->pause;
    group->pause = group->pause * 3 / 2 < PAUSE_MAX ? group->pause * 3 / 2 : PAUSE_MAX;
    tell_group(c, group, "waiting for Slurm's controller", said);
    carrier_hurry(c); /* it is asked whether it has it */
}

/* "1234", "1234;cluster" */
static bool is_id(const char *said)
{
    size_t digits = strspn(said, "0123456789");
    return digits && digits < JOB_ID && strchr(";\n", said[digits]);
}

static void submit(struct carrier *c, struct group *group)
{
    enum { NOT_FOUND = 127 };
    struct strlist words = {0};
    struct buf out = {0};
    char *said = NULL;
    struct err err = {0};
    int rc = write_script(c, group, &err);
    group->due = clock_mono() + group->pause; /* should it come to nothing at all */
    if (rc == 0) {
        sbatch_words(c, group, &words);
        rc = command_run(words.v, SBATCH_MS, &out, &said, &err);
    }
    const char *why = rc < 0 ? err.msg : said ? said : "";
    if (rc == 0 && is_id(buf_str(&out)))
        take_id(c, group, buf_str(&out));
    else if (rc == 0) /* its comment is looked for */
        put_off(c, group, "what sbatch says cannot be understood");
    else if (rc == NOT_FOUND)
        refuse_group(c, group, "there is no Slurm on this host", why);
    else if (rc == ERR_UNREACHABLE || (rc > 0 && is_passing(why)))
        put_off(c, group, why);
    else if (rc > 0 && group->members > 1 && strcasestr(why, "invalid job array"))
        divide(c, group);
    else
        refuse_group(c, group, rc < 0 ? "it cannot be given to Slurm" : "Slurm refuses it",
                     *why ? why : "without saying why");
    strlist_free(&words);
    buf_free(&out);
    free(said);
}

/* The first that has no group, when those that wait have waited long enough; else when that will be. */
static struct load *due_load(const struct carrier *c, int64_t now, int64_t *due)
{
    struct load *first = NULL;
    int64_t newest = 0, oldest = 0;
    size_t n = 0;
    for (struct load *load = c->loads; load; load = load->next)
        if (is_to_go(load)) {
            first = first ? first : load;
            newest = load->came > newest ? load->came : newest;
            oldest = !oldest || load->came < oldest ? load->came : oldest;
            n++;
        }
    if (!first)
        return NULL;
    int64_t at = newest + QUIET_MS < oldest + GATHER_MS ? newest + QUIET_MS : oldest + GATHER_MS;
    if (n >= c->group_size || at <= now)
        return first;
    *due = at;
    return NULL;
}

int64_t groups_submit(struct carrier *c)
{
    int64_t now = clock_mono(), due = INT64_MAX;
    for (struct load *first; (first = due_load(c, now, &due));)
        gather(c, first);
    for (struct group *group = c->groups, *next; group; group = next) {
        next = group->next;
        if (group->id)
            continue;
        if (group->due <= now && !group->uncertain && group->members > c->group_size)
            divide(c, group);
        else if (group->due <= now && !group->uncertain)
            submit(c, group);
        else if (group->due > now && group->due < due)
            due = group->due;
    }
    return due;
}
