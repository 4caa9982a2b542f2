/*
 * The copies of output beside the page.
 *
 * Those of runs that went wrong first, then the newest, until they are BOARD_COPIES_BYTES together. What
 * a run that is over wrote does not change: its copy is made once, unless it was tried again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board_internal.h"
#include "job.h"
#include "output.h"

static const char *const endings[] = {".out.txt", ".err.txt"};
static const unsigned flags[] = {BOARD_HAS_OUT, BOARD_HAS_ERR};

struct copying {
    struct board *board;
    const struct board_place *place;
    int64_t left; /* bytes that copies may still take */
    size_t n;
};

/* Size and time of what would be copied; false: nothing. */
static bool source_of(const struct board *board, const struct run *run, int stream, struct stat *st)
{
    if (!run->attempt || (run->finished_at && !(stream ? run->err_bytes : run->out_bytes)))
        return false;
    char *path = output_path(board->config->catalogue, run->id, run->attempt,
                             stream == BOARD_ERR ? OUTPUT_ERR : OUTPUT_OUT);
    bool there = lstat(path, st) == 0 && S_ISREG(st->st_mode) && st->st_size > 0;
    free(path);
    return there;
}

/* A copy as large as the source (or its end) and no older is it already. */
static bool is_copied(const struct copying *c, const char *name, const struct stat *source,
                      int64_t size)
{
    struct stat st;
    return fstatat(c->place->output, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           st.st_size == size && (st.st_mode & 0777) == c->place->mode &&
           (st.st_mtim.tv_sec > source->st_mtim.tv_sec ||
            (st.st_mtim.tv_sec == source->st_mtim.tv_sec &&
             st.st_mtim.tv_nsec >= source->st_mtim.tv_nsec));
}

static int copy_stream(struct copying *c, size_t at, int stream, struct err *err)
{
    const struct run *run = &c->board->runs[at];
    char name[48];
    struct stat source;
    int cut, rc = 0;
    if (!source_of(c->board, run, stream, &source))
        return 0;
    int64_t size = source.st_size < BOARD_COPY_BYTES ? source.st_size : BOARD_COPY_BYTES;
    if (size > c->left)
        return 0;
    (void)snprintf(name, sizeof name, "%" PRId64 "%s", run->id, endings[stream]);
    if (!is_copied(c, name, &source, size)) {
        struct buf text = {0};
        board_read_end(c->board, run, stream, BOARD_COPY_BYTES, &text, &cut);
        bool gone = !text.len; /* pruned meanwhile */
        if (!gone)
            rc =
                board_place_write(c->place, c->place->output, name, buf_data(&text), text.len, err);
        buf_free(&text);
        if (gone || rc < 0)
            return rc;
    }
    c->left -= size;
    c->n++;
    c->board->beside[at] |=
        (unsigned char)(flags[stream] | (source.st_size > BOARD_COPY_BYTES ? BOARD_CUT : 0));
    return 0;
}

static int copy_those(struct copying *c, bool bad, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->board->nruns; i++) {
        enum run_state state = c->board->runs[i].state;
        if ((state == RUN_FAILED || state == RUN_TIMEOUT || state == RUN_LOST) != bad)
            continue;
        rc = copy_stream(c, i, BOARD_OUT, err);
        if (rc == 0)
            rc = copy_stream(c, i, BOARD_ERR, err);
    }
    return rc;
}

/* ---- those that are not wanted any more ---- */

/* The run and stream that a name of ours is about. */
static bool is_ours(const char *name, int64_t *id, int *stream)
{
    char *end;
    errno = 0;
    *id = strtoll(name, &end, 10);
    if (errno || *name < '1' || *name > '9')
        return false;
    for (*stream = BOARD_OUT; *stream <= BOARD_ERR; ++*stream)
        if (strcmp(end, endings[*stream]) == 0)
            return true;
    return false;
}

/* The runs are there the newest first. */
static bool is_wanted(const struct board *board, int64_t id, int stream)
{
    size_t low = 0, high = board->nruns;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (board->runs[mid].id == id)
            return board->beside[mid] & flags[stream];
        if (board->runs[mid].id > id)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static int tidy(const struct copying *c, struct err *err)
{
    int fd = openat(c->place->output, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return err_sys(err, ERR_IO, "cannot list %s/output", c->place->path);
    }
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        int64_t id;
        int stream;
        if (is_ours(entry->d_name, &id, &stream) && !is_wanted(c->board, id, stream))
            (void)unlinkat(c->place->output, entry->d_name, 0);
    }
    closedir(dir);
    return 0;
}

int board_copy_output(struct board *board, const struct board_place *place, size_t *n,
                      struct err *err)
{
    struct copying c = {.board = board, .place = place, .left = BOARD_COPIES_BYTES};
    int rc = copy_those(&c, true, err);
    if (rc == 0)
        rc = copy_those(&c, false, err);
    if (rc == 0)
        rc = tidy(&c, err);
    *n = c.n;
    return rc;
}
