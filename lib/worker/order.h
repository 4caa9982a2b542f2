/* order: what a START message asks for, and what the shim needs to do it. */
#ifndef ROTA_WORKER_ORDER_H
#define ROTA_WORKER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "message.h"
#include "sha256.h"
#include "strlist.h"
#include "worker/account.h"

/* The PATH of a run that says none. */
#define ORDER_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct executor;

/* A file that the head gives or wants (files.h). */
struct order_file {
    char *path; /* by the run's directory */
    uint32_t mode;
    uint64_t size;
    unsigned char sha[SHA256_SIZE];
    bool optional;
};
struct order_files {
    struct order_file *v;
    size_t n;
};

struct order {
    struct message_key key;
    uint64_t credit;
    const struct executor *executor;
    const struct executor *work; /* whose work that one carries; NULL: its own */
    char *text;                  /* NULL: none; as input, workdir, user */
    unsigned char *start;        /* the message, of one that is carried; NULL: not kept */
    size_t start_len;
    struct strlist args, env, options; /* options: "key=value" */
    struct strlist secrets;            /* "NAME=value": environment as well, never shown or kept */
    char *input;
    size_t input_len;
    char *workdir;
    char *user;
    int64_t timeout_ms; /* 0: none */
    int64_t kill_after_ms;
    int64_t leash_ms; /* 0: none */
    int64_t sign;     /* of when the head's word is, moment_up() */
    uint64_t out_limit;
    uint64_t memory; /* bytes it may use; 0: any number */
    uint32_t cpu;    /* thousandths of a processor; 0: all there are */
    int nice;
    bool leave;                /* leftovers live on */
    const struct account *own; /* borrowed: whose HOME and so on, when there is no user */
    struct account *as;        /* to become this one; NULL: stay */
    char *problem;             /* why it cannot start, for people; NULL: it can */
    int cell, lock;            /* taken by the front end; 0 and -1: none */
    struct order_files put, get;
    char *staging; /* the directory of files on their way (staging.h); likewise */
    char *output;  /* the file that it may write values to (handover.h); likewise */
};

/* Makes an order of a START. Anything wrong is in ->problem; never NULL. */
struct order *order_read(const struct message *m);
/* The value of the first option of that key, borrowed; NULL when there is none. */
const char *order_option(const struct order *order, const char *key);
/* Says why it cannot start; the first reason stays. */
void order_refuse(struct order *order, const char *why);
/* Finds who the run is to run as, by the cache; what is wrong is in ->problem. */
void order_find_account(struct order *order, const struct account *own, struct accounts *cache);
void order_free(struct order *order);

/* The environment of the run, NULL-terminated; it and its strings are the caller's. Later settings of one
 * name win; what names the run to us comes last and cannot be overridden. */
char **order_environment(const struct order *order);
/* The directory it starts in; free. *is_home: nobody chose it. */
char *order_directory(const struct order *order, bool *is_home);

#endif
