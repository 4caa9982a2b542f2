#include "errand.h"

#include <stdlib.h>
#include <string.h>

#include "exitcode.h"
#include "xalloc.h"

enum { ANSWER_KEPT = 64 << 10, COMPLAINT_KEPT = 4096, CHATTER_MAX = 1 << 20 };

static void set_command(struct errand *e, enum errand_kind kind, char *command)
{
    free(e->command);
    e->command = command;
    e->kind = kind;
    e->chatter = 0;
    buf_reset(&e->answer);
    buf_reset(&e->complaint);
    greeting_free(&e->greeting);
    greeting_expect(&e->greeting, e->nonce);
}

int errand_begin(struct errand *e, const char *worker, const char *mode, const char *nonce,
                 struct err *err)
{
    e->worker = worker;
    e->mode = mode;
    e->nonce = nonce;
    char *command = push_start_command(worker, mode, nonce, err);
    if (!command)
        return ERR_CONFIG;
    set_command(e, ERRAND_START, command);
    return 0;
}

/* ---- what it says ---- */

static int keep(struct errand *e, const char *where, struct buf *to, size_t most, const void *p,
                size_t len, struct err *err)
{
    buf_add(to, p, len);
    if (to->len > most)
        buf_consume(to, to->len - most);
    e->chatter += len;
    if (e->chatter > CHATTER_MAX)
        return err_set(err, ERR_UNREACHABLE, "%s: the login prints without end", where);
    return 0;
}

int errand_hear(struct errand *e, const char *where, const void *p, size_t len, struct err *err)
{
    if (e->kind == ERRAND_START)
        return greeting_feed(&e->greeting, p, len, err);
    return keep(e, where, &e->answer, ANSWER_KEPT, p, len, err);
}

int errand_complain(struct errand *e, const char *where, const void *p, size_t len, struct err *err)
{
    return keep(e, where, &e->complaint, COMPLAINT_KEPT, p, len, err);
}

static char *last_line(const struct buf *text)
{
    struct greeting said = {.text = *text};
    return greeting_noise(&said);
}

char *errand_last_words(const struct errand *e)
{
    char *words = last_line(&e->complaint);
    if (*words)
        return words;
    free(words);
    return e->kind == ERRAND_START ? greeting_noise(&e->greeting) : xstrdup("");
}

/* ---- what follows from its end ---- */

static int fail_start(const struct errand *e, const char *where, int exit_status, struct err *err)
{
    char *words = errand_last_words(e);
    const char *say = *words ? words : "it says nothing";
    int rc;
    if (e->worker && exit_status == EXITCODE_USAGE)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s: the worker %s is of an older build and does not know '%s': install the "
                     "rota-worker of this build there",
                     where, e->worker, e->mode);
    else if (e->worker)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s: the worker %s does not start (%s): is it there, executable and for that "
                     "machine?",
                     where, e->worker, say);
    else if (e->pushed)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s: the worker was copied to ~/.cache/rota but does not start (%s): where "
                     "the home is mounted noexec, install rota-worker elsewhere on the host and "
                     "set 'worker = PATH' in rota.ini",
                     where, say);
    else
        rc = err_set(err, ERR_UNREACHABLE, "%s: the worker ended with status %d: %s", where,
                     exit_status, say);
    free(words);
    return rc;
}

/* The worker ended before it greeted. 126 and 127 are a shell's words for "cannot" and "not there", csh
 * says 1; 0 comes from a login that ends by itself or from a forced command; half a worker dies of a
 * signal, for which a shell says 128 and its number, ssh 255, and we -1. */
static int did_not_start(struct errand *e, const char *where, int exit_status, struct err *err)
{
    static const int missing[] = {0, 1, 126, 127, -1};
    bool may_push = exit_status > 128;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        may_push |= exit_status == missing[i];
    if (e->worker || e->pushed || !may_push)
        return fail_start(e, where, exit_status, err);
    set_command(e, ERRAND_PROBE, push_probe_command(e->nonce));
    return 1;
}

/* The probe was answered: choose the build and go on to copy it. */
static int probed(struct errand *e, const char *where, struct err *err)
{
    char *system = push_answer(buf_str(&e->answer), e->nonce);
    if (!system || !*system) {
        char *words = errand_last_words(e), *output = last_line(&e->answer);
        const char *say = *words ? words : *output ? output : "nothing";
        int rc = err_set(err, ERR_UNREACHABLE,
                         "%s runs no command of ours (it says: %s): where the account has a forced "
                         "command or no shell, let it run a rota-worker and set 'worker = PATH' in "
                         "rota.ini",
                         where, say);
        free(words);
        free(output);
        free(system);
        return rc;
    }
    e->build = push_build_for(system, err);
    free(system);
    if (!e->build)
        return err ? err->code : ERR_CONFIG;
    set_command(e, ERRAND_COPY, push_copy_command(e->build, e->nonce));
    return 1;
}

static int copied(struct errand *e, const char *where, struct err *err)
{
    char *done = push_answer(buf_str(&e->answer), e->nonce);
    if (!done) {
        char *words = last_line(&e->answer);
        int rc = err_set(err, ERR_UNREACHABLE,
                         "%s: the worker cannot be stored in ~/.cache/rota (%s): make room or let "
                         "the account write there, or install rota-worker on the host and set "
                         "'worker = PATH' in rota.ini",
                         where, *words ? words : "no reason given");
        free(words);
        return rc;
    }
    free(done);
    e->pushed = true;
    set_command(e, ERRAND_START, push_start_command(NULL, e->mode, e->nonce, err));
    return 1;
}

int errand_next(struct errand *e, const char *where, int exit_status, struct err *err)
{
    switch (e->kind) {
    case ERRAND_PROBE:
        return probed(e, where, err);
    case ERRAND_COPY:
        return copied(e, where, err);
    case ERRAND_START:
        break;
    }
    return did_not_start(e, where, exit_status, err);
}

void errand_free(struct errand *e)
{
    free(e->command);
    greeting_free(&e->greeting);
    buf_free(&e->answer);
    buf_free(&e->complaint);
    *e = (struct errand){0};
}
