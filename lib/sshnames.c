#include "sshnames.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "xalloc.h"

enum {
    FILE_MAX = 4 << 20,
    DEPTH_MAX = 16, /* as ssh has it */
};

/* What a Host line begins: it ends at the next one, at a Match, or with the file. */
struct block {
    struct strlist names;
    bool git, one; /* its user is git; it gives all of its names one HostName */
};

struct reader {
    char *home;
    int depth;
    struct strlist *names;
};

static int read_file(struct reader *r, const char *path, struct err *err);

/* The next word of a line, "quoted" or not, moved past; free. NULL at the end or before a comment. */
static char *next_word(const char **p)
{
    *p += strspn(*p, " \t\r\f");
    if (!**p || **p == '#')
        return NULL;
    bool quoted = **p == '"';
    *p += quoted;
    size_t len = strcspn(*p, quoted ? "\"" : " \t\r\f");
    char *word = xstrndup(*p, len);
    *p += len;
    *p += quoted && **p == '"';
    return word;
}

static void end_block(struct reader *r, struct block *block)
{
    for (size_t i = 0; i < block->names.n && !block->git; i++)
        if ((!block->one || i == 0) && !strlist_has(r->names, block->names.v[i]))
            strlist_add(r->names, block->names.v[i]);
    strlist_free(&block->names);
    *block = (struct block){0};
}

static bool is_pattern(const char *word)
{
    return *word == '!' || *word == '-' || strpbrk(word, "*?") != NULL;
}

static int include(struct reader *r, const char *pattern, struct err *err)
{
    char *path = strncmp(pattern, "~/", 2) == 0 ? xasprintf("%s/%s", r->home, pattern + 2)
                 : *pattern == '/'              ? xstrdup(pattern)
                                                : xasprintf("%s/.ssh/%s", r->home, pattern);
    glob_t found = {0};
    int rc = 0;
    if (r->depth < DEPTH_MAX && glob(path, 0, NULL, &found) == 0)
        for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
            rc = read_file(r, found.gl_pathv[i], err);
    globfree(&found);
    free(path);
    return rc;
}

static int read_line(struct reader *r, struct block *block, const char *line, struct err *err)
{
    size_t len = strspn(line, " \t\r\f");
    line += len;
    len = strcspn(line, " \t\r\f=");
    char *key = xstrndup(line, len), *word;
    const char *p = line + len + strspn(line + len, " \t\r\f");
    p += *p == '=';
    int rc = 0;
    bool host = strcasecmp(key, "Host") == 0;
    if (host || strcasecmp(key, "Match") == 0)
        end_block(r, block);
    while (rc == 0 && *key != '#' && (word = next_word(&p))) {
        if (host && !is_pattern(word))
            strlist_add(&block->names, word);
        else if (strcasecmp(key, "User") == 0)
            block->git |= strcmp(word, "git") == 0;
        else if (strcasecmp(key, "HostName") == 0)
            block->one |= !strchr(word, '%');
        else if (strcasecmp(key, "Include") == 0)
            rc = include(r, word, err);
        free(word);
    }
    free(key);
    return rc;
}

static int read_file(struct reader *r, const char *path, struct err *err)
{
    struct buf text = {0};
    struct block block = {0};
    int rc = io_read_file(path, FILE_MAX, &text, err);
    r->depth++;
    for (const char *p = buf_str(&text); rc == 0 && *p;) {
        size_t len = strcspn(p, "\n");
        char *line = xstrndup(p, len);
        rc = read_line(r, &block, line, err);
        free(line);
        p += len + (p[len] == '\n');
    }
    r->depth--;
    end_block(r, &block);
    buf_free(&text);
    return rc;
}

int sshnames_read(struct strlist *names, struct err *err)
{
    const struct passwd *pw = getpwuid(getuid()); /* as ssh, which does not ask $HOME */
    const char *named = getenv("ROTA_SSH_CONFIG"), *env = getenv("HOME");
    struct reader r = {.home = xstrdup(pw ? pw->pw_dir : env ? env : "/"), .names = names};
    char *path = named && *named ? xstrdup(named) : xasprintf("%s/.ssh/config", r.home);
    int rc = 0;
    if (access(path, F_OK) == 0)
        rc = read_file(&r, path, err);
    else if (errno != ENOENT && errno != ENOTDIR)
        rc = err_sys(err, ERR_IO, "cannot open %s", path);
    free(path);
    free(r.home);
    return rc;
}
