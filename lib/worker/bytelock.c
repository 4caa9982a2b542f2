#include "worker/bytelock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct flock byte_lock(off_t n)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1};
}

int bytelock_take(int fd, off_t n)
{
    struct flock lock = byte_lock(n);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

bool bytelock_is_held(int fd, off_t n)
{
    struct flock lock = byte_lock(n);
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
