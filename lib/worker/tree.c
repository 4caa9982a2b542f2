#include "worker/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "xalloc.h"

enum { TREE_MAX = 1 << 20 };

struct node {
    pid_t pid, parent;
};

struct nodes {
    struct node *v;
    size_t n, cap;
};

static void add(struct nodes *nodes, pid_t pid, pid_t parent)
{
    if (nodes->n == TREE_MAX)
        return;
    if (nodes->n == nodes->cap) {
        nodes->cap = nodes->cap ? nodes->cap * 2 : 64;
        nodes->v = xreallocarray(nodes->v, nodes->cap, sizeof *nodes->v);
    }
    nodes->v[nodes->n++] = (struct node){pid, parent};
}

pid_t tree_pid_of_name(const char *name)
{
    char *end;
    long pid = strtol(name, &end, 10);
    return *end || pid <= 0 ? 0 : (pid_t)pid;
}

/* State letter and parent of a process; false when there is none. */
static bool look(pid_t pid, char *state, pid_t *parent)
{
    char path[64], text[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    /* the name in parentheses may hold anything: count from its end */
    const char *p = strrchr(text, ')');
    if (!p || strlen(p) < 5)
        return false;
    *state = p[2];
    *parent = (pid_t)strtol(p + 4, NULL, 10);
    return true;
}

/* ---- signalling one ---- */

static int send_through(int pidfd, int sig, int value)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = sig;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    return pidfd_send_signal(pidfd, sig, &info, 0);
}

int tree_kill_checked(pid_t pid, int sig, int value, bool (*still_it)(pid_t, const void *),
                      const void *arg)
{
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0 && errno == ESRCH)
        return -1;
    if (!still_it(pid, arg)) {
        if (pidfd >= 0)
            close(pidfd);
        errno = ESRCH;
        return -1;
    }
    if (pidfd < 0) /* a kernel before 5.3: the check and the call are only close together */
        return sigqueue(pid, sig, (union sigval){.sival_int = value});
    int rc = send_through(pidfd, sig, value);
    int saved = errno;
    close(pidfd);
    errno = saved;
    return rc;
}

/* ---- descendants ---- */

/* Adds the children of one thread, as the kernel lists them. */
static void add_children_of_thread(struct nodes *nodes, pid_t pid, pid_t tid)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)tid);
    FILE *f = fopen(path, "re");
    if (!f)
        return;
    char word[32];
    while (fscanf(f, "%31s", word) == 1) {
        pid_t child = tree_pid_of_name(word);
        if (child)
            add(nodes, child, pid);
    }
    (void)fclose(f);
}

static void add_children(struct nodes *nodes, pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        pid_t tid = tree_pid_of_name(entry->d_name);
        if (tid)
            add_children_of_thread(nodes, pid, tid);
    }
    (void)closedir(d);
}

/* Every process and its parent, for kernels without the children files. */
static void list_all(struct nodes *all)
{
    DIR *d = opendir("/proc");
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));) {
        pid_t pid = tree_pid_of_name(entry->d_name), parent;
        char state;
        if (pid && look(pid, &state, &parent))
            add(all, pid, parent);
    }
    (void)closedir(d);
}

static bool kernel_lists_children(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    return access(path, R_OK) == 0;
}

/* Breadth first: node i's children are appended while the list is walked. */
static void find_descendants(struct nodes *found, pid_t root)
{
    struct nodes all = {0};
    bool listed = kernel_lists_children();
    if (!listed)
        list_all(&all);
    add(found, root, 0);
    for (size_t i = 0; i < found->n; i++) {
        pid_t pid = found->v[i].pid;
        if (listed)
            add_children(found, pid);
        for (size_t k = 0; k < all.n; k++)
            if (all.v[k].parent == pid)
                add(found, all.v[k].pid, pid);
    }
    free(all.v);
}

/* Whether a pid is still the process that was listed: its parent is, or it fell to us meanwhile. */
static bool is_listed(pid_t pid, const void *arg)
{
    const struct node *node = arg;
    char state;
    pid_t parent;
    return look(pid, &state, &parent) && (parent == node->parent || parent == getpid());
}

struct tree_count tree_signal(int sig)
{
    struct tree_count count = {0};
    struct nodes found = {0};
    find_descendants(&found, getpid());
    for (size_t i = 1; i < found.n; i++) {
        char state = 'Z';
        pid_t pid = found.v[i].pid, parent;
        int rc = tree_kill_checked(pid, sig, 0, is_listed, &found.v[i]);
        int why = errno;
        /* a dead one counts for nothing, though a zombie that leads living threads does get the signal */
        if (!look(pid, &state, &parent) || state == 'Z' || state == 'X')
            continue;
        if (rc < 0 && why == EPERM) {
            count.refused++;
            count.example = pid;
        } else {
            count.signalled++;
        }
    }
    free(found.v);
    return count;
}
