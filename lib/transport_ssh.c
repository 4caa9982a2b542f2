#include "transport_ssh.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "xalloc.h"

/* What each stage does, and what it means when the other side lets it run out of time. */
static const struct {
    int (*go)(struct ssh_link *l, struct err *err);
    const char *late;
    bool untimed;
} stages[] = {
    [STAGE_CONFIG] = {ssh_do_config, "ssh -G gives no answer: does a 'Match exec' hang?", false},
    [STAGE_RESOLVE] = {ssh_do_resolve,
                       "the name server gives no answer: use a number or /etc/hosts", false},
    [STAGE_KNOWN] = {ssh_do_known, "ssh-keygen -F gives no answer: is known_hosts on a dead disk?",
                     false},
    [STAGE_GATE] = {ssh_do_gate, "", true},
    [STAGE_CONNECT] = {ssh_do_connect,
                       "no answer to a connection: is the host up, and does a firewall let us "
                       "through?",
                       false},
    [STAGE_HANDSHAKE] = {ssh_do_handshake,
                         "it accepts connections but does not speak SSH: does sshd hang, or is "
                         "another service on that port?",
                         false},
    [STAGE_AUTH] = {ssh_do_auth, "sshd does not finish the login: does it wait for a name server?",
                    false},
    [STAGE_OPEN] = {ssh_do_open, "sshd opens no session after the login", false},
    [STAGE_EXEC] = {ssh_do_exec, "sshd does not start a command after the login", false},
    [STAGE_GREETING] = {ssh_do_answer,
                        "the login goes well but the worker does not answer: does .bashrc or a "
                        "forced command wait for something?",
                        false},
    [STAGE_SEND] = {ssh_do_send, "the copy of the worker to the host does not go on", false},
    [STAGE_ANSWER] = {ssh_do_answer, "the host does not answer a command", false},
    [STAGE_DROP] = {ssh_do_drop, "the host does not close a channel", false},
    [STAGE_UP] = {NULL, "", true},
};

static struct ssh_link *of(struct link *link)
{
    return (struct ssh_link *)link;
}

void ssh_extend(struct ssh_link *l, int64_t ms)
{
    l->late = false;
    l->link.deadline = clock_mono() + ms;
}

int ssh_enter(struct ssh_link *l, enum ssh_stage stage)
{
    l->stage = stage;
    l->late = false;
    if (stages[stage].untimed)
        l->link.deadline = 0;
    else
        ssh_extend(l, link_step_ms());
    return 1;
}

int ssh_wait(struct ssh_link *l, int fd, short events)
{
    link_wait_for(&l->wait, fd, events);
    return 0;
}

static struct link *ssh_open(const struct host_config *host, const char *mode, struct err *err)
{
    static bool initialised;
    if (!initialised && libssh2_init(0) != 0) {
        (void)err_set(err, ERR_OS, "libssh2 cannot be initialised");
        return NULL;
    }
    initialised = true;
    struct link_wait wait;
    if (link_wait_open(&wait, err) < 0)
        return NULL;
    struct ssh_link *l = xcalloc(1, sizeof *l);
    l->link =
        (struct link){.transport = &transport_ssh, .mode = mode, .fd = wait.set, .events = POLLIN};
    l->host = host;
    l->wait = wait;
    l->sock = l->proxy_err = -1;
    l->auth.agent.fd = -1;
    link_nonce(&l->link);
    sshconfig_begin(&l->query, host->address, host->user, host->port);
    (void)ssh_enter(l, STAGE_CONFIG);
    return &l->link;
}

static bool is_past(const struct ssh_link *l)
{
    return l->link.deadline && clock_mono() >= l->link.deadline;
}

static int give_up(struct ssh_link *l, struct err *err)
{
    const char *where = l->where ? l->where : l->host->address;
    char *words = l->stage == STAGE_GREETING ? errand_last_words(&l->errand) : xstrdup("");
    int rc = err_set(err, ERR_UNREACHABLE, "%s: %s (waited %g s%s%s)", where, stages[l->stage].late,
                     (double)link_step_ms() / 1000, *words ? "; it last said: " : "", words);
    free(words);
    return rc;
}

static int ssh_step(struct link *link, struct err *err)
{
    struct ssh_link *l = of(link);
    while (l->stage != STAGE_UP) {
        int rc = stages[l->stage].go(l, err);
        if (l->flooded)
            return err_set(err, ERR_UNREACHABLE,
                           "%s sent more than %d KB before the login: is that an SSH server?",
                           l->where, SSH_BEFORE_AUTH_ALL / 1024);
        if (rc < 0)
            return rc;
        if (rc > 0 || (!l->late && !is_past(l))) {
            if (rc == 0)
                return 0;
            continue;
        }
        if (l->late)
            return give_up(l, err);
        l->late = true; /* one more turn, for a stage that knows another way */
    }
    return 1;
}

static void ssh_close(struct link *link)
{
    if (!link)
        return;
    struct ssh_link *l = of(link);
    /* In this order: with the socket shut the session can be freed to its end without waiting for the
     * other side, and it must not outlive the descriptor, whose number somebody else may get. */
    ssh_session_free(l);
    ssh_disconnect(l);
    sshconfig_end(&l->query);
    resolve_end(&l->resolve);
    knownhosts_end(&l->known);
    gate_leave(&l->gate);
    ssh_auth_free(&l->auth);
    errand_free(&l->errand);
    free(l->out);
    link_wait_close(&l->wait);
    free(l->where);
    free(l->target);
    free(l);
}

const struct transport transport_ssh = {
    .name = "ssh",
    .open = ssh_open,
    .step = ssh_step,
    .read = ssh_read,
    .write = ssh_write,
    .close = ssh_close,
};
