#include "knownhosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "xalloc.h"

enum { SSH_PORT = 22, FILE_MAX = 64 << 20 };

/* ---- asking ---- */

/* A file that is absent or empty, or /dev/null, holds nobody: to ask of it would cost a process. */
static bool holds_something(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISCHR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_size);
}

void knownhosts_begin(struct knownhosts *known, const char *host, int port, const char *alias,
                      const struct strlist *files1, const struct strlist *files2)
{
    const struct strlist *lists[] = {files1, files2};
    *known = (struct knownhosts){.child = {.fd = -1}};
    if (alias) {
        known->names[0] = xstrdup(alias);
    } else if (port != SSH_PORT) {
        known->names[0] = xasprintf("[%s]:%d", host, port);
        known->names[1] = xstrdup(host);
    } else {
        known->names[0] = xstrdup(host);
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < lists[i]->n; j++)
            if (holds_something(lists[i]->v[j]))
                strlist_add(&known->files, lists[i]->v[j]);
}

static char *take_word(const char **p)
{
    *p += strspn(*p, " \t");
    size_t len = strcspn(*p, " \t");
    char *word = xstrndup(*p, len);
    *p += len;
    return word;
}

/* "[@marker] names type base64 [comment]"; comments begin with '#'. */
static void parse_line(struct knownhosts *known, const char *line, const char *file)
{
    struct knownhost entry = {.mark = KNOWNHOST_HELD};
    if (*line == '#')
        return;
    char *first = take_word(&line);
    if (*first == '@') {
        entry.mark =
            strcmp(first, "@cert-authority") == 0 ? KNOWNHOST_AUTHORITY : KNOWNHOST_REVOKED;
        free(first);
        first = take_word(&line);
    }
    free(first);
    entry.type = take_word(&line);
    entry.key = take_word(&line);
    if (!*entry.type || !*entry.key) {
        free(entry.type);
        free(entry.key);
        return;
    }
    entry.file = xstrdup(file);
    known->v = xreallocarray(known->v, known->n + 1, sizeof *known->v);
    known->v[known->n++] = entry;
}

void knownhosts_parse(struct knownhosts *known, const char *text, const char *file)
{
    while (*text) {
        size_t len = strcspn(text, "\r\n");
        char *line = xstrndup(text, len);
        parse_line(known, line, file);
        free(line);
        text += len;
        text += strspn(text, "\r\n");
    }
}

/* ssh-keygen ends with 1 both when there is no entry and when it cannot read the file: only the
 * second says something on standard error. */
static int take_answer(struct knownhosts *known, const char *file, struct err *err)
{
    char *why = child_complaint(&known->child);
    int rc = 0;
    if (!WIFEXITED(known->child.status) ||
        (WEXITSTATUS(known->child.status) != 0 && *why && !known->child.out.len))
        rc = err_set(err, ERR_CONFIG, "ssh-keygen cannot search %s: %s", file, why);
    else
        knownhosts_parse(known, buf_str(&known->child.out), file);
    free(why);
    return rc;
}

int knownhosts_step(struct knownhosts *known, struct err *err)
{
    for (;;) {
        if (known->file_at == known->files.n) {
            /* the second name counts only where the first has no entry at all */
            if (known->n || known->name_at == 1 || !known->names[1] || !known->files.n)
                return 1;
            known->name_at = 1;
            known->file_at = 0;
        }
        const char *file = known->files.v[known->file_at];
        if (!known->child.begun) {
            const char *argv[] = {"ssh-keygen", "-F", known->names[known->name_at],
                                  "-f",         file, NULL};
            child_begin(&known->child, argv);
        }
        int rc = child_step(&known->child, err);
        if (rc > 0)
            rc = take_answer(known, file, err) < 0 ? err->code : 1;
        if (rc <= 0)
            return rc;
        child_stop(&known->child);
        known->file_at++;
    }
}

void knownhosts_end(struct knownhosts *known)
{
    child_stop(&known->child);
    for (size_t i = 0; i < known->n; i++) {
        free(known->v[i].type);
        free(known->v[i].key);
        free(known->v[i].file);
    }
    free(known->v);
    free(known->names[0]);
    free(known->names[1]);
    strlist_free(&known->files);
    *known = (struct knownhosts){.child = {.fd = -1}};
}

/* ---- judging ---- */

bool knownhosts_has_type(const struct knownhosts *known, const char *type)
{
    for (size_t i = 0; i < known->n; i++)
        if (known->v[i].mark == KNOWNHOST_HELD && strcmp(known->v[i].type, type) == 0)
            return true;
    return false;
}

bool knownhosts_has_authority(const struct knownhosts *known)
{
    for (size_t i = 0; i < known->n; i++)
        if (known->v[i].mark == KNOWNHOST_AUTHORITY)
            return true;
    return false;
}

enum knownhosts_verdict knownhosts_check(const struct knownhosts *known, const char *type,
                                         const char *key, const struct knownhost **entry)
{
    const struct knownhost *held = NULL, *match = NULL, *revoked = NULL;
    for (size_t i = 0; i < known->n; i++) {
        const struct knownhost *e = &known->v[i];
        bool same = strcmp(e->type, type) == 0 && strcmp(e->key, key) == 0;
        if (same && e->mark == KNOWNHOST_REVOKED)
            revoked = e;
        if (same && e->mark == KNOWNHOST_HELD)
            match = e;
        if (e->mark == KNOWNHOST_HELD)
            held = e;
    }
    const struct knownhost *decides = revoked ? revoked : match ? match : held;
    if (!decides && known->n)
        decides = &known->v[0];
    if (entry)
        *entry = decides;
    if (revoked)
        return KNOWNHOSTS_REVOKED; /* wherever it stands, it outweighs an entry that matches */
    if (match)
        return KNOWNHOSTS_MATCH;
    if (held)
        return KNOWNHOSTS_CHANGED;
    return known->n ? KNOWNHOSTS_AUTHORITY : KNOWNHOSTS_UNKNOWN;
}

const char *knownhosts_name(const struct knownhosts *known)
{
    return known->names[0];
}

/* ---- accept-new ---- */

static void make_parent(const char *file)
{
    char *dir = xstrdup(file);
    char *slash = strrchr(dir, '/');
    if (slash && slash != dir) {
        *slash = '\0';
        (void)io_mkdirs(dir, 0700, NULL); /* open says what is wrong */
    }
    free(dir);
}

/* Whether an entry for the name was added since it was asked for: several links to one host do so at
 * the same time. 1: this one; 0: none; negative: another one, which the next attempt sees. */
static int was_added(const char *text, const char *name, const char *line, const char *file,
                     struct err *err)
{
    size_t name_len = strlen(name), line_len = strlen(line);
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        if (strncmp(text, name, name_len) != 0 || text[name_len] != ' ')
            continue;
        if (strncmp(text, line, line_len) == 0)
            return 1;
        return err_set(err, ERR_UNREACHABLE,
                       "another host key of %s was added to %s in the meantime: it is not "
                       "believed with this one",
                       name, file);
    }
    return 0;
}

int knownhosts_add(const char *file, const char *name, const char *type, const char *key,
                   struct err *err)
{
    struct buf text = {0};
    char *line = xasprintf("%s %s %s\n", name, type, key);
    make_parent(file);
    int fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int rc = fd < 0 ? err_sys(err, ERR_IO, "cannot add the host key to %s", file) : 0;
    /* The lock keeps two of us from both adding the same, and from both seeing a file without a last
     * newline. One write with O_APPEND keeps the entry whole even against programs that do not know
     * the lock. */
    if (rc == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK
                 ? err_set(err, ERR_BUSY, "%s is locked by another program: try again", file)
                 : err_sys(err, ERR_IO, "cannot lock %s", file);
    if (rc == 0)
        rc = io_read_all(fd, FILE_MAX, &text, err);
    if (rc == 0)
        rc = was_added(buf_str(&text), name, line, file, err);
    if (rc == 0) {
        bool whole = !text.len || buf_data(&text)[text.len - 1] == '\n';
        buf_reset(&text);
        buf_addf(&text, "%s%s", whole ? "" : "\n", line);
        if (write(fd, buf_data(&text), text.len) != (ssize_t)text.len)
            rc = err_sys(err, ERR_IO, "cannot add the host key to %s", file);
    }
    buf_free(&text);
    free(line);
    if (fd >= 0)
        close(fd);
    return rc < 0 ? rc : 0;
}
