#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "worker/carrier_internal.h"
#include "worker/command.h"
#include "xalloc.h"

enum {
    GIVEN_MAX = 3, /* a run is given again so often */
    SQUEUE_MS = 60000,
    POLL_MIN = 1000,
    POLL_MAX = 30000,
    UNSEEN_MIN = 2,   /* answers without it */
    UNSEEN_MS = 3000, /* and so long, until its result would be there */
    UNSEEN_SHARED_MS =
        65000 /* on a network: longer than directories are remembered (acdirmax of nfs(5)) */
};

/* ---- states ---- */

enum phase { WAITS, RUNS, ENDED };

/* squeue(1), JOB STATE CODES. `end` and `why` are of a job that left no result, or was told to end. */
static const struct state {
    const char *name;
    enum phase phase;
    enum message_end end;
    const char *why;
} states[] = {
    {"PENDING", WAITS, 0, NULL},
    {"CONFIGURING", WAITS, 0, NULL},
    {"REQUEUED", WAITS, 0, NULL},
    {"REQUEUE_FED", WAITS, 0, NULL},
    {"REQUEUE_HOLD", WAITS, 0, NULL},
    {"SPECIAL_EXIT", WAITS, 0, NULL},
    {"RESV_DEL_HOLD", WAITS, 0, NULL},
    {"RUNNING", RUNS, 0, NULL},
    {"COMPLETING", RUNS, 0, NULL},
    {"SUSPENDED", RUNS, 0, NULL},
    {"STOPPED", RUNS, 0, NULL},
    {"SIGNALING", RUNS, 0, NULL},
    {"STAGE_OUT", RUNS, 0, NULL},
    {"RESIZING", RUNS, 0, NULL},
    {"COMPLETED", ENDED, END_LOST, NULL},
    {"FAILED", ENDED, END_LOST, NULL},
    {"TIMEOUT", ENDED, END_TIMEOUT, "Slurm's time limit"},
    {"CANCELLED", ENDED, END_CANCELLED, "cancelled in Slurm"},
    {"NODE_FAIL", ENDED, END_LOST, "its node failed"},
    {"BOOT_FAIL", ENDED, END_LOST, "its node did not boot"},
    {"PREEMPTED", ENDED, END_LOST, "Slurm preempted it"},
    {"DEADLINE", ENDED, END_TIMEOUT, "Slurm's deadline"},
    {"OUT_OF_MEMORY", ENDED, END_LOST, "Slurm killed it: it used more memory than it asked for"},
    {"REVOKED", ENDED, END_LOST, "Slurm revoked it"},
};

/* One that a newer Slurm has is taken for running: what ends it is told by its result. */
static const struct state *state_of(const char *name)
{
    static const struct state other = {"", RUNS, 0, NULL};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].name, name) == 0)
            return &states[i];
    return &other;
}

/* ---- what squeue says ---- */

struct line {
    char *id, *state, *nodes, *reason, *comment;
};

static char *cut(char **rest)
{
    char *word = *rest, *end = strchr(word, '|');
    *rest = end ? end + 1 : word + strlen(word);
    if (end)
        *end = '\0';
    return word;
}

static struct line split(char *text)
{
    struct line line = {.id = cut(&text)};
    line.state = cut(&text);
    line.nodes = cut(&text);
    line.reason = cut(&text);
    line.comment = text;
    return line;
}

struct known {
    char id[JOB_ID];
    struct load *load;
};

static int order_ids(const void *a, const void *b)
{
    return strcmp(((const struct known *)a)->id, ((const struct known *)b)->id);
}

/* Those that Slurm may know, by what it calls them. */
static struct known *list_known(const struct carrier *c, size_t *n)
{
    struct known *list = xcalloc(c->nloads + 1, sizeof *list);
    *n = 0;
    for (struct load *load = c->loads; load; load = load->next)
        if (!load->over) {
            load_id(load, list[*n].id);
            list[*n].load = load;
            *n += *list[*n].id != '\0';
        }
    qsort(list, *n, sizeof *list, order_ids);
    return list;
}

static void replace(char **to, const char *text)
{
    free(*to);
    *to = xstrdup(text);
}

static void see(struct carrier *c, struct load *load, const struct line *line)
{
    const struct state *state = state_of(line->state);
    load->unseen = 0;
    if (state->phase != ENDED) /* then it waits for its result, from the first time on */
        load->unseen_at = 0;
    if (!load->state || strcmp(load->state, line->state) != 0)
        c->poll_pause = POLL_MIN;
    replace(&load->state, line->state);
    if (*line->nodes)
        replace(&load->nodes, line->nodes);
    if (state->phase == WAITS)
        load_note(c, load, "queued in Slurm: %s", line->reason);
    else if (state->phase == RUNS)
        load_note(c, load, "%s in Slurm",
                  strcmp(line->state, "SUSPENDED") == 0 ? "suspended" : "running");
}

/* false: it is nothing that squeue says. */
static bool take_line(struct carrier *c, char *text, const struct known *list, size_t n)
{
    struct line line = split(text);
    struct known key = {.load = NULL};
    if (strncmp(line.comment, "rota:", 5) != 0)
        return *line.comment && strspn(line.id, "0123456789") > 0;
    group_found(c, line.comment + 5, line.id);
    (void)strncpy(key.id, line.id, sizeof key.id - 1);
    const struct known *found = bsearch(&key, list, n, sizeof *list, order_ids);
    /* a controller that was killed gives the numbers of what it forgot to others */
    if (found && strcmp(load_token(found->load), line.comment + 5) == 0)
        see(c, found->load, &line);
    return true;
}

/* false: it is none, so that what is not in it is not gone. */
static bool take_answer(struct carrier *c, char *text)
{
    size_t n;
    struct known *list = list_known(c, &n);
    bool understood = !*text;
    for (size_t i = 0; i < n; i++)
        list[i].load->unseen++;
    for (char *line = text, *next; *line; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        understood = take_line(c, line, list, n) || understood;
    }
    for (size_t i = 0; i < n; i++)
        if (!understood)
            list[i].load->unseen--;
        else if (list[i].load->unseen && !list[i].load->unseen_at)
            list[i].load->unseen_at = clock_mono();
    free(list);
    return understood;
}

/* A controller that does not answer is waited for: its jobs go on. */
static void tell_mute(struct carrier *c, const char *why)
{
    for (struct load *load = c->loads; load && !c->mute; load = load->next)
        if (!load->over)
            load_note(c, load, "Slurm's controller does not answer: %s", why);
    c->mute = true;
}

void queue_poll(struct carrier *c)
{
    char *const argv[] = {
        "squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T|%N|%r|%k", NULL};
    struct buf out = {0};
    struct err err = {0};
    char *said = NULL;
    c->poll_pause = c->poll_pause * 3 / 2 < POLL_MAX ? c->poll_pause * 3 / 2 : POLL_MAX;
    int rc = command_run(argv, SQUEUE_MS, &out, &said, &err);
    if (rc == 0 && (out.len >= COMMAND_OUTPUT_MAX || !take_answer(c, buf_str(&out)))) {
        tell_mute(c, "what squeue says cannot be understood");
    } else if (rc == 0) {
        c->answers++;
        c->mute = false;
        for (struct group *group = c->groups; group; group = group->next)
            group->uncertain = false; /* it has it, or it had not got it */
    } else {
        tell_mute(c, rc < 0 ? err.msg : said);
    }
    c->poll_due = clock_mono() + c->poll_pause;
    buf_free(&out);
    free(said);
}

void carrier_hurry(struct carrier *c)
{
    c->poll_pause = POLL_MIN;
    if (c->poll_due > clock_mono() + POLL_MIN)
        c->poll_due = clock_mono() + POLL_MIN;
}

/* ---- ends without a result ---- */

static bool is_in(const struct load *load, enum phase phase)
{
    return load->state && state_of(load->state)->phase == phase;
}

bool queue_has_ended(const struct load *load)
{
    return is_in(load, ENDED);
}

bool queue_has_it_waiting(const struct load *load)
{
    return is_in(load, WAITS);
}

bool queue_explain(const struct load *load, uint32_t *end, const char **reason)
{
    const struct state *state = load->state ? state_of(load->state) : NULL;
    if (!state || state->phase != ENDED || !state->why)
        return false;
    *end = state->end;
    *reason = state->why;
    return true;
}

/* A controller that was killed has forgotten what it took last. Should it remember after all, the claim has it
 * executed once. */
static void give_again(struct carrier *c, struct load *load)
{
    struct group *group = load->group;
    load->group = NULL;
    load->given++;
    load->unseen = 0;
    load->unseen_at = 0;
    load->came = clock_mono();
    group_leave(c, group);
}

static void lose(struct carrier *c, struct load *load, const char *why)
{
    char *reason;
    if (why)
        reason = xstrdup(why);
    else if (queue_has_ended(load))
        reason = xasprintf("Slurm has it as %s, and it left no result", load->state);
    else
        reason = xstrdup("Slurm does not know it any more, and it left no result");
    load_end(c, load, END_LOST, reason);
    free(reason);
}

/* Slurm has it no more, or as ended. It can begin no more; when it began, its result would be here by now. */
void queue_judge(struct carrier *c, struct load *load)
{
    const char *why = NULL;
    uint32_t end = END_LOST;
    int64_t patience = c->shared ? UNSEEN_SHARED_MS : UNSEEN_MS;
    bool nowhere = load->claimed && !load->id && !load->group; /* its group went with a disk */
    bool gone = load->unseen >= UNSEEN_MIN || nowhere, ended = queue_has_ended(load);
    if (!gone && !ended)
        return;
    if (!load->unseen_at)
        load->unseen_at = clock_mono();
    if (clock_mono() - load->unseen_at < patience)
        return;
    bool told = queue_explain(load, &end, &why);
    if (told && end != END_LOST)
        load_end(c, load, end, why);
    else if (load->claimed)
        lose(c, load, why);
    else if (load->cancelled) /* while Slurm could not be told */
        load_end(c, load, END_CANCELLED, "");
    else if (!ended && load->given < GIVEN_MAX)
        give_again(c, load);
    else if (told)
        load_end(c, load, END_NOSTART, why);
    else
        load_end(c, load, END_NOSTART,
                 ended ? "Slurm ended it before it began: the spool has to be on a filesystem that "
                         "the nodes share"
                       : "Slurm does not know it any more, and it never began");
}
