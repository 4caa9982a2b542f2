#include "dispatch/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "clock.h"
#include "dispatch/element.h"
#include "log.h"
#include "xalloc.h"

enum { LOOK_MAX_MS = 1024 };

/* ---- signals ---- */

static const int ENDING[] = {SIGINT, SIGTERM, SIGHUP};
enum { NENDING = sizeof ENDING / sizeof *ENDING };

/* what a handler can reach */
static volatile sig_atomic_t told_fd = -1;
static volatile sig_atomic_t is_caught[NENDING]; /* the others are ignored */

/* The first one asks for a clean end; a second one, of whatever kind, ends the program by its default
 * action. A handler and not a signalfd: a program that hangs in a call (a write to a terminal that was
 * stopped, to a pager that does not read) reads no descriptor, and nobody could interrupt it. */
static void catch_signal(int number)
{
    int saved = errno;
    uint64_t said = (uint64_t)number;
    for (int i = 0; i < NENDING; i++)
        if (is_caught[i])
            (void)signal(ENDING[i], SIG_DFL);
    (void)!write(told_fd, &said, sizeof said);
    errno = saved;
}

static void on_signal(void *arg, uint32_t revents)
{
    struct dispatch *d = arg;
    uint64_t number;
    (void)revents;
    if (read(d->signal_fd, &number, sizeof number) != sizeof number)
        return;
    d->leaving = true;
    log_info("signal %u: leaving; runs go on", (unsigned)number);
}

/* What is ignored (under nohup, in the background of a script) stays ignored. */
static int init_signals(struct dispatch *d, struct err *err)
{
    struct sigaction old, act = {.sa_handler = catch_signal, .sa_flags = SA_RESTART};
    sigset_t set;
    (void)signal(SIGPIPE, SIG_IGN);
    d->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->signal_fd < 0)
        return err_sys(err, ERR_OS, "cannot watch signals");
    told_fd = d->signal_fd;
    (void)sigemptyset(&set);
    for (int i = 0; i < NENDING; i++)
        (void)sigaddset(&set, ENDING[i]);
    act.sa_mask = set;
    for (int i = 0; i < NENDING; i++)
        is_caught[i] = sigaction(ENDING[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN;
    for (int i = 0; i < NENDING; i++) /* when it is known what the handler may reset */
        if (is_caught[i])
            (void)sigaction(ENDING[i], &act, NULL);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* whoever started us may have blocked them */
    d->signals = loop_watch(d->loop, on_signal, d);
    return loop_set(d->signals, d->signal_fd, EPOLLIN, 0, err);
}

/* One that comes now waits for whoever looks next (checkup_await), or for the end, which is near. */
static void free_signals(struct dispatch *d)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (int i = 0; i < NENDING; i++)
        (void)sigaddset(&set, ENDING[i]);
    if (!d->leaving)
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
    told_fd = -1;
    loop_unwatch(d->signals);
    if (d->signal_fd >= 0)
        close(d->signal_fd);
}

/* ---- changes of files ---- */

static void note_change(struct dispatch *d, const struct inotify_event *ev)
{
    if (ev->mask & IN_Q_OVERFLOW)
        d->reread_wanted = true;
    if (ev->mask & IN_Q_OVERFLOW || ev->wd == d->catalogue_wd) {
        d->look_due = clock_mono();
        d->look_delay = 1;
    }
    const char *slash = d->config->path ? strrchr(d->config->path, '/') : NULL;
    if (ev->wd == d->config_wd && ev->len && slash && strcmp(ev->name, slash + 1) == 0 &&
        ev->mask & (IN_CLOSE_WRITE | IN_MOVED_TO))
        d->reread_wanted = true;
}

static void on_change(void *arg, uint32_t revents)
{
    struct dispatch *d = arg;
    _Alignas(struct inotify_event) char buf[4096];
    (void)revents;
    /* once a turn: whoever writes without end must not hold the loop */
    ssize_t len = read(d->inotify_fd, buf, sizeof buf);
    for (ssize_t at = 0; at < len;) {
        const struct inotify_event *ev = (const void *)(buf + at);
        note_change(d, ev);
        at += (ssize_t)(sizeof *ev + ev->len);
    }
}

/* The WAL itself and not its directory, where others may write what they like. It is there, because
 * we have written (holder_take), and stays the same file as long as we have it open. A short command
 * closes it right after its commit, which is when the commit can be seen. */
static int watch_wal(struct dispatch *d)
{
    char *wal = xasprintf("%s-wal", catalogue_path(d->cat));
    int wd = inotify_add_watch(d->inotify_fd, wal, IN_MODIFY | IN_CLOSE_WRITE);
    free(wal);
    return wd;
}

/* The directory: editors replace the file. */
static int watch_config(struct dispatch *d)
{
    char *dir = xstrdup(d->config->path);
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir] = '\0';
    int wd = inotify_add_watch(d->inotify_fd, slash ? dir : ".", IN_CLOSE_WRITE | IN_MOVED_TO);
    free(dir);
    return wd;
}

/* Without inotify (its limits can be used up) new submissions are seen by a timer instead. */
static int init_changes(struct dispatch *d, struct err *err)
{
    d->catalogue_wd = d->config_wd = -1;
    d->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (d->inotify_fd >= 0)
        d->catalogue_wd = watch_wal(d);
    if (d->catalogue_wd < 0)
        log_warn("cannot watch the catalogue for changes (%s): looking every second",
                 strerror(errno));
    if (d->inotify_fd < 0)
        return 0;
    if (d->config->path)
        d->config_wd = watch_config(d);
    d->changes = loop_watch(d->loop, on_change, d);
    return loop_set(d->changes, d->inotify_fd, EPOLLIN, 0, err);
}

int wake_init(struct dispatch *d, struct err *err)
{
    int rc = init_signals(d, err);
    return rc < 0 ? rc : init_changes(d, err);
}

void wake_free(struct dispatch *d)
{
    free_signals(d);
    loop_unwatch(d->changes);
    if (d->inotify_fd >= 0)
        close(d->inotify_fd);
}

/* ---- what people asked for ---- */

/* Sends KILL when the worker has the run. That is known from its RUN on: adopt() in talk.c has looked
 * whether to cancel it by then, and nobody looks again when the list ends. False: it cannot be told now. */
static bool kill_there(struct work *work, int signal)
{
    struct peer *peer = work->peer;
    if (!peer || !work->known || (peer->state != PEER_LISTING && peer->state != PEER_READY))
        return false;
    talk_kill(peer, work_key(work), signal);
    peer_flush(peer);
    return true;
}

static void on_cancel(struct dispatch *d, struct work *work, const struct event *event)
{
    (void)event;
    if (work->state == RUN_QUEUED) { /* cancelled in the catalogue already */
        queue_take(d, work);
        work_end(d, work);
        return;
    }
    work->cancel = true;
    if (!kill_there(work, 0)) { /* else adopt(), talk_start() or settle() in talk.c see to it */
        fetching_cancel(work);
        sending_cancel(work);
    }
}

static void on_hold(struct dispatch *d, struct work *work, const struct event *event)
{
    (void)event;
    if (work->state != RUN_QUEUED)
        return;
    queue_take(d, work);
    work_forget(d, work);
}

static void on_signal_request(struct dispatch *d, struct work *work, const struct event *event)
{
    (void)d;
    int number = event->detail ? (int)strtol(event->detail, NULL, 10) : 0;
    if (number <= 0 || !kill_there(work, number))
        log_warn("run %lld cannot be reached now: it is not sent signal %d", (long long)work->id,
                 number);
}

/* Recorded already by who said it. Should the worker be there after all, the job ends. */
static void on_lost(struct dispatch *d, struct work *work, const struct event *event)
{
    (void)event;
    if (work->ending || (work->state != RUN_STARTING && work->state != RUN_RUNNING))
        return; /* run_finish will say that it is over */
    (void)kill_there(work, 0);
    work_end(d, work);
    d->place_wanted = true;
    round_soon(d, 0);
}

static const struct {
    const char *kind;
    void (*handle)(struct dispatch *, struct work *, const struct event *);
} requests[] = {
    {"cancel", on_cancel},
    {"hold", on_hold},
    {"signal", on_signal_request},
    {"lost", on_lost},
};

struct looking {
    struct dispatch *d;
    bool hosts; /* somebody drained or resumed one */
    struct err *err;
};

static int on_request(const struct event *event, void *arg)
{
    struct looking *looking = arg;
    struct dispatch *d = looking->d;
    d->last_event = event->id;
    if (strcmp(event->kind, "drain") == 0 || strcmp(event->kind, "resume") == 0)
        looking->hosts = true;
    if (strcmp(event->kind, "release") == 0)
        return queue_load_one(d, event->run, looking->err);
    if (strcmp(event->kind, "stop") == 0) {
        stopping_take(d, event->run);
        return 0;
    }
    struct work *work = event->run ? work_find(d, event->run) : NULL;
    if (!work)
        queue_check_wait(d, event->run);
    for (size_t i = 0; work && i < sizeof requests / sizeof *requests; i++)
        if (strcmp(event->kind, requests[i].kind) == 0) {
            requests[i].handle(d, work, event);
            break;
        }
    return 0;
}

/* inotify tells of the write to the WAL; the commit is seen only when its writer has synced the WAL and
 * told the shared index, which is silent. So as long as somebody writes the catalogue is looked at again,
 * less and less often. When nobody does it was our own write, or one that was undone. */
static bool is_changed(struct dispatch *d)
{
    bool written = false;
    if (catalogue_version(d->cat) == d->version)
        written = catalogue_is_written(d->cat);
    int64_t version = catalogue_version(d->cat);
    bool changed = version != d->version;
    d->version = version;
    d->look_due = 0;
    if (changed || !written)
        return changed;
    d->look_due = d->look_delay <= LOOK_MAX_MS ? clock_mono() + d->look_delay : 0;
    d->look_delay *= 2;
    return false;
}

int wake_take(struct dispatch *d, struct err *err)
{
    struct looking looking = {.d = d, .err = err};
    int rc = queue_load(d, err);
    if (rc == 0)
        rc = event_select(d->cat, d->last_event, on_request, &looking, err);
    if (rc == 0 && looking.hosts)
        rc = peer_load_hosts(d, err);
    return rc;
}

int wake_look(struct dispatch *d, struct err *err)
{
    if (!is_changed(d))
        return 0;
    int rc = round_check(d, err);
    if (rc == 0)
        rc = wake_take(d, err);
    return rc < 0 ? rc : tick_plan(d, err);
}
