/*
 * output_files: files that runs gave us, beside their output: output/<id/1000>/<id>.<attempt>.files/NAME, and
 * from there to their place below files/ beside the catalogue. No symbolic link below the catalogue's
 * directory is followed.
 */
#ifndef ROTA_OUTPUT_FILES_H
#define ROTA_OUTPUT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Writes len bytes at offset; offset 0 makes the file anew. `name` has no slash. ERR_IO. */
int output_files_write(const char *catalogue, int64_t run, int attempt, const char *name,
                       uint64_t offset, const void *p, size_t len, struct err *err);
/* Makes it durable, its name too. ERR_IO. */
int output_files_sync(const char *catalogue, int64_t run, int attempt, const char *name,
                      struct err *err);
/* Moves it to a path below files/, in place of what is there, for good. ERR_IO. */
int output_files_place(const char *catalogue, int64_t run, int attempt, const char *name,
                       const char *to, struct err *err);
/* Takes away the files of an attempt in the directory of its run. -1 and errno; ENOENT: there were none. */
int output_files_remove(int run_dir, int64_t run, int attempt);

#endif
