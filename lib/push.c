#include "push.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "build_id.h"
#include "io.h"
#include "proc.h"
#include "xalloc.h"

enum { IMAGE_MAX = 64 << 20, COPY_BYTES_A_MS = 8 };

/* ---- which build ---- */

struct known_build {
    struct push_build build;
    struct known_build *next;
};

static struct known_build *builds;

/* The name of the worker's program for a system, beside ours. */
static char *program_name(const char *system)
{
    struct utsname own;
    char *mine = uname(&own) == 0 ? xasprintf("%s %s", own.sysname, own.machine) : xstrdup("");
    char *name =
        strcmp(mine, system) == 0 ? xstrdup("rota-worker") : xasprintf("rota-worker-%s", system);
    for (char *p = name; *p; p++)
        if (*p == ' ' || *p == '/')
            *p = '-';
    free(mine);
    return name;
}

/* A worker that somebody installed over a running head is of another build, and would be stored
 * under the name of ours. Every worker has its build id in it, to say it in WELCOME. */
static int check_image(const struct push_build *build, struct err *err)
{
    const char *id = ROTA_BUILD;
    if (memmem(buf_data(&build->image), build->image.len, id, strlen(id)))
        return 0;
    return err_set(err, ERR_CONFIG,
                   "%s is not of the same build as this program (%s): install both anew, then "
                   "start again",
                   build->path, id);
}

static void free_build(struct known_build *known)
{
    free(known->build.system);
    free(known->build.path);
    buf_free(&known->build.image);
    free(known);
}

const struct push_build *push_build_for(const char *system, struct err *err)
{
    for (struct known_build *k = builds; k; k = k->next)
        if (strcmp(k->build.system, system) == 0)
            return &k->build;
    struct known_build *known = xcalloc(1, sizeof *known);
    struct push_build *build = &known->build;
    build->system = xstrdup(system);
    char *name = program_name(system);
    build->path = proc_find_sibling(name);
    int rc = 0;
    if (!build->path)
        rc =
            err_set(err, ERR_CONFIG,
                    "the host is '%s' and there is no rota-worker for that: put one, as %s, beside "
                    "the programs of rota, or install it on the host and set 'worker = PATH' in "
                    "rota.ini",
                    system, name);
    else
        rc = io_read_file(build->path, IMAGE_MAX, &build->image, err);
    if (rc == 0)
        rc = check_image(build, err);
    free(name);
    if (rc < 0) {
        free_build(known);
        return NULL;
    }
    build->cksum = push_cksum(buf_data(&build->image), build->image.len);
    known->next = builds;
    builds = known;
    return build;
}

/* ---- the commands ---- */

/* Whether every shell takes a word as it stands. */
static bool is_plain(const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "._/~+:@%,-";
    return strspn(word, plain) == strlen(word);
}

char *push_start_command(const char *path, const char *mode, const char *nonce, struct err *err)
{
    if (!path)
        return xasprintf("exec .cache/rota/worker-%s %s %s", ROTA_BUILD, mode, nonce);
    if (is_plain(path))
        return xasprintf("exec %s %s %s", path, mode, nonce);
    if (strpbrk(path, "'!\\\n")) {
        (void)err_set(err, ERR_CONFIG,
                      "the path 'worker = %s' has characters that not every "
                      "shell reads alike: use letters, digits and ./_-",
                      path);
        return NULL;
    }
    return xasprintf("exec '%s' %s %s", path, mode, nonce);
}

/* The quotes keep the mark of an answer out of the command itself: where something echoes what it is
 * told instead of doing it, that is no answer. */
char *push_probe_command(const char *nonce)
{
    return xasprintf("exec sh -c 'echo rota-\"%s\" $(uname -sm)'", nonce);
}

/* One line in single quotes without ', ! and backslash: csh, fish and sh read it alike.
 *
 * The order makes two heads pushing at once harmless: each copies to a name of its own, and what
 * is moved into place was checked, so the place never holds half a file. Builds a month old go; a
 * running one keeps running without its name, and a head that wants it again pushes it again. */
char *push_copy_command(const struct push_build *build, const char *nonce)
{
    return xasprintf("exec sh -c 'exec 2>&1; umask 077; d=.cache/rota; t=$d/tmp.%s; "
                     "mkdir -p -m 700 $d && cat >$t && set -- $(cksum <$t) && "
                     "if test \"$1 $2\" = \"%u %zu\"; then "
                     "chmod 755 $t && mv -f $t $d/worker-%s && echo rota-\"%s\" done; "
                     "else echo the copy arrived damaged; fi; rm -f $t; "
                     "find $d -type f -mtime +30 \"(\" -name \"worker-*\" -o -name \"tmp.*\" \")\" "
                     "-exec rm -f {} + 2>/dev/null'",
                     nonce, build->cksum, build->image.len, ROTA_BUILD, nonce);
}

int push_copy_ms(const struct push_build *build)
{
    return (int)(build->image.len / COPY_BYTES_A_MS);
}

char *push_answer(const char *text, const char *nonce)
{
    char *mark = xasprintf("rota-%s ", nonce);
    const char *p = NULL;
    char *answer = NULL;
    /* the last one: a shell that traces its commands has the mark in its trace too */
    for (const char *at = strstr(text, mark); at; at = strstr(at + 1, mark))
        p = at;
    if (p) {
        p += strlen(mark);
        answer = xstrndup(p, strcspn(p, "\r\n"));
    }
    free(mark);
    return answer;
}

/* ---- cksum ---- */

uint32_t push_cksum(const void *p, size_t len)
{
    static uint32_t table[256];
    const unsigned char *b = p;
    uint32_t crc = 0;
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i << 24;
            for (int bit = 0; bit < 8; bit++)
                c = c & 0x80000000u ? c << 1 ^ 0x04C11DB7u : c << 1;
            table[i] = c;
        }
    for (size_t i = 0; i < len; i++)
        crc = crc << 8 ^ table[crc >> 24 ^ b[i]];
    for (size_t n = len; n; n >>= 8) /* POSIX: the length follows, low byte first */
        crc = crc << 8 ^ table[crc >> 24 ^ (n & 255)];
    return ~crc;
}
