/* each N [-f FIFO] CMD ARG…: runs CMD N times, one after the other, and prints what each took in µs.
 *
 * A shell's fork costs as much as the small programs that are measured here; a vfork does not. With
 * -f a run is over when stamp (below) has told its time through FIFO, and CMD has ended.
 * each stamp FIFO: tells it. Exits 1 when anything failed; CMD's output is dropped. */
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* One write, so that it arrives whole. */
static int stamp(const char *fifo)
{
    int64_t at = now_us();
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, &at, sizeof at) == (ssize_t)sizeof at ? 0 : 1;
}

static int run(char **argv, const char *fifo, int64_t *at)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status, fd = -1, rc = -1;
    /* both ends: the open does not wait, and nobody's close is an end of file */
    if (fifo && (fd = open(fifo, O_RDWR | O_CLOEXEC)) < 0)
        return -1;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0 &&
        waitpid(pid, &status, 0) == pid && status == 0) {
        *at = now_us();
        rc = !fifo || read(fd, at, sizeof *at) == (ssize_t)sizeof *at ? 0 : -1;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

int main(int argc, char **argv)
{
    const char *fifo = NULL;
    char **command = argv + 2;
    if (argc == 3 && strcmp(argv[1], "stamp") == 0)
        return stamp(argv[2]);
    if (argc > 4 && strcmp(argv[2], "-f") == 0) {
        fifo = argv[3];
        command = argv + 4;
    }
    if (argc < 3 || !command[0])
        return 64;
    for (long n = strtol(argv[1], NULL, 10); n > 0; n--) {
        int64_t start = now_us(), end;
        if (run(command, fifo, &end) < 0)
            return 1;
        printf("%" PRId64 "\n", end - start);
    }
    return 0;
}
