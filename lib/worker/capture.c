#include "worker/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Writes what it can; anything less than all of it ends the keeping of this stream. */
static size_t put(struct capture *c, const char *p, size_t len, uint64_t offset)
{
    size_t done = 0;
    if (c->fd < 0)
        c->fd = cell_open(c->dir, c->cell, c->stream, O_RDWR | O_CREAT);
    while (done < len && c->fd >= 0) {
        ssize_t n = pwrite(c->fd, p + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done < len)
        c->full = true;
    return done;
}

static void put_ring(struct capture *c, const char *p, size_t len)
{
    uint64_t size = capture_ring(c->limit), at = atomic_load(&c->to->ring);
    while (len && !c->full) {
        uint64_t pos = at % size;
        size_t part = size - pos < len ? (size_t)(size - pos) : len;
        size_t n = put(c, p, part, capture_head(c->limit) + pos);
        at += n;
        p += n;
        len -= n;
    }
    atomic_store(&c->to->ring, at);
}

/* The counters follow the bytes: who reads `head` finds that many bytes in the file. */
bool capture_write(struct capture *c, const char *p, size_t len)
{
    uint64_t head = atomic_load(&c->to->head), room = capture_head(c->limit) - head;
    size_t part = room < len ? (size_t)room : len;
    bool grew = false;
    atomic_fetch_add(&c->to->total, len);
    if (part && !c->full) {
        size_t n = put(c, p, part, head);
        atomic_store(&c->to->head, head + n);
        grew = n > 0;
    }
    if (len > part && !c->full && c->limit)
        put_ring(c, p + part, len - part);
    return grew;
}

uint64_t capture_kept(uint64_t head, uint64_t ring, uint64_t limit)
{
    uint64_t size = capture_ring(limit);
    return head + (ring < size ? ring : size);
}

uint64_t capture_locate(uint64_t at, uint64_t kept, uint64_t ring, uint64_t limit, uint64_t *run)
{
    uint64_t head = capture_head(limit) < kept ? capture_head(limit) : kept;
    if (at < head) {
        *run = head - at;
        return at;
    }
    uint64_t size = capture_ring(limit);
    uint64_t oldest = ring > size ? ring % size : 0;
    uint64_t pos = (oldest + (at - head)) % size;
    *run = size - pos < kept - at ? size - pos : kept - at;
    return capture_head(limit) + pos;
}

void capture_tail(const struct capture *stream, uint64_t kept, uint64_t ring, char *text,
                  size_t size)
{
    uint64_t at = kept > size - 1 ? kept - (size - 1) : 0;
    size_t len = 0;
    int fd = kept ? cell_open(stream->dir, stream->cell, stream->stream, O_RDONLY) : -1;
    while (fd >= 0 && at < kept) {
        uint64_t run;
        uint64_t offset = capture_locate(at, kept, ring, stream->limit, &run);
        ssize_t n = pread(fd, text + len, run, (off_t)offset);
        if (n <= 0)
            break;
        len += (size_t)n;
        at += (uint64_t)n;
    }
    if (fd >= 0)
        close(fd);
    text[len] = '\0';
}

char *capture_last_line(char *text, const char *words)
{
    char *found = NULL;
    for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, words, strlen(words)) == 0)
            found = line + strlen(words);
    if (found)
        found[strcspn(found, "\r\n")] = '\0';
    return found;
}
