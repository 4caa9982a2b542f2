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
#include "worker/carrier_internal.h"
#include "worker/shim.h"
#include "worker/tree.h"
#include "xalloc.h"

enum {
    TICK_MS = 250,       /* between looks at what batches write */
    TICK_MANY_MS = 1000, /* with more than MANY runs, or over a network */
    MANY = 100,
    LINGER_MS = 2000, /* with nothing to carry */
};

/* ---- one alone ---- */

static struct flock whole_lock(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
}

static int open_lock(const char *spool)
{
    char *path = xasprintf("%s/carrier", spool);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(path);
    return fd;
}

int carrier_lock(const char *spool)
{
    struct flock lock = whole_lock();
    int fd = open_lock(spool);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static bool is_locked(pid_t pid, const void *arg)
{
    struct flock lock = whole_lock();
    (void)pid;
    return fcntl(*(const int *)arg, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void carrier_wake(const char *spool)
{
    char text[24] = "";
    int fd = open_lock(spool);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    pid_t pid = n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
    if (pid > 0)
        (void)tree_kill_checked(pid, SIGUSR1, 0, is_locked, &fd);
    if (fd >= 0)
        close(fd);
}

/* ---- loads ---- */

void load_id(const struct load *load, char id[JOB_ID])
{
    const struct group *group = load->group;
    if (!group || !group->id)
        *id = '\0';
    else if (group->members > 1)
        (void)snprintf(id, JOB_ID, "%s_%zu", group->id, load->index);
    else
        (void)snprintf(id, JOB_ID, "%s", group->id);
}

/* As a shim does (shim.c, notify). */
void load_notify(const struct carrier *c, const struct load *load)
{
    struct cell *cell = &c->task->cells->slot[load->cell];
    if (!atomic_exchange(&cell->notified, 1) &&
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
        load_notify(c, load);
}

static void free_load(struct load *load)
{
    strlist_free(&load->ask);
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
    atomic_store(&c->task->cells->slot[load->cell].ended, 1);
    load_notify(c, load);
    leave(c, load);
}

void load_end(struct carrier *c, struct load *load, enum message_end end, const char *reason)
{
    struct record record;
    struct err err;
    if (!load->claimed && ticket_claim(c->task->base, load->name, false, &err) == 1)
        load->claimed = ticket_has(c->task->base, load->name, "claim");
    if (load->claimed && end == END_NOSTART)
        return; /* it has begun just now: its result tells */
    memset(&record, 0, sizeof record);
    record.kind = RECORD_RESULT;
    record.key = load->key;
    record.result.end = end;
    (void)snprintf(record.result.reason, sizeof record.result.reason, "%s", reason);
    output_follow(c, load);
    for (int i = 0; i < CELL_STREAMS; i++)
        record.result.total[i] = atomic_load(&c->task->cells->slot[load->cell].stream[i].head);
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
    load->cell = (uint32_t)order->cell;
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

/* "1234_5 node[1-2]" */
static void read_where(struct carrier *c, struct load *load)
{
    struct buf text = {0};
    if (ticket_get(c->task->base, load->name, "run/slurm", 4096, &text)) {
        const char *nodes = strchr(buf_str(&text), ' ');
        if (nodes && nodes[1] != '\n' && !load->nodes)
            load->nodes = xstrndup(nodes + 1, strcspn(nodes + 1, "\n"));
    }
    buf_free(&text);
}

/* What Slurm ended by itself says only that: its queue says why, when it is asked soon. */
static bool wants_explanation(struct carrier *c, struct load *load, struct record_result *result)
{
    const char *why;
    uint32_t end;
    if (strcmp(result->reason, BATCH_TOLD) != 0 || !load->group || !load->group->id)
        return false;
    if (queue_explain(load, &end, &why)) {
        result->end = end;
        (void)snprintf(result->reason, sizeof result->reason, "%s", why);
        return false;
    }
    if (load->unseen < 2)
        carrier_hurry(c);
    return load->unseen < 2;
}

static void watch(struct carrier *c, struct load *load)
{
    struct record record;
    if (!load->claimed && !(load->claimed = ticket_has(c->task->base, load->name, "claim")))
        return;
    if (!ticket_has(c->task->base, load->name, "run/result")) {
        output_follow(c, load);
        return;
    }
    if (!ticket_get_record(c->task->base, load->name, "run/result", &record) ||
        wants_explanation(c, load, &record.result))
        return;
    read_where(c, load);
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

static void say_pid(void)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%-10d\n", (int)getpid());
    (void)!pwrite(FD_LOCK, text, (size_t)n, 0);
}

static void wait_turn(struct carrier *c, int64_t due)
{
    struct signalfd_siginfo info[8];
    struct pollfd fd = {.fd = c->signals, .events = POLLIN};
    int64_t tick = c->shared || c->nloads > MANY ? TICK_MANY_MS : TICK_MS;
    int64_t left = due - clock_mono();
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
    return false;
}

static int64_t turn(struct carrier *c)
{
    tickets_each(c->task->base, take_ticket, c);
    cancel_heed(c);
    cancel_signal(c);
    int64_t due = groups_submit(c);
    if (waits_for_slurm(c) && c->poll_due <= clock_mono())
        queue_poll(c);
    for (struct load *load = c->loads; load; load = load->next) {
        if (!load->over && !ticket_has(c->task->base, load->name, "order"))
            leave(c, load); /* somebody emptied the spool */
        if (!load->over)
            watch(c, load);
        if (!load->over && load->group && load->group->id && !load->group->uncertain)
            queue_judge(c, load);
    }
    drop_over(c);
    return due;
}

_Noreturn void carrier_main(const struct carrier_task *task)
{
    struct carrier c = {.task = task, .idle_since = clock_mono()};
    struct statfs fs;
    detach(&c);
    say_pid();
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
