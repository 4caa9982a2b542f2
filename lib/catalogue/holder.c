/* Who dispatches: one process a catalogue. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "internal.h"
#include "proc.h"

int64_t holder_lease(void)
{
    const char *seam = getenv("ROTA_TEST_LEASE_MS");
    int64_t ms = seam ? strtoll(seam, NULL, 10) : 0;
    return ms > 0 ? ms : HOLDER_LEASE_MS;
}

/* pids and start times mean something only inside one pid namespace: a holder in another container
 * of this machine cannot be looked for, only its lease can run out. */
static uint64_t own_pid_space(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

static void copy_text(char *to, size_t size, const unsigned char *text)
{
    (void)snprintf(to, size, "%s", text ? (const char *)text : "");
}

/* The holder as recorded; pid 0 when nobody holds the catalogue. */
static int read_holder(struct catalogue *cat, struct holder *holder, struct err *err)
{
    static const char READ[] =
        "SELECT boot, pid, pid_space, start, host, fence, since, expires, seen_at, longest_us"
        " FROM holder WHERE one = 1";
    sqlite3_stmt *stmt;
    *holder = (struct holder){0};
    int rc = statement_start(cat, READ, NO_VALUES, &stmt, err);
    if (rc == 0)
        rc = statement_next(cat, stmt, err);
    if (rc <= 0)
        return rc;
    copy_text(holder->boot, sizeof holder->boot, sqlite3_column_text(stmt, 0));
    holder->pid = (pid_t)sqlite3_column_int64(stmt, 1);
    holder->pid_space = (uint64_t)sqlite3_column_int64(stmt, 2);
    holder->start = (uint64_t)sqlite3_column_int64(stmt, 3);
    copy_text(holder->host, sizeof holder->host, sqlite3_column_text(stmt, 4));
    holder->fence = sqlite3_column_int64(stmt, 5);
    holder->since = sqlite3_column_int64(stmt, 6);
    holder->expires = sqlite3_column_int64(stmt, 7);
    holder->seen_at = sqlite3_column_int64(stmt, 8);
    holder->longest_us = sqlite3_column_int64(stmt, 9);
    statement_end(stmt);
    return 0;
}

/* A catalogue is on a local filesystem, so everybody who uses it runs on this machine: another boot
 * id proves a reboot since. */
static bool is_dead(const struct holder *holder)
{
    char boot[PROC_ID_TEXT];
    proc_boot_id(boot);
    if (boot[0] && holder->boot[0] && strcmp(boot, holder->boot) != 0)
        return true;
    return holder->pid_space == own_pid_space() && proc_start_time(holder->pid) != holder->start;
}

/* The lease is in CLOCK_MONOTONIC, the same for all processes of a boot: neither a step of the wall
 * clock nor a suspended machine makes a living holder look stopped. */
static bool is_over(const struct holder *holder)
{
    return !holder->pid || is_dead(holder) || clock_mono() >= holder->expires;
}

static int busy(const struct holder *holder, struct err *err)
{
    return err_set(err, ERR_BUSY, "process %d on %s dispatches this catalogue", (int)holder->pid,
                   holder->host);
}

static void fill_self(struct holder *holder)
{
    *holder = (struct holder){.pid = getpid(),
                              .pid_space = own_pid_space(),
                              .start = proc_start_time(getpid()),
                              .since = clock_now(),
                              .expires = clock_mono() + holder_lease()};
    proc_boot_id(holder->boot);
    if (gethostname(holder->host, sizeof holder->host) < 0)
        holder->host[0] = '\0';
    holder->host[sizeof holder->host - 1] = '\0';
}

/* Another may have raised it since we opened the catalogue. */
static int read_epoch(struct catalogue *cat, struct err *err)
{
    static const char EPOCH[] = "SELECT epoch FROM meta WHERE one = 1";
    return statement_int(cat, EPOCH, NO_VALUES, 0, &cat->epoch, err);
}

static int replace(struct catalogue *cat, struct holder *holder, struct err *err)
{
    static const char TAKE[] = "UPDATE holder SET boot = ?1, pid = ?2, pid_space = ?3, start = ?4,"
                               " host = ?5, fence = ?6, since = ?7, expires = ?8, seen_at = ?7,"
                               " longest_us = 0 WHERE one = 1";
    struct holder old;
    int rc = read_holder(cat, &old, err);
    if (rc < 0)
        return rc;
    if (!is_over(&old)) {
        *holder = old;
        return busy(&old, err);
    }
    fill_self(holder);
    holder->fence = old.fence + 1;
    rc = statement_write(cat, TAKE,
                         VALUES(as_text(holder->boot), as_int(holder->pid),
                                as_int((int64_t)holder->pid_space), as_int((int64_t)holder->start),
                                as_text(holder->host), as_int(holder->fence), as_int(holder->since),
                                as_int(holder->expires)),
                         err);
    return rc < 0 ? rc : 0;
}

/* held NULL: it does not take over. */
static int take(struct catalogue *cat, struct holder *holder, const char *actor, int64_t *held,
                struct err *err)
{
    /* first without the write lock: every minute cron starts a dispatcher that finds another one */
    int rc = read_holder(cat, holder, err);
    if (rc == 0 && !is_over(holder))
        return busy(holder, err);
    *holder = (struct holder){0};
    if (rc == 0)
        rc = catalogue_begin(cat, err);
    if (rc < 0)
        return rc;
    rc = replace(cat, holder, err);
    if (rc == 0 && held)
        rc = takeover_record(cat, actor, held, err);
    if (rc == 0)
        rc = read_epoch(cat, err);
    if (rc == 0)
        rc = catalogue_commit(cat, err);
    catalogue_rollback(cat);
    return rc;
}

int holder_take(struct catalogue *cat, struct holder *holder, struct err *err)
{
    return take(cat, holder, NULL, NULL, err);
}

int holder_take_over(struct catalogue *cat, struct holder *holder, const char *actor, int64_t *held,
                     struct err *err)
{
    *held = 0;
    return take(cat, holder, actor, held, err);
}

/* As the first statement of each write transaction this is the fence: whoever lost the catalogue
 * while it was stopped reads another fence under the write lock, and writes nothing more. */
int holder_renew(struct catalogue *cat, struct holder *holder, struct err *err)
{
    static const char FENCE[] = "SELECT fence FROM holder WHERE one = 1 AND pid IS NOT NULL";
    static const char RENEW[] = "UPDATE holder SET expires = ?1, seen_at = ?3, longest_us = ?4"
                                " WHERE one = 1 AND fence = ?2";
    int64_t fence, now = clock_mono();
    int rc = statement_int(cat, FENCE, NO_VALUES, 0, &fence, err);
    if (rc < 0)
        return rc;
    if (fence != holder->fence)
        return err_set(
            err, ERR_BUSY,
            "another dispatcher has taken the catalogue %s: this one was stopped too long",
            cat->path);
    if (holder->expires - now > holder_lease() / 2)
        return 0;
    holder->expires = now + holder_lease();
    rc = statement_write(cat, RENEW,
                         VALUES(as_int(holder->expires), as_int(holder->fence), as_int(clock_now()),
                                as_int(holder->longest_us)),
                         err);
    return rc < 0 ? rc : 0;
}

int holder_release(struct catalogue *cat, const struct holder *holder, struct err *err)
{
    static const char RELEASE[] = "UPDATE holder SET boot = NULL, pid = NULL, pid_space = NULL,"
                                  " start = NULL, host = NULL, since = NULL, expires = NULL,"
                                  " seen_at = ?2, longest_us = ?3"
                                  " WHERE one = 1 AND fence = ?1";
    int rc = catalogue_begin(cat, err);
    if (rc < 0)
        return rc;
    rc = statement_write(
        cat, RELEASE,
        VALUES(as_int(holder->fence), as_int(clock_now()), as_int(holder->longest_us)), err);
    if (rc >= 0)
        rc = catalogue_commit(cat, err);
    catalogue_rollback(cat);
    return rc;
}

int holder_get(struct catalogue *cat, struct holder *holder, bool *alive, struct err *err)
{
    *alive = false;
    int rc = read_holder(cat, holder, err);
    if (rc < 0)
        return rc;
    if (!holder->pid)
        return err_set(err, ERR_ANSWER, "nobody dispatches this catalogue");
    *alive = !is_over(holder);
    return 0;
}

/* What a holder that died leaves is its last renewal, and of one that a reboot ended not even that. */
int holder_silence(struct catalogue *cat, int64_t *ms, struct err *err)
{
    static const char LEFT[] = "SELECT seen_at FROM holder WHERE one = 1";
    struct holder holder;
    char boot[PROC_ID_TEXT];
    int64_t seen_at;
    *ms = 0;
    int rc = read_holder(cat, &holder, err);
    if (rc < 0 || !is_over(&holder))
        return rc;
    if (holder.pid) {
        bool here = strcmp(proc_boot_id(boot), holder.boot) == 0;
        *ms = clock_mono() - (here ? holder.expires - holder_lease() : 0);
        return 0;
    }
    rc = statement_int(cat, LEFT, NO_VALUES, 0, &seen_at, err);
    *ms = seen_at ? clock_now() - seen_at : INT64_MAX;
    return rc;
}
