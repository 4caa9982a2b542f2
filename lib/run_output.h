/*
 * run_output: copies what an attempt wrote to our own standard output and standard error, as far as it
 * is there, again and again while it grows.
 *
 * Byte for byte, except on a terminal: there untrusted bytes are escaped. What was dropped from the middle is
 * said: on a terminal where it is missing, else on standard error at the end.
 */
#ifndef ROTA_RUN_OUTPUT_H
#define ROTA_RUN_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "output.h"

struct run_output {
    int64_t run;
    int attempt;
    const char *catalogue; /* borrowed path */
    int fd[2];             /* of the files, -1: not there yet */
    int64_t at[2];         /* bytes copied */
    int64_t dropped[2];    /* set by the caller once the attempt is over */
    bool told[2];          /* of what was dropped */
    char torn[2][4];       /* the beginning of a character whose rest is not there yet */
    int ntorn[2];
};

void run_output_begin(struct run_output *output, const char *catalogue, int64_t run, int attempt);
/* Copies what is new of a stream. 0; 1 when whoever reads us has gone; ERR_IO. */
int run_output_copy(struct run_output *output, enum output_stream stream, struct err *err);
/* Tells what is still to be told, closes the files. Harmless when nothing was begun. */
void run_output_end(struct run_output *output);

#endif
