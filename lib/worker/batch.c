#include "worker/batch.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "worker/executor.h"
#include "worker/handover.h"
#include "worker/shim.h"
#include "worker/ticket.h"
#include "worker/tree.h"
#include "xalloc.h"

enum { GROUP_MAX = 1 << 20, CELL = 1, CELLS = 2 };

/* What of a run's environment is rota's to say; all else that Slurm sets is the run's. */
static bool is_ours(const char *entry)
{
    static const char *const names[] = {
        "HOME=", "USER=", "LOGNAME=", "SHELL=", "PATH=", "LANG=", "PWD="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    return strncmp(entry, "ROTA_", 5) == 0;
}

/* Before what the job sets, which wins. */
static void add_environment(struct order *order)
{
    struct strlist env = {0};
    for (char **entry = environ; *entry; entry++)
        if (!is_ours(*entry))
            strlist_add(&env, *entry);
    strlist_copy(&env, &order->env);
    strlist_free(&order->env);
    order->env = env;
}

/* ---- which ---- */

/* Line n of the group, from 0; free. NULL: there is none. */
static char *read_member(const char *group, unsigned long n)
{
    struct buf text = {0};
    struct err err;
    char *member = NULL;
    if (io_read_file(group, GROUP_MAX, &text, &err) == 0) {
        const char *line = buf_str(&text);
        for (; n && line; n--) {
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
        }
        if (line && *line)
            member = xstrndup(line, strcspn(line, "\n"));
    }
    buf_free(&text);
    return member;
}

static const char *env_of(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

/* What Slurm calls it, for which group, and where it is: for the carrier, which may know it as another job. */
static int tell_where(const char *base, const char *name, const char *token, struct err *err)
{
    const char *index = getenv("SLURM_ARRAY_TASK_ID");
    const char *id = env_of(index ? "SLURM_ARRAY_JOB_ID" : "SLURM_JOB_ID");
    char *text = xasprintf("%s%s%s %s %s\n", id, index ? "_" : "", index ? index : "", token,
                           env_of("SLURM_JOB_NODELIST"));
    int rc = ticket_put(base, name, "run/slurm", text, strlen(text), err);
    free(text);
    return rc;
}

/* ---- as a shim ---- */

/* What is running, for the end: there is one run in this process. */
static const char *the_base, *the_name;

/* Slurm tells a job to end, whoever wants it: the carrier says whether that was us (ticket.h). */
static enum message_end why_told(const char **reason)
{
    *reason = BATCH_TOLD;
    return ticket_has(the_base, the_name, "cancel") ? END_CANCELLED : END_LOST;
}

static int keep_at(int fd, int at, struct err *err)
{
    if (fd < 0 || dup3(fd, at, O_CLOEXEC) < 0)
        return err_sys(err, ERR_OS, "cannot set the run up");
    return 0;
}

/* The descriptors of shim.h. */
static int open_fixed(const char *run, struct shim_task *task, struct err *err)
{
    char *journal = xasprintf("%s/journal", run);
    closefrom(3);
    for (int fd = 3; fd < FD_FREE; fd++)
        if (open("/dev/null", O_RDWR | O_CLOEXEC) != fd)
            return err_sys(err, ERR_OS, "cannot open /dev/null");
    int rc = keep_at(open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC), FD_CELLS, err);
    task->journal = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (rc == 0 && task->journal < 0)
        rc = err_sys(err, ERR_IO, "cannot make %s", journal);
    free(journal);
    return rc;
}

/* The cell of a run that is alone in its spool; nobody else looks at it. */
static struct cells own_cells(void)
{
    static struct cell slots[CELLS];
    return (struct cells){.slot = slots, .dir = FD_CELLS, .table = -1, .made = CELLS};
}

static void hand_in(const char *run)
{
    char *from = xasprintf("%s/journal", run), *to = xasprintf("%s/result", run);
    (void)rename(from, to);
    free(from);
    free(to);
}

/* Waits for the shim, which a SIGTERM to us is meant for; false: it was killed. */
static bool wait_for_shim(pid_t shim)
{
    sigset_t wanted;
    int status = 0;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGCHLD);
    for (;;) {
        if (waitpid(shim, &status, WNOHANG) == shim)
            return WIFEXITED(status);
        if (sigwaitinfo(&wanted, NULL) == SIGTERM)
            (void)kill(shim, SIGTERM);
    }
}

/* The shim was killed: what it started fell to us. Slurm may not find it (proctrack/linuxproc goes by parents). */
static void end_orphans(void)
{
    sigset_t child;
    const struct timespec pause = {.tv_nsec = 50000000};
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    for (;;) {
        (void)tree_signal(SIGKILL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (waitpid(-1, NULL, WNOHANG) < 0)
            return;
        (void)sigtimedwait(&child, NULL, &pause);
    }
}

/* What the shim has told before it was killed stands. */
static bool has_told(int journal)
{
    struct stat st;
    return fstat(journal, &st) == 0 && st.st_size >= (off_t)sizeof(struct record);
}

static void report_orphaned(const struct shim_task *task)
{
    struct record record;
    memset(&record, 0, sizeof record);
    record.kind = RECORD_RESULT;
    record.key = task->order->key;
    record.at = moment_now(task->started.boot);
    record.result.end = END_LOST;
    record.result.duration = moment_age(&task->started, task->started.boot);
    (void)snprintf(record.result.reason, sizeof record.result.reason,
                   "its supervisor on the node is gone (killed, or out of memory)");
    for (int i = 0; i < CELL_STREAMS; i++) {
        struct stat st;
        int fd = cell_open(FD_CELLS, CELL, i, O_RDONLY);
        if (fd >= 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size <= task->order->out_limit / 2)
            record.result.total[i] = (uint64_t)st.st_size;
        if (fd >= 0)
            close(fd);
    }
    record_seal(&record);
    (void)record_append(task->journal, &record, 1, NULL);
}

/* In a process of its own: should that be killed, we are there to end what it leaves, and should we be, it ends all. */
static int guard(const struct shim_task *task, const char *run, struct err *err)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t shim = fork();
    if (shim == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != task->front)
            _exit(1); /* what it would execute would go on after the run was called lost */
        shim_main(task);
    }
    if (shim < 0)
        return err_sys(err, ERR_OS, "cannot fork on this node");
    if (!wait_for_shim(shim)) {
        end_orphans();
        if (!has_told(task->journal))
            report_orphaned(task);
    }
    hand_in(run);
    return 0;
}

static int tend(const char *base, const char *name, struct order *order, struct err *err)
{
    struct account *own = account_own();
    struct cells cells = own_cells();
    char *run = xasprintf("%s/%s/run", base, name);
    struct shim_task task = {.order = order,
                             .cells = &cells,
                             .started = moment_now(moment_boot()),
                             .front = getpid(),
                             .why_told = why_told};
    the_base = base;
    the_name = name;
    order->executor = order->work;
    order->own = own;
    order->cell = CELL;
    add_environment(order);
    int rc = open_fixed(run, &task, err);
    if (rc == 0) {
        order->lock = fcntl(FD_NULL, F_DUPFD_CLOEXEC, FD_FREE); /* nobody looks for a lock here */
        order->output = handover_path_in(order, run);
        rc = guard(&task, run, err);
    }
    account_free(own);
    free(run);
    return rc;
}

/* Only who makes the claim executes the run. Where it was made before, Slurm was given the run twice or began it
 * again (requeue): what is there stands. */
int batch_run(const char *group, struct err *err)
{
    static const char GROUPS[] = "/groups/";
    const char *slash = NULL; /* the last: homes may be below one too */
    for (const char *p = group; (p = strstr(p, GROUPS)); p++)
        slash = p;
    char *base = slash ? xstrndup(group, (size_t)(slash - group)) : NULL;
    char *name = base ? read_member(group, strtoul(env_of("SLURM_ARRAY_TASK_ID"), NULL, 10)) : NULL;
    struct order *order = name ? ticket_read(base, name) : NULL;
    int rc = order ? ticket_claim(base, name, true, err)
                   : err_set(err, ERR_IO, "cannot read the run of %s", group);
    (void)umask(022);
    if (order && rc == 0 && tell_where(base, name, slash + strlen(GROUPS), err) == 0)
        rc = tend(base, name, order, err);
    order_free(order);
    free(name);
    free(base);
    return rc < 0 ? rc : 0;
}
