/* jobfile_writer: maps of the text of a job, as one line of JSON (jobfile_write.c). */
#ifndef ROTA_JOBFILE_WRITER_H
#define ROTA_JOBFILE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "strlist.h"

/* A map that is being written; zero but for out. */
struct writer {
    struct buf *out;
    bool more; /* a key was written in this map */
};

void writer_key(struct writer *w, const char *key);
/* A map as the value of a key; then of it, with what writer_open returned, and writer_close. */
struct writer writer_open(struct writer *w, const char *key);
void writer_close(struct writer *w);
void writer_string(struct writer *w, const char *key, const char *value); /* NULL: nothing */
/* Nothing when it is the normal one. */
void writer_number(struct writer *w, const char *key, int64_t value, int64_t normal);
void writer_duration(struct writer *w, const char *key, int64_t ms, int64_t normal);
void writer_word(struct writer *w, const char *key, const char *word, bool differs);
void writer_flag(struct writer *w, const char *key, bool set);
/* Nothing when it is empty. */
void writer_list(struct writer *w, const char *key, const struct strlist *list);
/* "NAME=value", as a map. */
void writer_pairs(struct writer *w, const char *key, const struct strlist *pairs);

#endif
