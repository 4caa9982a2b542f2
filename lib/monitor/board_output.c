/* The ends of output that stand in the page itself: of runs that went wrong, then of the newest. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board_internal.h"
#include "job.h"
#include "output.h"
#include "xalloc.h"

enum {
    BAD_BYTES = 3000,
    GOOD_BYTES = 1500,
    GOOD_SHARE = 4 /* a quarter of the budget is theirs */
};

static int open_stream(const struct board *board, const struct run *run, int stream)
{
    if (!run->attempt || (run->finished_at && !(stream ? run->err_bytes : run->out_bytes)))
        return -1;
    char *path = output_path(board->config->catalogue, run->id, run->attempt,
                             stream == BOARD_ERR ? OUTPUT_ERR : OUTPUT_OUT);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    free(path);
    return fd;
}

void board_read_end(const struct board *board, const struct run *run, int stream, size_t max,
                    struct buf *out, int *cut)
{
    struct stat st;
    *cut = 0;
    int fd = open_stream(board, run, stream);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        off_t at = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
        *cut = at > 0;
        size_t want = (size_t)(st.st_size - at);
        ssize_t n = pread(fd, buf_room(out, want), want, at);
        if (n > 0)
            buf_grew(out, (size_t)n);
    }
    close(fd);
}

/* Whole lines, when what was cut off leaves any. */
static void drop_torn_line(struct buf *text)
{
    const char *line = text->len ? memchr(buf_data(text), '\n', text->len) : NULL;
    size_t torn = line ? (size_t)(line - buf_data(text)) + 1 : 0;
    if (torn && torn < text->len)
        buf_consume(text, torn);
}

/* "ID":[OUT,ERR,CUT]; nothing for no output. */
static void put_ends(const struct board *board, const struct run *run, size_t max, struct buf *out)
{
    int any = 0, anycut = 0;
    struct buf json = {0};
    for (int stream = BOARD_OUT; stream <= BOARD_ERR; stream++) {
        struct buf text = {0};
        int cut;
        board_read_end(board, run, stream, max, &text, &cut);
        if (cut)
            drop_torn_line(&text);
        buf_addch(&json, stream ? ',' : '[');
        board_bytes(&json, text.len ? buf_data(&text) : "", text.len);
        any |= text.len > 0;
        anycut |= cut;
        buf_free(&text);
    }
    if (any) {
        buf_addf(out, "\"%" PRId64 "\":", run->id);
        buf_add(out, buf_data(&json), json.len);
        buf_addf(out, ",%d]", anycut);
    }
    buf_free(&json);
}

/* Whether a person will want to read it first. */
static bool is_bad(const struct run *run)
{
    return run->state == RUN_FAILED || run->state == RUN_TIMEOUT || run->state == RUN_LOST;
}

static void put_those(struct board *board, bool bad, size_t end)
{
    struct buf one = {0};
    for (size_t i = 0; i < board->nruns && board->json.len < end; i++) {
        if (is_bad(&board->runs[i]) != bad)
            continue;
        put_ends(board, &board->runs[i], bad ? BAD_BYTES : GOOD_BYTES, &one);
        /* bytes that need escaping take six times the room */
        if (one.len && board->json.len + one.len + 1 < end) {
            if (buf_data(&board->json)[board->json.len - 1] != '{')
                buf_addch(&board->json, ',');
            buf_add(&board->json, buf_data(&one), one.len);
        }
        buf_reset(&one);
    }
    buf_free(&one);
}

void board_put_output(struct board *board, size_t budget)
{
    size_t end = board->json.len + budget;
    buf_addstr(&board->json, ",\"output\":{");
    put_those(board, true, end - budget / GOOD_SHARE);
    put_those(board, false, end - 2);
    buf_addch(&board->json, '}');
}
