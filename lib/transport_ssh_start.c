/*
 * From the login to the worker's greeting: one channel at a time, each for one errand.
 */
#include "transport_ssh.h"

#include <poll.h>
#include <string.h>

enum { CHUNK = 16384 };

/* ---- a channel with a command ---- */

int ssh_do_open(struct ssh_link *l, struct err *err)
{
    if (!l->errand.command) {
        int begun = errand_begin(&l->errand, l->host->worker, l->link.mode, l->link.nonce, err);
        if (begun < 0)
            return begun;
    }
    l->sent = 0;
    ssh_call(l);
    l->channel = libssh2_channel_open_session(l->session);
    if (l->channel) {
        /* Only now: sshd says that the login succeeded before it stops counting it against
         * MaxStartups, and opens a channel after that. */
        gate_leave(&l->gate);
        return ssh_enter(l, STAGE_EXEC);
    }
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
    int rc = libssh2_channel_process_startup(l->channel, "exec", 4, l->errand.command,
                                             (unsigned)strlen(l->errand.command));
    if (ssh_again(l, rc))
        return 0;
    if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
        return err_set(err, ERR_UNREACHABLE,
                       "%s takes the login but runs no command: the account must be allowed to",
                       l->where);
    if (rc != 0)
        return ssh_broken(l, "after the login", err);
    return ssh_enter(l, next[l->errand.kind]);
}

/* Gives what there is of standard error to the errand. */
static int read_complaint(struct ssh_link *l, struct err *err)
{
    for (;;) {
        char text[CHUNK];
        ssh_call(l);
        ssize_t n = libssh2_channel_read_stderr(l->channel, text, sizeof text);
        if (ssh_again(l, n) || n == 0)
            return 0;
        if (n < 0)
            return ssh_broken(l, "while a command started", err);
        int rc = errand_complain(&l->errand, l->where, text, (size_t)n, err);
        if (rc < 0)
            return rc;
    }
}

/* ---- the worker ---- */

/* After the greeting errors are dropped by the library itself: unread they would fill the window
 * and stall the output. What came before is read now, for the same reason. */
static int greeted(struct ssh_link *l, struct err *err)
{
    if (libssh2_channel_handle_extended_data2(l->channel, LIBSSH2_CHANNEL_EXTENDED_DATA_IGNORE) < 0)
        return ssh_broken(l, "after the login", err);
    int rc = read_complaint(l, err);
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
    return !ssh_again(l, libssh2_channel_wait_closed(l->channel));
}

/* Reads all that there is. 1: the worker greeted, 0: no more now. */
static int hear(struct ssh_link *l, struct err *err)
{
    int rc = read_complaint(l, err);
    while (rc == 0) {
        char text[CHUNK];
        ssh_call(l);
        ssize_t n = libssh2_channel_read(l->channel, text, sizeof text);
        if (n == 0 || (n < 0 && ssh_again(l, n)))
            break;
        if (n < 0)
            return ssh_broken(l, "while a command started", err);
        rc = errand_hear(&l->errand, l->where, text, (size_t)n, err);
    }
    return rc;
}

/* The command of the errand runs: until its end, or the worker's greeting. */
int ssh_do_answer(struct ssh_link *l, struct err *err)
{
    int rc = hear(l, err);
    if (rc > 0)
        return greeted(l, err);
    if (rc < 0 || !ended(l))
        return rc;
    rc = hear(l, err); /* waiting for the end may have read more */
    if (rc == 0)
        rc = errand_next(&l->errand, l->where, libssh2_channel_get_exit_status(l->channel), err);
    return rc < 0 ? rc : ssh_enter(l, STAGE_DROP);
}

/* ---- the copy ---- */

int ssh_do_send(struct ssh_link *l, struct err *err)
{
    const struct buf *image = &l->errand.build->image;
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
    (void)ssh_enter(l, STAGE_ANSWER);
    ssh_extend(l, link_step_ms() + push_copy_ms(l->errand.build));
    return 1;
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
    return ssh_enter(l, STAGE_OPEN);
}
