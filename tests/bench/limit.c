/* limit SHIM|BARE N: what this machine can do at most, without any promise about power failures.
 *
 * shim: the least durable work of a supervisor a run, on all cores: fork, setsid, three new files, fork,
 * exec `sh -c true`, wait, write the result, rename it, remove all. bare: only vfork and exec of
 * `sh -c true`. One process a core takes its share of the N runs; prints nothing, exits 1 when
 * anything failed. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *const job[] = {"sh", "-c", "true", NULL};

static int wait_for(pid_t pid)
{
    int status;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int run_bare(void)
{
    pid_t pid;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, job, environ) != 0)
        return -1;
    return wait_for(pid);
}

static int make_file(const char *name)
{
    return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

_Noreturn static void shim(const char *dir)
{
    char out[64], errors[64], fresh[64], result[64];
    (void)setsid();
    (void)snprintf(out, sizeof out, "%s/%d.out", dir, (int)getpid());
    (void)snprintf(errors, sizeof errors, "%s/%d.err", dir, (int)getpid());
    (void)snprintf(fresh, sizeof fresh, "%s/%d.new", dir, (int)getpid());
    (void)snprintf(result, sizeof result, "%s/%d.end", dir, (int)getpid());
    int files[] = {make_file(out), make_file(errors), make_file(fresh)};
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(files[0], 1);
        (void)dup2(files[1], 2);
        execv("/bin/sh", job);
        _exit(127);
    }
    int bad = files[2] < 0 || wait_for(pid) < 0 || write(files[2], "0\n", 2) != 2 ||
              rename(fresh, result) < 0 || unlink(result) < 0 || unlink(out) < 0 ||
              unlink(errors) < 0;
    _exit(bad);
}

static int run_shim(const char *dir)
{
    pid_t pid = fork();
    if (pid == 0)
        shim(dir);
    return wait_for(pid);
}

int main(int argc, char **argv)
{
    long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    char dir[] = "/tmp/limit.XXXXXX";
    if (n <= 0 || (strcmp(argv[1], "shim") != 0 && strcmp(argv[1], "bare") != 0) || !mkdtemp(dir)) {
        (void)fputs("usage: limit shim|bare N\n", stderr);
        return 2;
    }
    for (long core = 0; core < cores; core++)
        if (fork() == 0) {
            int bad = 0;
            for (long i = core; i < n && !bad; i += cores)
                bad = *argv[1] == 's' ? run_shim(dir) : run_bare();
            _exit(bad != 0);
        }
    int bad = 0;
    for (long core = 0; core < cores; core++) {
        int status;
        bad |= wait(&status) < 0 || status != 0;
    }
    return rmdir(dir) < 0 || bad;
}
