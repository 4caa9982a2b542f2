/*
 * From the login to the worker's greeting: one channel at a time, each for one errand.
 *
 *   start the worker ── greets ──────────────────────────────────────────> up
 *        │ ends before it greets, nothing was pushed yet, and no 'worker = PATH'
 *        └─> probe: which system is it? ─> copy the build for it ─> start again
 */
#include "transport_ssh.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum { CHUNK = 16384, STDERR_KEPT = 4096, CHATTER_MAX = 1 << 20 };

/* ---- a channel with a command ---- */

static void set_command(struct ssh_link *l, enum ssh_errand errand, char *command)
{
    free(l->command);
    l->command = command;
    l->errand = errand;
    l->sent = l->chatter = 0;
    buf_reset(&l->answer);
    buf_reset(&l->complaint);
    greeting_free(&l->greeting);
    greeting_expect(&l->greeting, l->link.nonce);
}

int ssh_do_open(struct ssh_link *l, struct err *err)
{
    if (!l->command) {
        char *command = push_start_command(l->host->worker, l->link.nonce, err);
        if (!command)
            return ERR_CONFIG;
        set_command(l, ERRAND_START, command);
    }
    ssh_call(l);
    l->channel = libssh2_channel_open_session(l->session);
    if (l->channel)
        return ssh_enter(l, STAGE_EXEC);
    int rc = libssh2_session_last_errno(l->session);
    if (ssh_again(l, rc))
        return 0;
    if (rc == LIBSSH2_ERROR_CHANNEL_FAILURE)
        return err_set(err, ERR_UNREACHABLE,
                       "%s takes the login but opens no session: is MaxSessions 0, or the account "
                       "for forwarding only?",
                       l->where);
    return ssh_broken(l, "after the login", err);
}

int ssh_do_exec(struct ssh_link *l, struct err *err)
{
    static const enum ssh_stage next[] = {
        [ERRAND_START] = STAGE_GREETING, [ERRAND_PROBE] = STAGE_ANSWER, [ERRAND_COPY] = STAGE_SEND};
    ssh_call(l);
    int rc = libssh2_channel_process_startup(l->channel, "exec", 4, l->command,
                                             (unsigned)strlen(l->command));
    if (ssh_again(l, rc))
        return 0;
    if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
        return err_set(err, ERR_UNREACHABLE,
                       "%s takes the login but runs no command: the account must be allowed to",
                       l->where);
    if (rc != 0)
        return ssh_broken(l, "after the login", err);
    return ssh_enter(l, next[l->errand]);
}

/* Reads what there is of a stream (0: output, 1: errors) into `to`, which keeps its last `keep` bytes. */
static int read_stream(struct ssh_link *l, int stream, struct buf *to, size_t keep, struct err *err)
{
    for (;;) {
        ssh_call(l);
        ssize_t n = libssh2_channel_read_ex(l->channel, stream, buf_room(to, CHUNK), CHUNK);
        if (ssh_again(l, n) || n == 0)
            return 0;
        if (n < 0)
            return ssh_broken(l, "while a command started", err);
        buf_grew(to, (size_t)n);
        if (to->len > keep)
            buf_consume(to, to->len - keep);
        l->chatter += (size_t)n;
        if (l->chatter > CHATTER_MAX)
            return err_set(err, ERR_UNREACHABLE, "%s: the login prints without end", l->where);
    }
}

/* ---- the worker ---- */

char *ssh_last_words(struct ssh_link *l)
{
    struct greeting said = {.text = l->complaint};
    char *words = greeting_noise(&said);
    if (*words)
        return words;
    free(words);
    return l->errand == ERRAND_START ? greeting_noise(&l->greeting) : xstrdup("");
}

static int fail_start(struct ssh_link *l, struct err *err)
{
    char *words = ssh_last_words(l);
    const char *say = *words ? words : "it says nothing";
    int rc;
    if (l->host->worker)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s: the worker %s does not start (%s): is it there, executable and for that "
                     "machine?",
                     l->where, l->host->worker, say);
    else if (l->pushed)
        rc = err_set(err, ERR_UNREACHABLE,
                     "%s: the worker was copied to ~/.cache/rota but does not start (%s): where "
                     "the home is mounted noexec, install rota-worker elsewhere on the host and "
                     "set 'worker = PATH' in rota.ini",
                     l->where, say);
    else
        rc = err_set(err, ERR_UNREACHABLE, "%s: the worker ended with status %d: %s", l->where,
                     l->exit_status, say);
    free(words);
    return rc;
}

/* The worker ended before it greeted. 126 and 127 are a shell's words for "cannot" and "not there", csh
 * says 1; 0 comes from a login that ends by itself or from a forced command. */
static int did_not_start(struct ssh_link *l, struct err *err)
{
    static const int missing[] = {0, 1, 126, 127};
    bool may_push = false;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        may_push |= l->exit_status == missing[i];
    if (l->host->worker || l->pushed || !may_push)
        return fail_start(l, err);
    return ssh_enter(l, STAGE_DROP);
}

/* After the greeting errors are dropped by the library itself: unread they would fill the window
 * and stall the output. What came before is read now, for the same reason. */
static int greeted(struct ssh_link *l, struct err *err)
{
    if (libssh2_channel_handle_extended_data2(l->channel, LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE) < 0)
        return ssh_broken(l, "after the login", err);
    int rc = read_stream(l, SSH_EXTENDED_DATA_STDERR, &l->complaint, STDERR_KEPT, err);
    if (rc < 0)
        return rc;
    l->link.fd = l->sock;
    l->link.events = POLLIN | POLLOUT; /* what came with the greeting shows in no poll */
    return ssh_enter(l, STAGE_UP);
}

/* 1: the channel is at its end and the exit status known; 0: wait. */
static int ended(struct ssh_link *l)
{
    if (!libssh2_channel_eof(l->channel))
        return 0;
    ssh_call(l);
    if (ssh_again(l, libssh2_channel_wait_closed(l->channel)))
        return 0;
    l->exit_status = libssh2_channel_get_exit_status(l->channel);
    return 1;
}

int ssh_do_greeting(struct ssh_link *l, struct err *err)
{
    for (;;) {
        char text[CHUNK];
        int rc = read_stream(l, SSH_EXTENDED_DATA_STDERR, &l->complaint, STDERR_KEPT, err);
        if (rc < 0)
            return rc;
        ssh_call(l);
        ssize_t n = libssh2_channel_read(l->channel, text, sizeof text);
        if (n > 0) {
            rc = greeting_feed(&l->greeting, text, (size_t)n, err);
            if (rc != 0)
                return rc < 0 ? rc : greeted(l, err);
            continue;
        }
        if (n < 0 && !ssh_again(l, n))
            return ssh_broken(l, "while the worker started", err);
        if (!ended(l))
            return 0;
        rc = read_stream(l, SSH_EXTENDED_DATA_STDERR, &l->complaint, STDERR_KEPT, err);
        return rc < 0 ? rc : did_not_start(l, err);
    }
}

/* ---- probe and copy ---- */

int ssh_do_send(struct ssh_link *l, struct err *err)
{
    const struct buf *image = &l->build->image;
    while (l->sent < image->len) {
        ssh_call(l);
        ssize_t n =
            libssh2_channel_write(l->channel, buf_data(image) + l->sent, image->len - l->sent);
        if (ssh_again(l, n)) {
            /* a full disk ends the other side early: then what it said matters, not the rest */
            return libssh2_channel_eof(l->channel) ? ssh_enter(l, STAGE_ANSWER) : 0;
        }
        if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
            return ssh_enter(l, STAGE_ANSWER);
        if (n < 0)
            return ssh_broken(l, "while the worker was copied", err);
        l->sent += (size_t)n;
        ssh_extend(l, link_step_ms());
    }
    ssh_call(l);
    int rc = libssh2_channel_send_eof(l->channel);
    if (ssh_again(l, rc))
        return 0;
    return ssh_enter(l, STAGE_ANSWER);
}

static int read_answer(struct ssh_link *l, struct err *err)
{
    int rc = read_stream(l, 0, &l->answer, SSH_ANSWER_MAX, err);
    if (rc < 0)
        return rc;
    return read_stream(l, SSH_EXTENDED_DATA_STDERR, &l->complaint, STDERR_KEPT, err);
}

int ssh_do_answer(struct ssh_link *l, struct err *err)
{
    int rc = read_answer(l, err);
    if (rc < 0 || !ended(l))
        return rc;
    rc = read_answer(l, err); /* waiting for the end may have read more */
    return rc < 0 ? rc : ssh_enter(l, STAGE_DROP);
}

/* The probe was answered: choose the build and go on to copy it. */
static int probed(struct ssh_link *l, struct err *err)
{
    char *system = push_answer(buf_str(&l->answer), l->link.nonce);
    if (!system || !*system) {
        struct greeting said = {.text = l->answer};
        char *words = ssh_last_words(l);
        char *output = greeting_noise(&said);
        const char *say = *words ? words : *output ? output : "nothing";
        int rc = err_set(err, ERR_UNREACHABLE,
                         "%s runs no command of ours (it says: %s): where the account has a forced "
                         "command or no shell, let it run a rota-worker and set 'worker = PATH' in "
                         "rota.ini",
                         l->where, say);
        free(words);
        free(output);
        free(system);
        return rc;
    }
    l->build = push_build_for(system, err);
    free(system);
    if (!l->build)
        return err ? err->code : ERR_CONFIG;
    set_command(l, ERRAND_COPY, push_copy_command(l->build, l->link.nonce));
    return ssh_enter(l, STAGE_OPEN);
}

static int copied(struct ssh_link *l, struct err *err)
{
    char *done = push_answer(buf_str(&l->answer), l->link.nonce);
    if (!done) {
        struct greeting said = {.text = l->answer};
        char *words = greeting_noise(&said);
        int rc = err_set(err, ERR_UNREACHABLE,
                         "%s: the worker cannot be stored in ~/.cache/rota (%s): make room or let "
                         "the account write there, or install rota-worker on the host and set "
                         "'worker = PATH' in rota.ini",
                         l->where, *words ? words : "no reason given");
        free(words);
        return rc;
    }
    free(done);
    l->pushed = true;
    char *command = push_start_command(NULL, l->link.nonce, err);
    set_command(l, ERRAND_START, command);
    return ssh_enter(l, STAGE_OPEN);
}

/* An errand ended: its channel is freed, which takes calls of its own, and the next one begins. */
int ssh_do_drop(struct ssh_link *l, struct err *err)
{
    ssh_call(l);
    int rc = l->channel ? libssh2_channel_free(l->channel) : 0;
    if (ssh_again(l, rc))
        return 0;
    l->channel = NULL;
    if (rc != 0)
        return ssh_broken(l, "between two commands", err);
    switch (l->errand) {
    case ERRAND_PROBE:
        return probed(l, err);
    case ERRAND_COPY:
        return copied(l, err);
    case ERRAND_START:
        break;
    }
    set_command(l, ERRAND_PROBE, push_probe_command(l->link.nonce));
    return ssh_enter(l, STAGE_OPEN);
}

void ssh_start_free(struct ssh_link *l)
{
    free(l->command);
    greeting_free(&l->greeting);
    buf_free(&l->answer);
    buf_free(&l->complaint);
    free(l->out);
}
