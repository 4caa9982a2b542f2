#include "worker/ticket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32.h"
#include "io.h"
#include "xalloc.h"

enum { ORDER_MAX = MESSAGE_MAX + 256 };

/* ---- names ---- */

/* In the home where the spool is not, because homes are on a network: that is where nodes find it. */
char *ticket_base(const char *spool, const char *base, const char *home)
{
    const char *name = strrchr(spool, '/'), *uuid = name;
    if (base || strncmp(spool, "/var/tmp/", 9) != 0)
        return xasprintf("%s/slurm", spool);
    while (uuid > spool && uuid[-1] != '/')
        uuid--;
    return xasprintf("%s/.local/state/rota-worker/%s/slurm", home, uuid);
}

void ticket_name(struct message_key key, char name[TICKET_NAME])
{
    (void)snprintf(name, TICKET_NAME, "%016" PRIx64 ".%" PRIu64 ".%" PRIu32, key.token, key.run,
                   key.attempt);
}

bool ticket_key(const char *name, struct message_key *key)
{
    char again[TICKET_NAME];
    if (sscanf(name, "%16" SCNx64 ".%20" SCNu64 ".%10" SCNu32, &key->token, &key->run,
               &key->attempt) != 3)
        return false;
    ticket_name(*key, again);
    return strcmp(name, again) == 0;
}

static char *path_of(const char *base, const char *name, const char *file)
{
    return xasprintf("%s/%s/%s", base, name, file);
}

/* ---- files ---- */

bool ticket_has(const char *base, const char *name, const char *file)
{
    char *path = path_of(base, name, file);
    bool has = access(path, F_OK) == 0;
    int saved = errno;
    free(path);
    errno = saved;
    return has;
}

static int write_file(const char *path, const void *p, size_t len, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make %s", path);
    int rc = io_write_all(fd, p, len, err);
    if (close(fd) < 0 && rc == 0) /* where a network filesystem tells of a full disk */
        rc = err_sys(err, ERR_IO, "cannot write %s", path);
    return rc;
}

int ticket_put(const char *base, const char *name, const char *file, const void *p, size_t len,
               struct err *err)
{
    char *path = path_of(base, name, file), *new = xasprintf("%s.new", path);
    int rc = write_file(new, p, len, err);
    if (rc == 0 && rename(new, path) < 0)
        rc = err_sys(err, ERR_IO, "cannot make %s", path);
    free(path);
    free(new);
    return rc;
}

bool ticket_get(const char *base, const char *name, const char *file, size_t max, struct buf *out)
{
    struct err err;
    char *path = path_of(base, name, file);
    int rc = io_read_file(path, max, out, &err);
    free(path);
    return rc == 0;
}

bool ticket_get_record(const char *base, const char *name, const char *file, struct record *record)
{
    struct buf text = {0};
    struct message_key key;
    bool good = ticket_key(name, &key) && ticket_get(base, name, file, sizeof *record, &text) &&
                text.len == sizeof *record;
    if (good)
        memcpy(record, buf_data(&text), sizeof *record);
    buf_free(&text);
    return good && record_is_good(record) && record->kind == RECORD_RESULT &&
           record->key.run == key.run && record->key.attempt == key.attempt &&
           record->key.token == key.token;
}

/* ---- orders ---- */

int ticket_write(const char *base, const struct order *order, const struct message *start,
                 struct err *err)
{
    char name[TICKET_NAME];
    struct buf text = {0};
    ticket_name(order->key, name);
    if (ticket_has(base, name, "order"))
        return 0;
    char *dir = xasprintf("%s/%s", base, name);
    int rc = io_mkdirs(dir, 0700, err);
    free(dir);
    buf_addf(&text, "rota order 1 %d %zu %08" PRIx32 "\n", order->cell, start->len,
             crc32_update(0, start->p, start->len));
    buf_add(&text, start->p, start->len);
    if (rc == 0)
        rc = ticket_put(base, name, "order", buf_data(&text), text.len, err);
    buf_free(&text);
    return rc;
}

static struct order *parse_order(const struct buf *text)
{
    int cell, head = 0;
    size_t len;
    uint32_t crc;
    const char *p = buf_data(text);
    if (sscanf(p, "rota order 1 %d %zu %" SCNx32 "%n", &cell, &len, &crc, &head) != 3 || !head ||
        p[head] != '\n' || len != text->len - (size_t)head - 1)
        return NULL;
    struct message start = {MSG_START, (const unsigned char *)p + head + 1, len};
    if (crc32_update(0, start.p, len) != crc) /* its fields were checked when it came */
        return NULL;
    struct order *order = order_read(&start);
    order->cell = cell;
    return order;
}

struct order *ticket_read(const char *base, const char *name)
{
    struct buf text = {0};
    struct message_key key;
    struct order *order = NULL;
    if (ticket_key(name, &key) && ticket_get(base, name, "order", ORDER_MAX, &text)) {
        (void)buf_str(&text); /* sscanf stops at its NUL */
        order = parse_order(&text);
    }
    buf_free(&text);
    return order;
}

/* A run has its directory before it has its claim, which leads there. */
int ticket_claim(const char *base, const char *name, bool begins, struct err *err)
{
    char *path = path_of(base, name, "claim"), *run = path_of(base, name, "run");
    int rc = begins && mkdir(run, 0700) < 0 && errno != EEXIST ? -1 : 0;
    if (rc == 0 && symlink(begins ? "run" : "never", path) < 0)
        rc = errno == EEXIST ? 1 : -1;
    if (rc < 0)
        rc = err_sys(err, ERR_IO, "cannot make %s", path);
    free(path);
    free(run);
    return rc;
}

/* ---- going ---- */

static const char GONE[] = ".gone"; /* the end of the name of what is no ticket any more */

static void empty(const char *dir)
{
    DIR *d = opendir(dir);
    for (const struct dirent *entry; d && (entry = readdir(d));)
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    if (d)
        (void)closedir(d);
}

static void remove_gone(const char *dir)
{
    char *run = xasprintf("%s/run", dir);
    empty(run);
    (void)rmdir(run);
    empty(dir);
    (void)rmdir(dir);
    free(run);
}

/* Under another name first: a ticket with some of its files would be taken for one that is new. */
void ticket_remove(const char *base, const char *name)
{
    char *dir = xasprintf("%s/%s", base, name), *gone = xasprintf("%s%s", dir, GONE);
    if (rename(dir, gone) == 0)
        remove_gone(gone);
    free(dir);
    free(gone);
}

void tickets_sweep(const char *base)
{
    DIR *d = opendir(base);
    for (const struct dirent *entry; d && (entry = readdir(d));) {
        const char *end = strstr(entry->d_name, GONE);
        char *dir = xasprintf("%s/%s", base, entry->d_name);
        if (end && !end[sizeof GONE - 1])
            remove_gone(dir);
        free(dir);
    }
    if (d)
        (void)closedir(d);
}

void tickets_each(const char *base, void (*each)(const char *name, void *arg), void *arg)
{
    struct message_key key;
    DIR *d = opendir(base);
    for (const struct dirent *entry; d && (entry = readdir(d));)
        if (ticket_key(entry->d_name, &key))
            each(entry->d_name, arg);
    if (d)
        (void)closedir(d);
}
