/*
 * output: the files that hold what runs wrote, beside the catalogue:
 * output/<id/1000>/<id>.<attempt>.out and .err. No file for no output.
 */
#ifndef ROTA_OUTPUT_H
#define ROTA_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum output_stream { OUTPUT_OUT = 1, OUTPUT_ERR = 2 };

/* The directory of all of it, free. `catalogue` is the catalogue's path. */
char *output_dir(const char *catalogue);
/* The path of a stream's file, free. `catalogue` is the catalogue's path. */
char *output_path(const char *catalogue, int64_t run, int attempt, enum output_stream stream);
/* What a process that writes keeps open, of the catalogue at this path; output_close. */
struct output;
enum { OUTPUT_FILES = 128 }; /* it has at most so many and one directory open */
struct output *output_open(const char *catalogue);
/* Asks for at most so many (0 counts as 1), which is too late when something was written. Returns how many
 * it is. */
size_t output_keep(struct output *o, size_t files);
void output_close(struct output *o); /* NULL ok; syncs nothing */
/* Writes len bytes at offset, making directories and the file as needed. Writing the same bytes
 * again is harmless. No symbolic link below the catalogue's directory is followed. ERR_IO. The caller
 * bounds the offset: a worker is not trusted. */
int output_write(struct output *o, int64_t run, int attempt, enum output_stream stream,
                 int64_t offset, const void *p, size_t len, struct err *err);
/* Makes what was written durable: the file and its name. Nothing there: 0. Called once, before the
 * result is committed. (The directories above are synced when they are made.) */
int output_sync(struct output *o, int64_t run, int attempt, enum output_stream stream,
                struct err *err);
/* Takes away what is there of an attempt that is about to be claimed: the id was given before, in a
 * catalogue that was lost since, and the files of that run would show through. */
void output_clear(const char *catalogue, int64_t run, int attempt);
/* Files of runs that are to go away: of attempts 1 to `attempts`. */
struct output_run {
    int64_t run;
    int attempts;
};
/* Takes away the files of n runs, by rising id, and makes that durable. A symbolic link in the place of a
 * directory is not followed. ERR_IO: some are still there. */
int output_remove(const char *catalogue, const struct output_run *runs, size_t n, struct err *err);
/* The first of the runs whose files are in one directory with those of this one. */
enum { OUTPUT_RUNS_PER_DIR = 1000 };
int64_t output_first(int64_t run);
/* Takes away the directory of a run's files if it is empty. */
void output_remove_dir(const char *catalogue, int64_t run);
/* ---- for output_files ---- */
/* The directory of the files of a run, made where `make` says so; -1 and errno. */
int output_run_dir(const char *catalogue, int64_t run, bool make);
/* A directory in one, likewise; no symbolic link is followed. */
int output_step(int at, const char *name, bool make);
/* Size of the file; 0 when there is none. */
int64_t output_size(const char *catalogue, int64_t run, int attempt, enum output_stream stream);

#endif
