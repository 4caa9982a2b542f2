/*
 * worker_witness: what a job leaves for its test to see: files, pids, processes that are gone.
 * Every wait is for a condition and bounded.
 */
#ifndef ROTA_WORKER_WITNESS_H
#define ROTA_WORKER_WITNESS_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"

enum { CLIENT_WAIT_MS = 20000 };

/* Polls a condition; the pause between two looks costs time only, never the outcome. */
__attribute__((unused)) static bool client_until(bool (*is_so)(void *), void *arg)
{
    int64_t end = clock_mono() + CLIENT_WAIT_MS;
    while (!is_so(arg)) {
        if (clock_mono() > end)
            return false;
        (void)poll(NULL, 0, 2);
    }
    return true;
}

/* The content of a file as a string, free; "" when there is none. */
__attribute__((unused)) static char *client_file(const char *path)
{
    struct buf text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    while (fd >= 0 && (n = read(fd, buf_room(&text, 4096), 4096)) > 0)
        buf_grew(&text, (size_t)n);
    if (fd >= 0)
        close(fd);
    (void)buf_str(&text);
    return buf_detach(&text);
}

/* A pid that a job wrote into a file: waits for the line. 0: it never came. */
static bool client_has_line(void *path)
{
    char *text = client_file(path);
    bool has = strchr(text, '\n') != NULL;
    free(text);
    return has;
}

__attribute__((unused)) static pid_t client_pid_in(char *path)
{
    if (!client_until(client_has_line, path))
        return 0;
    char *text = client_file(path);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    free(text);
    return pid;
}

/* Gone, or a zombie that somebody else is to reap. */
__attribute__((unused)) static bool client_is_gone(void *arg)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)*(pid_t *)arg);
    char *text = client_file(path), *p = strrchr(text, ')');
    bool gone = !p || p[2] == 'Z' || p[2] == 'X';
    free(text);
    return gone;
}

/* The shim is the parent of the job's main process. */
__attribute__((unused)) static pid_t client_parent_of(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *text = client_file(path), *p = strrchr(text, ')');
    pid_t parent = p ? (pid_t)strtol(p + 4, NULL, 10) : 0;
    free(text);
    return parent;
}

#endif
