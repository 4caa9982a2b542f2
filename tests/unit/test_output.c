/* Output files: what is written comes back, and nothing outside is touched. */
#include "output.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"
#include "xalloc.h"

static char dir[256];
static char *catalogue;
static struct output *files;
static struct err err;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int put(int64_t run, enum output_stream stream, int64_t offset, const char *text)
{
    return output_write(files, run, 1, stream, offset, text, strlen(text), &err);
}

/* The content of a stream's file; NULL when there is none. Static. */
static const char *content(int64_t run, enum output_stream stream)
{
    static char text[4096];
    char *path = output_path(catalogue, run, 1, stream);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0)
        return NULL;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void test_write(void)
{
    char *path = output_path("/var/lib/rota/catalogue.db", 12345, 2, OUTPUT_ERR);
    tap_str(path, "/var/lib/rota/output/12/12345.2.err", "the path of a run's output");
    free(path);
    tap_int(output_size(catalogue, 17, 1, OUTPUT_OUT), 0, "no file: no output");
    tap_int(output_sync(files, 17, 1, OUTPUT_OUT, &err), 0, "and nothing to make durable");
    mode_t old = umask(077);
    tap_int(put(17, OUTPUT_OUT, 0, "hello "), 0, "the first bytes make directories and file");
    umask(old);
    tap_int(put(17, OUTPUT_OUT, 6, "world"), 0, "more follow");
    tap_int(put(17, OUTPUT_OUT, 0, "hello "), 0, "the same again");
    tap_str(content(17, OUTPUT_OUT), "hello world", "is harmless");
    tap_ok(content(17, OUTPUT_ERR) == NULL, "the other stream has no file");
    tap_int(put(17, OUTPUT_ERR, 0, ""), 0, "nothing is written for nothing");
    tap_ok(content(17, OUTPUT_ERR) == NULL, "and makes no file");
    tap_int(output_size(catalogue, 17, 1, OUTPUT_OUT), 11, "the size is known");
    tap_int(output_sync(files, 17, 1, OUTPUT_OUT, &err), 0, "it can be made durable");
    path = output_path(catalogue, 17, 1, OUTPUT_OUT);
    tap_int(mode_of(path), 0660, "the group may read it, whatever the umask");
    *strrchr(path, '/') = '\0';
    tap_int(mode_of(path), 02770, "as its directory");
    free(path);
    tap_int(put(1017, OUTPUT_OUT, 0, "x"), 0, "each thousand runs has a directory");
    tap_int(output_write(files, 17, 1, OUTPUT_OUT, -1, "x", 1, &err), ERR_BUG,
            "a negative offset is refused");
    tap_int(output_write(files, 17, 1, OUTPUT_OUT, INT64_MAX, "xx", 2, &err), ERR_BUG,
            "so is one past the end of numbers");
}

static void test_clear(void)
{
    output_clear(catalogue, 5000000, 1);
    (void)put(17, OUTPUT_ERR, 0, "x");
    (void)put(18, OUTPUT_OUT, 0, "x");
    output_clear(catalogue, 17, 2);
    tap_ok(content(17, OUTPUT_OUT) && content(17, OUTPUT_ERR), "another attempt's output stays");
    output_clear(catalogue, 17, 1);
    tap_ok(!content(17, OUTPUT_OUT) && !content(17, OUTPUT_ERR), "an attempt's output is cleared");
    tap_str(content(18, OUTPUT_OUT), "x", "and no other run's");
}

/* `what` in place of a file or directory leads to `victim`. */
static void test_links(void)
{
    char *victim = xasprintf("%s/victim", dir), *out = xasprintf("%s/output/2/2000.1.out", dir);
    char *three = xasprintf("%s/output/3", dir), *elsewhere = xasprintf("%s/elsewhere", dir);
    (void)put(2001, OUTPUT_OUT, 0, "x");
    if (mkdir(elsewhere, 0700) < 0 || symlink(victim, out) < 0 || symlink(elsewhere, three) < 0)
        exit(1);
    tap_int(put(2000, OUTPUT_OUT, 0, "x"), ERR_IO, "a symbolic link is not written through");
    tap_ok(strstr(err.msg, "2000.1.out") != NULL, "and the message names the file");
    tap_int(mode_of(victim), 0, "nothing was made at its end");
    tap_int(put(3000, OUTPUT_OUT, 0, "x"), ERR_IO, "nor is a directory that is one");
    tap_int(rmdir(elsewhere), 0, "nothing was made in it");
    (void)unlink(out);
    if (mkfifo(out, 0600) < 0)
        exit(1);
    tap_int(put(2000, OUTPUT_OUT, 0, "x"), ERR_IO, "a fifo neither stops nor takes a write");
    int reader = open(out, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    tap_int(put(2000, OUTPUT_OUT, 0, "x"), ERR_IO, "not even one that is read");
    close(reader);
    free(victim);
    free(out);
    free(three);
    free(elsewhere);
}

/* A limit on the size of files fails a write as a full disk does. */
static void test_full(void)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {4, 4};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        _exit(put(4000, OUTPUT_OUT, 0, "hello") == ERR_IO ? 7 : 0);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 7, "a write cut short is an error");
}

/* More streams than may stay open, written in turns. */
static void test_many(void)
{
    enum { MANY = 3 * OUTPUT_FILES };
    int bad = 0;
    for (int chunk = 0; chunk < 2; chunk++)
        for (int64_t run = 6000; run < 6000 + MANY; run++)
            bad += put(run, OUTPUT_OUT, chunk, chunk ? "b" : "a") < 0;
    for (int64_t run = 6000; run < 6000 + MANY; run++)
        bad += output_sync(files, run, 1, OUTPUT_OUT, &err) < 0 ||
               strcmp(content(run, OUTPUT_OUT), "ab") != 0;
    tap_int(bad, 0, "many streams are written in turns, and made durable");
}

static int descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Nor more than were asked for, but for what is open already. */
static void test_few(void)
{
    struct output *few = output_open(catalogue);
    int before = descriptors(), bad = 0;
    tap_int((long)output_keep(few, 0), 1, "at least one stream stays open");
    tap_int((long)output_keep(few, 4), 4, "as many as are asked for");
    for (int64_t run = 8000; run < 8040; run++)
        for (enum output_stream stream = OUTPUT_OUT; stream <= OUTPUT_ERR; stream++)
            bad += output_write(few, run, 1, stream, 0, "a", 1, &err) < 0;
    tap_int(descriptors() - before, 5, "of 80 streams four stay open, and a directory");
    tap_int((long)output_keep(few, 2), 4, "what is open is not forgotten");
    for (int64_t run = 8000; run < 8040; run++)
        for (enum output_stream stream = OUTPUT_OUT; stream <= OUTPUT_ERR; stream++)
            bad += output_sync(few, run, 1, stream, &err) < 0;
    tap_int(bad, 0, "all are written, and made durable");
    tap_int(descriptors() - before, 1, "and closed");
    output_close(few);
}

/* Somebody tidies up while we write. */
static void test_removed(void)
{
    char *path = output_path(catalogue, 7000, 1, OUTPUT_OUT);
    char *three = xasprintf("%s/output/7", dir);
    (void)put(7000, OUTPUT_OUT, 0, "lost");
    (void)unlink(path);
    tap_int(put(7000, OUTPUT_OUT, 0, "kept"), 0, "a file that was taken away is made anew");
    tap_str(content(7000, OUTPUT_OUT), "kept", "and written");
    (void)unlink(path);
    (void)rmdir(three);
    tap_int(put(7000, OUTPUT_OUT, 0, "kept"), 0, "so is its directory");
    tap_str(content(7000, OUTPUT_OUT), "kept", "and what is in it");
    tap_int(output_sync(files, 7000, 1, OUTPUT_OUT, &err), 0, "and made durable");
    (void)put(7000, OUTPUT_OUT, 0, "gone");
    (void)unlink(path);
    tap_int(output_sync(files, 7000, 1, OUTPUT_OUT, &err), ERR_IO,
            "what was taken away before it was durable is not called so");
    free(path);
    free(three);
}

int main(void)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof dir, "%s/rota-output.XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    catalogue = xasprintf("%s/catalogue.db", dir);
    int before = descriptors();
    files = output_open(catalogue);
    test_write();
    test_clear();
    test_links();
    test_full();
    test_many();
    test_few();
    test_removed();
    output_close(files);
    tap_int(descriptors(), before, "no descriptor stays open, after errors either");
    free(catalogue);
    (void)nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return tap_done();
}
