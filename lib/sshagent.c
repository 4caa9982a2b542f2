#include "sshagent.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "xalloc.h"

enum {
    REQUEST_IDENTITIES = 11,
    IDENTITIES_ANSWER = 12,
    SIGN_REQUEST = 13,
    SIGN_RESPONSE = 14,
    ANSWER_MAX = 256 * 1024,
    KEYS_MAX = 1024,
    CHUNK = 4096,
};

static void add_u32(struct buf *b, size_t v)
{
    const unsigned char p[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                                (unsigned char)(v >> 8), (unsigned char)v};
    buf_add(b, p, sizeof p);
}

static void add_string(struct buf *b, const void *p, size_t len)
{
    add_u32(b, len);
    buf_add(b, p, len);
}

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The next string of an answer; false when the answer ends before it does. */
static bool take_string(const unsigned char **p, size_t *left, const unsigned char **s, size_t *len)
{
    if (*left < 4 || get_u32(*p) > *left - 4)
        return false;
    *len = get_u32(*p);
    *s = *p + 4;
    *p += 4 + *len;
    *left -= 4 + *len;
    return true;
}

int sshagent_open(struct sshagent *agent, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *agent = (struct sshagent){.fd = -1, .events = POLLOUT};
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err, ERR_UNREACHABLE, "the agent's path is too long");
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* EAGAIN says that its queue is full: an agent that does not accept is as good as none */
    if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int rc = err_sys(err, ERR_UNREACHABLE, "no agent at %s", path);
        sshagent_close(agent);
        return rc;
    }
    const char request = REQUEST_IDENTITIES;
    add_string(&agent->out, &request, 1);
    return 0;
}

/* Moves bytes until a whole answer is in agent->in: 1 with its type and body. */
static int exchange(struct sshagent *agent, unsigned char *type, const unsigned char **body,
                    size_t *len, struct err *err)
{
    while (agent->out.len) {
        ssize_t n = send(agent->fd, buf_data(&agent->out), agent->out.len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            agent->events = POLLOUT;
            return 0;
        }
        if (n < 0)
            return err_sys(err, ERR_UNREACHABLE, "the agent does not take a request");
        buf_consume(&agent->out, (size_t)n);
    }
    agent->events = POLLIN;
    for (;;) {
        const unsigned char *p = (const unsigned char *)buf_data(&agent->in);
        uint32_t size = agent->in.len >= 4 ? get_u32(p) : 0;
        if (size > ANSWER_MAX)
            return err_set(err, ERR_UNREACHABLE, "the agent answers with %u bytes", size);
        if (agent->in.len >= 5 && agent->in.len - 4 >= size && size) {
            *type = p[4];
            *body = p + 5;
            *len = size - 1;
            return 1;
        }
        ssize_t n = read(agent->fd, buf_room(&agent->in, CHUNK), CHUNK);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0)
            return err_set(err, ERR_UNREACHABLE, "the agent hung up");
        buf_grew(&agent->in, (size_t)n);
    }
}

int sshagent_list(struct sshagent *agent, struct err *err)
{
    unsigned char type = 0;
    const unsigned char *p, *blob, *comment;
    size_t left, blob_len, comment_len;
    int rc = exchange(agent, &type, &p, &left, err);
    if (rc <= 0)
        return rc;
    if (type != IDENTITIES_ANSWER || left < 4)
        return err_set(err, ERR_UNREACHABLE, "the agent does not list its keys");
    uint32_t count = get_u32(p);
    p += 4;
    left -= 4;
    for (uint32_t i = 0; i < count && i < KEYS_MAX; i++) {
        if (!take_string(&p, &left, &blob, &blob_len) ||
            !take_string(&p, &left, &comment, &comment_len))
            return err_set(err, ERR_UNREACHABLE, "the agent's list of keys is damaged");
        agent->keys = xreallocarray(agent->keys, agent->n + 1, sizeof *agent->keys);
        struct sshagent_key *key = &agent->keys[agent->n++];
        *key = (struct sshagent_key){.comment = xstrndup((const char *)comment, comment_len)};
        buf_add(&key->blob, blob, blob_len);
    }
    buf_reset(&agent->in);
    return 1;
}

void sshagent_ask(struct sshagent *agent, const struct buf *blob, const void *data, size_t len)
{
    struct buf request = {0};
    buf_addch(&request, SIGN_REQUEST);
    add_string(&request, buf_data(blob), blob->len);
    add_string(&request, data, len);
    add_u32(&request, 0); /* flags: none, they are for RSA */
    add_string(&agent->out, buf_data(&request), request.len);
    buf_free(&request);
    agent->events = POLLOUT;
}

int sshagent_signature(struct sshagent *agent, struct buf *signature, struct err *err)
{
    unsigned char type = 0;
    const unsigned char *p, *s, *name, *bare;
    size_t left, len, name_len, bare_len;
    int rc = exchange(agent, &type, &p, &left, err);
    if (rc <= 0)
        return rc;
    /* string signature, which is: string algorithm, string bare signature */
    if (type != SIGN_RESPONSE || !take_string(&p, &left, &s, &len) ||
        !take_string(&s, &len, &name, &name_len) || !take_string(&s, &len, &bare, &bare_len))
        return err_set(err, ERR_UNREACHABLE, "the agent refused to sign");
    buf_add(signature, bare, bare_len);
    buf_reset(&agent->in);
    return 1;
}

void sshagent_close(struct sshagent *agent)
{
    for (size_t i = 0; i < agent->n; i++) {
        buf_free(&agent->keys[i].blob);
        free(agent->keys[i].comment);
    }
    free(agent->keys);
    buf_free(&agent->out);
    buf_free(&agent->in);
    if (agent->fd >= 0)
        close(agent->fd);
    *agent = (struct sshagent){.fd = -1};
}
