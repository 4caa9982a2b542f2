/* board_internal: what the files of the board share. */
#ifndef ROTA_MONITOR_BOARD_INTERNAL_H
#define ROTA_MONITOR_BOARD_INTERNAL_H

#include <stdint.h>

#include "board.h"
#include "buf.h"

/* ---- board_words.c: each text once, named by a number ---- */

struct board_words {
    char **v; /* owned */
    size_t n, cap;
    size_t *slots; /* index + 1; 0: free */
    size_t nslots;
    size_t bytes; /* of all texts, in the page */
};
/* The number of a text (cut to BOARD_WORD bytes); -1 for NULL, and for a new one when they have
 * grown over `budget` bytes. */
enum { BOARD_WORD = 240 };
int64_t board_word(struct board_words *words, const char *text, size_t budget);
void board_words_free(struct board_words *words);

/* ---- board_json.c: JSON that may stand in a script element ---- */

/* A string with its quotes: as escape_json, and < > & as \u00XX: no text can end the element or begin
 * a comment. NULL: null. */
void board_text(struct buf *out, const char *text);
void board_bytes(struct buf *out, const char *p, size_t len);
/* ,"key":value; a time of 0 is null. */
void board_number(struct buf *out, const char *key, int64_t number);
void board_time(struct buf *out, const char *key, int64_t at);
void board_string(struct buf *out, const char *key, const char *text);

/* ---- the page that is being made ---- */

/* What of a run's output is beside the page. */
enum { BOARD_HAS_OUT = 1, BOARD_HAS_ERR = 2, BOARD_CUT = 4 };

struct board {
    struct catalogue *cat;
    const struct config *config;
    int64_t now;
    const char *zone; /* whose days are counted */
    struct run *runs; /* the newest first */
    size_t nruns;
    unsigned char *beside; /* BOARD_HAS_…, one a run */
    struct board_words words;
    struct buf json;
};

/* Each appends members (",key:value") of the page's object to board->json. */
int board_put_hosts(struct board *board, struct err *err);   /* board_hosts.c */
int board_put_jobs(struct board *board, struct err *err);    /* board_jobs.c */
int board_put_summary(struct board *board, struct err *err); /* board_summary.c */
int board_put_runs(struct board *board, struct err *err);    /* board_runs.c */
int board_read_runs(struct board *board, struct err *err);   /* board_runs.c */
void board_put_output(struct board *board, size_t budget);   /* board_output.c; ends of it, within
                                                                 `budget` bytes of JSON */

/* ---- board_files.c: what is written ---- */

struct board_place {
    const char *path;
    int fd;        /* of the directory, locked */
    int output;    /* of output/ below it */
    unsigned mode; /* of files; whoever may read may enter output/ */
};
/* Opens and locks the directory, made when missing. board_place_close. */
int board_place_open(struct board_place *place, const char *path, struct err *err);
void board_place_close(struct board_place *place);
/* Replaces a file of this directory (fd: place->fd or place->output). */
int board_place_write(const struct board_place *place, int fd, const char *name, const void *p,
                      size_t len, struct err *err);

/* ---- board_output.c, board_copy.c ---- */

/* Appends the last `max` bytes of a stream of a run's last attempt; *cut: there was more. Nothing when it
 * cannot be read: it may have been pruned meanwhile. */
enum { BOARD_OUT = 0, BOARD_ERR = 1 };
void board_read_end(const struct board *board, const struct run *run, int stream, size_t max,
                    struct buf *out, int *cut);
/* Copies output beside the page, fills board->beside, takes old copies away; *n: how many there are. */
int board_copy_output(struct board *board, const struct board_place *place, size_t *n,
                      struct err *err);

/* ---- board_page.c ---- */

/* The page around the data; `nonce` allows its own style and program, and nothing else. */
void board_page(struct buf *out, const char *nonce, const struct buf *json);
/* Whether a file that begins so is a page of ours. */
int board_page_is_ours(const char *p, size_t len);
/* Bytes of the page without the data. */
size_t board_page_frame(void);

#endif
