/*
 * config_alert: the sections [alert NAME] and [monitor] of rota.ini: who is told what, and when
 * something counts as a trouble.
 */
#ifndef ROTA_CONFIG_ALERT_H
#define ROTA_CONFIG_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config_channel.h"
#include "err.h"
#include "strlist.h"

/* What can be wrong. The catalogue keeps the names, which never change. */
enum alert_rule {
    ALERT_FAILED,                  /* of a job */
    ALERT_MISSED,                  /* of a job */
    ALERT_LATE,                    /* of a job */
    ALERT_LOST,                    /* of a job */
    ALERT_HOST_DOWN,               /* of a host */
    ALERT_QUEUE_AGE,               /* of all */
    ALERT_SILENT,                  /* of all: dispatcher-silent */
    ALERT_DISK,                    /* of a host, or of the catalogue's directory */
    ALERT_RULES,                   /* how many there are */
    ALERT_RECOVERED = ALERT_RULES, /* words for `on` only: the end of what a job had, */
    ALERT_HOST_UP,                 /* and of host-down */
    ALERT_WORDS,
};
/* "failed"; static. */
const char *alert_rule_name(enum alert_rule rule);
/* ALERT_WORDS when there is none of that name. */
enum alert_rule alert_rule_of(const char *name);
/* Whether its subject is a job. */
bool alert_rule_is_of_job(enum alert_rule rule);

/* A section [alert NAME]. */
struct alert_config {
    char *name;
    char *place;                 /* "rota.ini:12", for messages */
    unsigned on;                 /* bit 1 << rule or word */
    int streak;                  /* failed: only from so many in a row; 1: each */
    struct strlist to[CHANNELS]; /* targets: of one channel, the others are empty */
    bool slack;                  /* template = slack */
    int64_t remind_ms;           /* 0: never */
    struct strlist jobs;         /* patterns; empty: all */
};
/* The one that has targets; CHANNELS: none. */
enum alert_channel alert_channel(const struct alert_config *alert);

/* The section [monitor]. */
struct monitor_config {
    char *heartbeat;         /* URL; NULL: none */
    struct strlist sendmail; /* program and arguments */
    char *from;              /* address that mails are from; NULL: the mail system's choice */
    int64_t queue_age_ms, down_after_ms, silent_after_ms;
    int64_t disk_bytes; /* less is a trouble; 0: never */
    double late_factor; /* times the longest of the last runs; 0: never */
};

struct config; /* config.h, which includes this */

/* Values of the sections' keys: each stores what the text says, or fills err. */
config_reader alert_read_on;       /* to: the struct alert_config */
config_reader alert_read_template; /* to: its slack */
config_reader alert_read_duration; /* to: ms; `never` is 0 */
config_reader alert_read_jobs;     /* to: its jobs */
config_reader alert_read_size;     /* to: bytes */
config_reader alert_read_factor;   /* to: a double */
config_reader alert_read_program;  /* to: a struct strlist */

/* Everything that the file does not say. */
void monitor_config_init(struct monitor_config *monitor);
void monitor_config_free(struct monitor_config *monitor);
/* Appends a section with its defaults, valid until the next one is added. */
struct alert_config *config_add_alert(struct config *config, const char *name, const char *place);
void alert_config_free(struct alert_config *alert);
/* The section of that name; NULL. */
const struct alert_config *config_alert(const struct config *config, const char *name);
/* What can be said only when the file was read: channels that lack or exclude each other, names. */
void config_check_alerts(const struct config *config, struct errlist *errors);
/* Whether somebody is told at all. */
bool config_is_monitored(const struct config *config);

#endif
