#include "secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "proc.h"
#include "xalloc.h"

/* As ssh looks at a key, but that a file of another owner may be ours to read by its group. */
static int check_file(int fd, const char *path, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_sys(err, ERR_IO, "cannot read %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_DATA, "%s is no file", path);
    unsigned open_to = st.st_mode & (st.st_uid == geteuid() ? 077 : 007);
    if (open_to)
        return err_set(err, ERR_DATA, "%s is open to others (mode %04o): chmod 600 %s", path,
                       (unsigned)st.st_mode & 07777, path);
    return 0;
}

int secret_read_file(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot read %s", path);
    int rc = check_file(fd, path, err);
    if (rc == 0)
        rc = io_read_all(fd, SECRET_MAX + 1, out, err);
    close(fd);
    if (rc == ERR_DATA && out->len > SECRET_MAX)
        return err_set(err, ERR_DATA, "%s: it is over %d bytes", path, SECRET_MAX);
    return rc;
}

int secret_check(struct buf *value, struct err *err)
{
    while (value->len && buf_data(value)[value->len - 1] == '\n')
        buf_truncate(value, value->len - 1);
    if (!value->len)
        return err_set(err, ERR_DATA, "it is empty");
    if (memchr(buf_data(value), '\0', value->len))
        return err_set(err, ERR_DATA, "it holds a NUL byte, which no variable can");
    if (value->len > SECRET_MAX)
        return err_set(err, ERR_DATA, "it is over %d bytes", SECRET_MAX);
    if (value->len < SECRET_MIN)
        return err_set(err, ERR_DATA, "a secret of under %d bytes cannot be masked", SECRET_MIN);
    return 0;
}

int secret_argv(const struct job_secret *secret, struct strlist *argv, struct err *err)
{
    if (secret->from == SECRET_FILE) {
        char *program = proc_find_sibling("rota-dispatch");
        if (!program)
            return err_set(err, ERR_OS, "rota-dispatch is not installed beside this program");
        strlist_take(argv, program);
        strlist_add(argv, SECRET_FILE_OPTION);
    }
    strlist_copy(argv, &secret->source);
    return 0;
}

/* Words may hold anything but NUL: with its length before it each, two lists never look the same. */
char *secret_key(const struct job_secret *secret)
{
    struct buf key = {0};
    buf_addf(&key, "%d", (int)secret->from);
    for (size_t i = 0; i < secret->source.n; i++)
        buf_addf(&key, " %zu:%s", strlen(secret->source.v[i]), secret->source.v[i]);
    return buf_detach(&key);
}

void secret_wipe(char *value)
{
    if (value)
        explicit_bzero(value, strlen(value));
    free(value);
}
