#include "worker/carrier.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clock.h"
#include "netfs.h"
#include "worker/batch.h"
#include "worker/bytelock.h"
#include "worker/carrier_internal.h"
#include "worker/shim.h"
#include "worker/tree.h"
#include "xalloc.h"

enum {
    TICK_MS = 250,       /* between looks at what batches write */
    TICK_MANY_MS = 1000, /* with more than MANY runs, or over a network */
    MANY = 100,
    REST = 9,            /* times what a look took, */
    TICK_MAX_MS = 10000, /* at most this */
    LINGER_MS = 2000,    /* with nothing to carry */
};

/* ---- one alone ---- */

static int open_lock(const char *spool)
{
    char *path = xasprintf("%s/carrier", spool);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(path);
    return fd;
}

int carrier_lock(const char *spool)
{
    return bytelock_take(open_lock(spool), 0);
}

static bool is_locked(pid_t pid, const void *arg)
{
    (void)pid;
    return bytelock_is_held(*(const int *)arg, 0);
}

void carrier_wake(const char *spool, const char *build)
{
    char text[256] = "", *rest = text;
    int fd = open_lock(spool);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    pid_t pid = n > 0 ? (pid_t)strtol(text, &rest, 10) : 0;
    rest += strspn(rest, " ");
    rest[strcspn(rest, "\n")] = '\0';
    if (pid > 0)
        (void)tree_kill_checked(pid, strcmp(rest, build) == 0 ? SIGUSR1 : SIGTERM, 0, is_locked,
                                &fd);
    if (fd >= 0)
        close(fd);
}

/* ---- loads ---- */

void load_id(const struct load *load, char id[JOB_ID])
{
    const struct group *group = load->group;
    if (load->id)
        (void)snprintf(id, JOB_ID, "%s", load->id);
    else if (!group || !group->id)
        *id = '\0';
    else if (group->members > 1)
        (void)snprintf(id, JOB_ID, "%s_%zu", group->id, load->index);
    else
        (void)snprintf(id, JOB_ID, "%s", group->id);
}

const char *load_token(const struct load *load)
{
    return load->id ? load->token : load->group ? load->group->token : "";
}

/* As a shim does (shim.c, notify). */
void load_notify(const struct load *load)
{
    struct cell *cell = load->slot;
    if (load->cell && !atomic_exchange(&cell->notified, 1) &&
        write(FD_NOTIFY, &load->cell, sizeof load->cell) != sizeof load->cell)
        atomic_store(&cell->notified, 0);
}

/* Lines: how it stands, the nodes, what Slurm calls it. */
void load_note(struct carrier *c, struct load *load, const char *fmt, ...)
{
    char words[256], id[JOB_ID];
    struct err err;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    load_id(load, id);
    char *note = xasprintf("%s%s%s%s\n%s\n%s%s\n", words, *id ? " (" : "", id, *id ? ")" : "",
                           load->nodes ? load->nodes : "", *id ? "slurm " : "", id);
    if (load->note && strcmp(load->note, note) == 0) {
        free(note);
        return;
    }
    free(load->note);
    load->note = note;
    if (ticket_put(c->task->base, load->name, "note", note, strlen(note), &err) == 0)
        load_notify(load);
}

static void free_load(struct load *load)
{
    strlist_free(&load->ask);
    free(load->id);
    free(load->state);
    free(load->nodes);
    free(load->note);
    free(load);
}

static void leave(struct carrier *c, struct load *load)
{
    struct group *group = load->group;
    load->over = true;
    load->group = NULL;
    group_leave(c, group);
}

/* The note first: the front end sends it before the result. */
static void hand_in(struct carrier *c, struct load *load, struct record *record)
{
    struct err err;
    record->at = moment_now(c->task->boot);
    record_seal(record);
    if (ticket_put(c->task->base, load->name, "result", record, sizeof *record, &err) < 0)
        return; /* the next turn tries again */
    atomic_store(&load->slot->ended, 1);
    load_notify(load);
    leave(c, load);
}

bool load_deny(const struct carrier *c, struct load *load)
{
    struct err err;
    int rc = load->claimed ? 0 : ticket_claim(c->task->base, load->name, false, &err);
    if (rc > 0)
        load->claimed = ticket_has(c->task->base, load->name, "claim");
    return rc >= 0;
}

void load_end(struct carrier *c, struct load *load, enum message_end end, const char *reason)
{
    struct record record;
    if (!load_deny(c, load))
        return; /* a result without a claim could be followed by its begin; the next turn tries again */
    if (load->claimed && end == END_NOSTART)
        return; /* it has begun just now: its result tells */
    memset(&record, 0, sizeof record);
    record.kind = RECORD_RESULT;
    record.key = load->key;
    record.result.end = end;
    (void)snprintf(record.result.reason, sizeof record.result.reason, "%s", reason);
    output_follow(c, load);
    for (int i = 0; i < CELL_STREAMS; i++)
        record.result.total[i] = atomic_load(&load->slot->stream[i].head);
    hand_in(c, load, &record);
}

/* ---- tickets ---- */

static int order_by_name(const void *a, const void *b)
{
    return strcmp(((const struct load *)a)->name, ((const struct load *)b)->name);
}

struct load *load_find(const struct carrier *c, const char *name, size_t len)
{
    struct load key;
    (void)snprintf(key.name, sizeof key.name, "%.*s", (int)len, name);
    struct load **found = tfind(&key, &c->by_name, order_by_name);
    return found ? *found : NULL;
}

/* The table may have been made anew since, as another run's, and be shorter (recovery.c). */
static void find_cell(const struct carrier *c, struct load *load, int cell)
{
    static struct cell nowhere;
    struct stat st;
    struct cell *slot = &c->task->cells->slot[cell > 0 && cell < CELL_MAX ? cell : 0];
    load->slot = &nowhere;
    if (slot == c->task->cells->slot || fstatat(FD_CELLS, "table", &st, 0) < 0 ||
        st.st_size < ((off_t)cell + 1) * CELL_SLOT || (slot->run && !cell_is_of(slot, load->key)))
        return;
    load->cell = (uint32_t)cell;
    load->slot = slot;
}

static void take_ticket(const char *name, void *arg)
{
    struct carrier *c = arg;
    struct order *order;
    if (load_find(c, name, strlen(name)) || ticket_has(c->task->base, name, "result") ||
        !(order = ticket_read(c->task->base, name)))
        return;
    struct load *load = xcalloc(1, sizeof *load);
    (void)snprintf(load->name, sizeof load->name, "%s", name);
    load->key = order->key;
    find_cell(c, load, order->cell);
    load->claimed = ticket_has(c->task->base, name, "claim");
    load->out_limit = order->out_limit;
    load->kill_after = order->kill_after_ms;
    load->came = clock_mono();
    submit_ask(load, order);
    order_free(order);
    (void)tsearch(load, &c->by_name, order_by_name);
    load->next = c->loads;
    c->loads = load;
    c->nloads++;
}

static void drop_over(struct carrier *c)
{
    for (struct load **link = &c->loads, *load; (load = *link);)
        if (load->over) {
            *link = load->next;
            (void)tdelete(load, &c->by_name, order_by_name);
            c->nloads--;
            free_load(load);
        } else {
            link = &load->next;
        }
}

/* ---- what batches write ---- */

/* "1234_5 0123456789abcdef node[1-2]": in which job it began. What we know of another that Slurm has for it says
 * nothing of this one. */
static void read_where(struct carrier *c, struct load *load)
{
    char id[JOB_ID], token[sizeof load->token], nodes[2048] = "";
    struct buf text = {0};
    if (!load->id && ticket_get(c->task->base, load->name, "run/slurm", 4096, &text) &&
        sscanf(buf_str(&text), "%39[0-9_] %16[0-9a-f] %2047[^\n]", id, token, nodes) >= 2) {
        char other[JOB_ID];
        load_id(load, other);
        if (strcmp(id, other) != 0) {
            free(load->state);
            load->state = NULL;
            load->unseen = 0;
            load->unseen_at = 0;
        }
        load->id = xstrdup(id);
        (void)snprintf(load->token, sizeof load->token, "%s", token);
        if (*nodes && !load->nodes)
            load->nodes = xstrdup(nodes);
    }
    buf_free(&text);
}

/* What Slurm ended by itself says only that, or that its supervisor was killed, which Slurm does too: its queue says
 * why, when it is asked soon. */
static bool wants_explanation(struct carrier *c, struct load *load, struct record_result *result)
{
    const char *why;
    uint32_t end;
    char id[JOB_ID];
    load_id(load, id);
    if (result->end != END_LOST || !*id)
        return false;
    if (queue_explain(load, &end, &why)) {
        result->end = end;
        (void)snprintf(result->reason, sizeof result->reason, "%s", why);
        return false;
    }
    if (load->unseen >= 2 || queue_has_ended(load))
        return false;
    if (!load->told_at)
        load->told_at = c->answers + 1;
    if (c->answers > load->told_at && queue_has_it_waiting(load)) {
        (void)snprintf(result->reason, sizeof result->reason, "Slurm put it back into its queue");
        return false;
    }
    carrier_hurry(c);
    return true;
}

static void watch(struct carrier *c, struct load *load)
{
    struct record record;
    if (!load->claimed && !(load->claimed = ticket_has(c->task->base, load->name, "claim")))
        return;
    read_where(c, load);
    if (!ticket_has(c->task->base, load->name, "run/result")) {
        output_follow(c, load);
        return;
    }
    if (!ticket_get_record(c->task->base, load->name, "run/result", &record) ||
        wants_explanation(c, load, &record.result))
        return;
    load_note(c, load, "ended in Slurm");
    output_finish(c, load, &record.result);
    hand_in(c, load, &record);
}

/* ---- the loop ---- */

static void detach(struct carrier *c)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "rota-slurm");
    (void)dup3(c->task->lock, FD_LOCK, O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++)
        (void)dup2(FD_NULL, fd);
    closefrom(FD_FREE);
    (void)sigemptyset(&all);
    (void)sigaddset(&all, SIGUSR1);
    (void)sigaddset(&all, SIGTERM);
    c->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say_who(const char *build)
{
    char *text = xasprintf("%d %s\n", (int)getpid(), build);
    (void)!ftruncate(FD_LOCK, 0);
    (void)!pwrite(FD_LOCK, text, strlen(text), 0);
    free(text);
}

static void wait_turn(struct carrier *c, int64_t due)
{
    struct signalfd_siginfo info[8];
    struct pollfd fd = {.fd = c->signals, .events = POLLIN};
    int64_t tick = c->shared || c->nloads > MANY ? TICK_MANY_MS : TICK_MS;
    int64_t left = due - clock_mono();
    if (tick < c->looking * REST) /* at thousands of runs, or on a slow filesystem */
        tick = c->looking * REST < TICK_MAX_MS ? c->looking * REST : TICK_MAX_MS;
    if (left > tick)
        left = tick;
    (void)poll(&fd, 1, left > 0 ? (int)left : 0);
    ssize_t n = read(c->signals, info, sizeof info);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *info; i++)
        c->ending = c->ending ||
                    info[i].ssi_signo == SIGTERM; /* Slurm has its jobs; the next one goes on */
}

static bool waits_for_slurm(const struct carrier *c)
{
    for (const struct group *group = c->groups; group; group = group->next)
        if (group->id || group->uncertain)
            return true;
    for (const struct load *load = c->loads; load; load = load->next)
        if (load->id)
            return true;
    return false;
}

static void look_at_loads(struct carrier *c)
{
    for (struct load *load = c->loads; load; load = load->next) {
        if (!load->over && !ticket_has(c->task->base, load->name, "order") && errno == ENOENT)
            leave(c, load); /* somebody emptied the spool; it was not that it cannot be read now */
        if (!load->over)
            watch(c, load);
        if (!load->over)
            queue_judge(c, load);
    }
    drop_over(c);
}

static int64_t turn(struct carrier *c)
{
    int64_t began = clock_mono();
    tickets_each(c->task->base, take_ticket, c);
    c->looking = clock_mono() - began;
    cancel_heed(c);
    cancel_signal(c);
    int64_t due = groups_submit(c);
    if (waits_for_slurm(c) && c->poll_due <= clock_mono())
        queue_poll(c);
    began = clock_mono();
    look_at_loads(c);
    c->looking += clock_mono() - began;
    return due;
}

_Noreturn void carrier_main(const struct carrier_task *task)
{
    struct carrier c = {.task = task, .group_size = GROUP_SIZE, .idle_since = clock_mono()};
    struct statfs fs;
    detach(&c);
    say_who(task->build);
    c.shared = statfs(task->base, &fs) == 0 && netfs_name(&fs);
    tickets_each(task->base, take_ticket, &c);
    groups_read(&c);
    while (!c.ending) {
        int64_t due = turn(&c);
        if (c.loads)
            c.idle_since = clock_mono();
        else if (clock_mono() - c.idle_since > LINGER_MS)
            break;
        wait_turn(&c, due);
    }
    _exit(0);
}
