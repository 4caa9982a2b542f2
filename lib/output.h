/*
 * output: the files that hold what runs wrote, beside the catalogue:
 * output/<id/1000>/<id>.<attempt>.out and .err. No file for no output.
 */
#ifndef ROTA_OUTPUT_H
#define ROTA_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum output_stream { OUTPUT_OUT = 1, OUTPUT_ERR = 2 };

/* The path of a stream's file, free. `catalogue` is the catalogue's path. */
char *output_path(const char *catalogue, int64_t run, int attempt, enum output_stream stream);
/* Writes len bytes at offset, making directories and the file as needed. Writing the same bytes
 * again is harmless. No symbolic link below the catalogue's directory is followed. ERR_IO. The caller
 * bounds the offset: a worker is not trusted. */
int output_write(const char *catalogue, int64_t run, int attempt, enum output_stream stream,
                 int64_t offset, const void *p, size_t len, struct err *err);
/* Takes away what is there of an attempt that is about to be claimed: the id was given before, in a
 * catalogue that was lost since, and the files of that run would show through. */
void output_clear(const char *catalogue, int64_t run, int attempt);
/* Makes what was written durable: fsync of the file and of its directory. Nothing there: 0. Called
 * before the result is committed. (The directories above are synced when they are made.) */
int output_sync(const char *catalogue, int64_t run, int attempt, enum output_stream stream,
                struct err *err);
/* Size of the file; 0 when there is none. */
int64_t output_size(const char *catalogue, int64_t run, int attempt, enum output_stream stream);

#endif
