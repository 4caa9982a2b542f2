#include "worker/account.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "io.h"
#include "proc.h"
#include "xalloc.h"

enum { PASSWD_MAX = 16 << 20, ANSWER_MAX = 1 << 20, ASK_MS = 3000 };

/* For how long an answer is believed. That there was none is remembered too, or a directory service that
 * hangs would stop the front end anew for each run. */
enum { KEEP_MS = 60000, KEEP_PROBLEM_MS = 30000 };

/* ---- asking a program ---- */

/* Reads the answer until its end, the deadline or a size that no answer has. */
static bool read_answer(int fd, struct buf *answer)
{
    int64_t until = clock_mono() + ASK_MS;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until - clock_mono();
        if (left <= 0 || answer->len > ANSWER_MAX || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
            return false;
        if (!p.revents)
            continue;
        ssize_t n = read(fd, buf_room(answer, 4096), 4096);
        if (n <= 0)
            return n == 0;
        buf_grew(answer, (size_t)n);
    }
}

/* The standard output of a program. Its exit status; ERR_OS when it did not run or did not answer. */
static int ask(char *const argv[], struct buf *answer, struct err *err)
{
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_sys(err, ERR_OS, "cannot make a pipe");
    pid_t pid = proc_spawn(argv, -1, ends[1], -1, err);
    close(ends[1]);
    bool whole = pid > 0 && read_answer(ends[0], answer);
    close(ends[0]);
    if (pid < 0)
        return ERR_OS;
    if (!whole) /* it is not waited for: it may be stuck in the kernel. custody_reap gets it */
        (void)kill(pid, SIGKILL);
    while (whole && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!whole || !WIFEXITED(status))
        return err_set(err, ERR_OS, "%s gave no answer within %d s", argv[0], ASK_MS / 1000);
    return WEXITSTATUS(status);
}

/* ---- password entries ---- */

/* "name:pw:uid:gid:gecos:home:shell" when it is the one wanted (by name, or by uid when name is NULL). */
static struct account *parse_entry(const char *line, size_t len, const char *name, uid_t uid)
{
    char *copy = xstrndup(line, len), *field[7] = {copy};
    int n = 1;
    for (char *p = copy; *p && n < 7; p++)
        if (*p == ':') {
            *p = '\0';
            field[n++] = p + 1;
        }
    struct account *account = NULL;
    if (n == 7 && isdigit((unsigned char)*field[2]) && isdigit((unsigned char)*field[3])) {
        uid_t its = (uid_t)strtoul(field[2], NULL, 10);
        if (name ? strcmp(field[0], name) == 0 : its == uid) {
            account = xcalloc(1, sizeof *account);
            account->name = xstrdup(field[0]);
            account->uid = its;
            account->gid = (gid_t)strtoul(field[3], NULL, 10);
            account->home = xstrdup(*field[5] ? field[5] : "/");
            account->shell = xstrdup(*field[6] ? field[6] : "/bin/sh");
        }
    }
    free(copy);
    return account;
}

static struct account *find_entry(const struct buf *text, const char *name, uid_t uid)
{
    const char *p = text->len ? buf_data(text) : "", *end = p + text->len;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        struct account *account = parse_entry(p, (size_t)(stop - p), name, uid);
        if (account)
            return account;
        p = newline ? newline + 1 : end;
    }
    return NULL;
}

/* NULL with the reason when there is none, or nobody to ask. */
static struct account *look_up(const char *name, uid_t uid, struct err *err)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%u", (unsigned)uid);
    struct buf text = {0};
    struct account *account = NULL;
    int rc = 0;
    if (io_read_file("/etc/passwd", PASSWD_MAX, &text, NULL) == 0)
        account = find_entry(&text, name, uid);
    if (!account) {
        char *argv[] = {"getent", "passwd", name ? (char *)name : number, NULL};
        buf_reset(&text);
        rc = ask(argv, &text, err);
        if (rc == 0)
            account = find_entry(&text, name, uid);
    }
    buf_free(&text);
    /* a getent that is there and does not answer proves nothing; where there is none the file is all */
    if (!account && (rc >= 0 || access("/usr/bin/getent", X_OK) < 0))
        (void)err_set(err, ERR_CONFIG, "no such user on this host: %s", name ? name : number);
    return account;
}

/* ---- interface ---- */

static struct account *from_environment(void)
{
    struct account *account = xcalloc(1, sizeof *account);
    const char *user = getenv("USER"), *home = getenv("HOME");
    account->uid = geteuid();
    account->gid = getegid();
    account->name = user ? xstrdup(user) : xasprintf("%u", (unsigned)geteuid());
    account->home = xstrdup(home ? home : "/");
    account->shell = xstrdup("/bin/sh");
    return account;
}

struct account *account_own(void)
{
    struct account *account = look_up(NULL, geteuid(), NULL);
    if (!account)
        account = from_environment();
    const char *seam = getenv("ROTA_TEST_HOME");
    if (seam) {
        free(account->home);
        account->home = xstrdup(seam);
    }
    return account;
}

static int add_groups(struct account *account, struct err *err)
{
    struct buf text = {0};
    char *argv[] = {"id", "-G", account->name, NULL};
    int rc = ask(argv, &text, err);
    if (rc > 0)
        rc = err_set(err, ERR_OS, "'id -G %s' failed on this host", account->name);
    for (char *p = rc == 0 ? buf_str(&text) : ""; isdigit((unsigned char)*p);) {
        account->groups =
            xreallocarray(account->groups, account->ngroups + 1, sizeof *account->groups);
        account->groups[account->ngroups++] = (gid_t)strtoul(p, &p, 10);
        while (*p == ' ')
            p++;
    }
    if (rc == 0 && !account->ngroups)
        rc = err_set(err, ERR_OS, "'id -G %s' said nothing on this host", account->name);
    buf_free(&text);
    return rc;
}

static void forget_old(struct accounts *cache)
{
    int64_t now = clock_mono();
    for (struct account **link = &cache->first; *link;) {
        struct account *a = *link;
        if (now - a->asked_at > (a->problem ? KEEP_PROBLEM_MS : KEEP_MS)) {
            *link = a->next;
            account_free(a);
        } else {
            link = &a->next;
        }
    }
}

/* Never NULL: where there is no such account its place is taken by the problem. */
static struct account *ask_account(const char *name)
{
    struct err err = {0};
    struct account *account = look_up(name, 0, &err);
    if (!account || add_groups(account, &err) < 0) {
        account_free(account);
        account = xcalloc(1, sizeof *account);
        account->name = xstrdup(name);
        account->problem = xstrdup(err.msg);
        account->code = err.code;
    }
    account->asked_at = clock_mono();
    return account;
}

int account_get(struct accounts *cache, const char *name, const struct account **account,
                struct err *err)
{
    *account = NULL;
    forget_old(cache);
    struct account *found = cache->first;
    while (found && strcmp(found->name, name) != 0)
        found = found->next;
    if (!found) {
        found = ask_account(name);
        found->next = cache->first;
        cache->first = found;
    }
    if (found->problem)
        return err_set(err, found->code, "%s", found->problem);
    *account = found;
    return 0;
}

struct account *account_copy(const struct account *from)
{
    struct account *account = xmemdup(from, sizeof *from);
    account->name = xstrdup(from->name);
    account->home = xstrdup(from->home);
    account->shell = xstrdup(from->shell);
    account->groups =
        from->ngroups ? xmemdup(from->groups, from->ngroups * sizeof *from->groups) : NULL;
    account->next = NULL;
    return account;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    free(account->name);
    free(account->home);
    free(account->shell);
    free(account->groups);
    free(account->problem);
    free(account);
}

void accounts_free(struct accounts *cache)
{
    for (struct account *a = cache->first, *next; a; a = next) {
        next = a->next;
        account_free(a);
    }
    cache->first = NULL;
}
