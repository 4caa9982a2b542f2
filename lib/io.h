/* io: reading and writing whole things. */
#ifndef ROTA_IO_H
#define ROTA_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/* Writes all len bytes, going on after EINTR and short writes. 0 or ERR_IO. */
int io_write_all(int fd, const void *p, size_t len, struct err *err);
/* As io_write_all, at an offset, which may lie behind the end. 0; -1 with errno. */
int io_write_at(int fd, const void *p, size_t len, off_t offset);
/* Appends what is left to read, at most `max` bytes. 0; ERR_DATA when there is more; ERR_IO. */
int io_read_all(int fd, size_t max, struct buf *out, struct err *err);
/* Makes the names in a directory durable. ERR_IO. */
int io_sync_dir(const char *path, struct err *err);
/* As io_read_all, from a file. ERR_IO also when it cannot be opened. */
int io_read_file(const char *path, size_t max, struct buf *out, struct err *err);
int io_mkdirs(const char *path, mode_t mode, struct err *err); /* as mkdir -p; exists is no error */
/* O_NONBLOCK and FD_CLOEXEC on. */
int io_nonblock(int fd);
/* Replaces a leading "~/" by $HOME; owned by the caller. */
char *io_expand_home(const char *path);

#endif
