#include "run_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "escape.h"
#include "io.h"
#include "log.h"

enum { CHUNK = 65536 };

static const char *const names[2] = {"standard output", "standard error"};

void run_output_begin(struct run_output *output, const char *catalogue, int64_t run, int attempt)
{
    run_output_end(output);
    *output =
        (struct run_output){.run = run, .attempt = attempt, .catalogue = catalogue, .fd = {-1, -1}};
}

/* "83,886,080": groups whatever the locale. */
static void put_grouped(struct buf *out, int64_t number)
{
    if (number >= 1000) {
        put_grouped(out, number / 1000);
        buf_addf(out, ",%03d", (int)(number % 1000));
    } else {
        buf_addf(out, "%d", (int)number);
    }
}

static void tell_dropped(struct run_output *output, int i)
{
    struct buf number = {0};
    if (output->told[i] || !output->dropped[i])
        return;
    output->told[i] = true;
    put_grouped(&number, output->dropped[i]);
    log_warn("%lld: %s bytes of %s were dropped here (output.limit)", (long long)output->run,
             buf_str(&number), names[i]);
    buf_free(&number);
}

void run_output_end(struct run_output *output)
{
    if (!output->run)
        return;
    for (int i = 0; i < 2; i++) {
        if (output->ntorn[i]) {
            struct buf text = {0};
            escape_terminal(&text, output->torn[i], (size_t)output->ntorn[i], true);
            (void)io_write_all(i ? STDERR_FILENO : STDOUT_FILENO, buf_data(&text), text.len, NULL);
            buf_free(&text);
        }
        tell_dropped(output, i);
        if (output->fd[i] >= 0)
            close(output->fd[i]);
    }
    output->run = 0;
}

/* How many bytes at the end of the text are the beginning of a UTF-8 character. */
static int torn_length(const char *p, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)p[len - back];
        if (c < 0x80)
            return 0;
        if (c >= 0xC0) {
            size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
            return want > back ? (int)back : 0;
        }
    }
    return 0;
}

static int put(struct run_output *output, int i, const char *p, size_t len, struct err *err)
{
    int to = i ? STDERR_FILENO : STDOUT_FILENO;
    if (!isatty(to))
        return io_write_all(to, p, len, err);
    struct buf raw = {0}, text = {0};
    buf_add(&raw, output->torn[i], (size_t)output->ntorn[i]);
    buf_add(&raw, p, len);
    output->ntorn[i] = torn_length(buf_data(&raw), raw.len);
    for (int k = 0; k < output->ntorn[i]; k++)
        output->torn[i][k] = buf_data(&raw)[raw.len - (size_t)(output->ntorn[i] - k)];
    escape_terminal(&text, buf_data(&raw), raw.len - (size_t)output->ntorn[i], true);
    int rc = io_write_all(to, buf_data(&text), text.len, err);
    buf_free(&raw);
    buf_free(&text);
    return rc;
}

static int open_file(struct run_output *output, int i, struct err *err)
{
    if (output->fd[i] >= 0)
        return 0;
    char *path =
        output_path(output->catalogue, output->run, output->attempt, i ? OUTPUT_ERR : OUTPUT_OUT);
    output->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
    int rc =
        output->fd[i] >= 0 || errno == ENOENT ? 0 : err_sys(err, ERR_IO, "cannot open %s", path);
    free(path);
    return rc;
}

/* Where the head ends and the tail begins, once bytes were dropped: the file is full then, and its
 * first half is the head (the worker keeps limit / 2 bytes of each end). -1: nowhere. */
static int64_t gap_of(const struct run_output *output, int i)
{
    struct stat st;
    if (output->told[i] || !output->dropped[i] || !isatty(i ? STDERR_FILENO : STDOUT_FILENO) ||
        fstat(output->fd[i], &st) < 0)
        return -1;
    return st.st_size / 2;
}

int run_output_copy(struct run_output *output, enum output_stream stream, struct err *err)
{
    char chunk[CHUNK];
    int i = stream == OUTPUT_ERR;
    int rc = open_file(output, i, err);
    if (rc < 0 || output->fd[i] < 0)
        return rc;
    for (;;) {
        int64_t gap = gap_of(output, i);
        size_t want = sizeof chunk;
        if (gap >= 0 && output->at[i] >= gap)
            tell_dropped(output, i);
        else if (gap >= 0 && gap - output->at[i] < (int64_t)want)
            want = (size_t)(gap - output->at[i]);
        ssize_t n = pread(output->fd[i], chunk, want, output->at[i]);
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read the output of run %lld",
                           (long long)output->run);
        if (n == 0)
            return 0;
        output->at[i] += n;
        errno = 0;
        rc = put(output, i, chunk, (size_t)n, err);
        if (rc < 0)
            return errno == EPIPE ? 1 : rc;
    }
}
