#include "dispatch/checkup.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "catalogue/vitals.h"
#include "clock.h"
#include "log.h"
#include "proc.h"

enum {
    AGE_MS = 50000,  /* of the last check: a minute, less what it may have begun late */
    LAST_MS = 35000, /* the 30 s that a message may take, and the look before it; a timer of systemd
                        starts no next dispatcher before we end, so well under a minute */
};

pid_t checkup_start(struct err *err)
{
    char check[] = "check", quiet[] = "-q";
    char *program = proc_find_sibling("rota-monitor");
    if (!program)
        return err_set(err, ERR_OS, "cannot find rota-monitor (is rota installed?)");
    char *argv[] = {program, check, quiet, NULL};
    pid_t pid = proc_spawn_apart(argv, -1, -1, -1, err);
    free(program);
    return pid;
}

int checkup_is_due(const struct config *config, struct catalogue *cat, bool *due, struct err *err)
{
    int64_t now = clock_now(), at;
    *due = false;
    if (!config_is_monitored(config) || catalogue_owner(cat) != geteuid())
        return 0;
    int rc = monitor_checked_at(cat, &at, err);
    /* one in the future was before the clock was set back */
    *due = rc == 0 && (now - at >= AGE_MS || at > now);
    return rc;
}

/*
 * systemd ends, with its default KillMode=control-group, what a service leaves behind, in a session of its
 * own or not. It says in INVOCATION_ID that we run in one, as does a desktop whose terminals are
 * services; nobody at a terminal is to wait. Not so cron: what it starts may leave processes behind.
 */
static bool ends_with_us(void)
{
    return getenv("INVOCATION_ID") && !isatty(STDERR_FILENO);
}

/* Reaps it when it is over. */
static bool lives(pid_t *pid)
{
    if (*pid && waitpid(*pid, NULL, WNOHANG) != 0)
        *pid = 0;
    return *pid != 0;
}

void checkup_await(pid_t last, pid_t earlier)
{
    sigset_t set;
    int64_t until = clock_mono() + LAST_MS, left;
    if (!ends_with_us())
        return;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGCHLD, SIG_DFL); /* who started us may have ignored it */
    /* before the look: the end of what lives then wakes us */
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    while ((lives(&last) || lives(&earlier)) && (left = until - clock_mono()) > 0) {
        struct timespec ts = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        int sig = sigtimedwait(&set, NULL, &ts);
        if (sig > 0 && sig != SIGCHLD)
            break;
    }
}

pid_t checkup_last(void)
{
    struct err err;
    pid_t pid = checkup_start(&err);
    if (pid < 0)
        log_warn("alerts are not sent from here: %s", err.msg);
    return pid < 0 ? 0 : pid;
}
