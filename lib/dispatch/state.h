/* What a dispatcher has in memory: specifications, runs, hosts, and itself. */
#ifndef ROTA_DISPATCH_STATE_H
#define ROTA_DISPATCH_STATE_H

#include <stddef.h>

#include "dispatch/dispatch.h"
#include "heap.h"
#include "loop.h"
#include "message.h"
#include "placement.h"
#include "transport.h"

/* A specification that some run in memory uses. */
struct spec {
    int64_t id;
    size_t refs;
    struct job job;
    struct spec *prev, *next; /* of all */
    struct work *waiting;     /* its runs that stand in a line */
    char *said;               /* why they wait, as last written; "": no reason; NULL: unknown */
};

/* The end of an attempt as the worker told it, not yet recorded. */
struct ending {
    enum message_end end;
    int code, signal;
    bool told;     /* by the worker, which keeps it and the output until we acknowledge */
    bool unproven; /* lost, but its processes may live on until their leash ends */
    char *reason;
    int64_t duration_ms, at; /* wall clock of its end */
    int64_t utime_us, stime_us, maxrss_kb;
    int64_t total[2], dropped[2]; /* standard output, standard error */
    int64_t missing;              /* of the dropped ones, bytes that were kept and never came */
    struct strlist values;        /* what it told those after it, "key=value" */
    int ignored;                  /* lines of that which were none */
    char *unfetched;              /* why a file that it was to give us is not here; NULL: all are */
};

/* A run that is queued, starting or running. */
struct work {
    int64_t id;
    struct spec *spec;
    char *job;  /* the run's own name for its job */
    char *host; /* of an orphan: a worker that is not in the configuration */
    enum run_state state;
    int priority, attempt;
    uint64_t token;
    int64_t not_before, queued_at, due_at, started_at;
    int64_t lined_at;       /* monotonic: when it came into its line */
    bool cancel;            /* somebody asked */
    bool in_later;          /* waits in dispatch.later, else in its class's line */
    size_t at;              /* in dispatch.later */
    struct place_run place; /* as placement knows it */
    struct work *prev_waiting, *next_waiting; /* of the specification */
    struct peer *peer;                        /* of the current attempt; NULL while queued */
    struct work *prev, *next;                 /* among the peer's */
    int64_t array, index; /* its group, 0: none, and the place in it; struct run_new */
    char *item, *pin;     /* NULL: none */
    int shards;
    bool needs;           /* it came after others */
    struct strlist given; /* what these told it, variables; read with its claim */
    bool occupies;        /* its slots there; not any more once its end is known */
    bool known;           /* the worker said that it has it, or START was sent on this connection */
    bool over;            /* the worker said there that it has ended: its result comes */
    bool started_told;    /* STARTED is to be recorded */
    bool touched[2];      /* output was written since the last sync */
    int64_t have[2];      /* bytes of output that this dispatcher has written, from the start */
    bool lacked;          /* its result came without all of its output, and was not taken */
    int unkept;           /* times that its output could not be written or synced, up to a limit */
    int64_t credit_due;   /* bytes written and not yet credited */
    struct getting *getting; /* files that come of it (getting.c); NULL: none came */
    struct strlist tried;    /* hosts of earlier attempts, with retry.elsewhere */
    struct ending *ending;   /* to be recorded */
    struct work *next_ended; /* in the dispatcher's list */
};

enum peer_state {
    PEER_IDLE,       /* no connection, none wanted */
    PEER_CONNECTING, /* the transport works at it */
    PEER_GREETING,   /* HELLO sent */
    PEER_LISTING,    /* RUN messages come */
    PEER_READY,
    PEER_RESTING, /* failed; waits for its next try */
};

struct peer {
    struct dispatch *d;
    struct host_config *config; /* borrowed from the dispatcher's configuration */
    struct place_host place;
    bool drained; /* by a person */
    enum peer_state state;
    const struct transport *instead; /* of the configured one, which cannot reach it; NULL: none */
    struct link *link;
    struct loop_watch *watch;
    struct message_reader reader;
    struct buf in;
    struct buf queued;  /* messages not yet given to the transport */
    struct buf sending; /* the transport has seen these bytes: pointer and length must not change */
    size_t offered;     /* length of the write that would block; 0: none */
    int64_t heard, pinged, since; /* monotonic; since: of the present state */
    struct strlist features;      /* of its worker (feature.c) */
    uint64_t stamp;               /* the newest of the worker's on this connection; 0: none */
    int64_t ping_ms;              /* how often PING is sent on this connection */
    int64_t tried_at;             /* monotonic: when the last try to connect began */
    int64_t retry_at;             /* monotonic, when RESTING */
    int64_t
        mute_since; /* monotonic: the end of the last connection on which we spoke, or our start */
    int idle_pings; /* with nothing to do */
    bool removed;   /* from the configuration */
    int failures;   /* in a row */
    int64_t down_since; /* wall clock; 0: up */
    char *trouble;      /* the last failure; NULL: none */
    struct work *works; /* starting and running here */
    size_t nworks;
    struct host host; /* as recorded, and what WELCOME said */
    bool host_dirty;
    struct peer *next_dirty;
    /* what WELCOME said of itself; becomes what is known at READY, together with the verdict on
     * the runs: a connection that dies in between must leave the old knowledge */
    struct {
        char *machine, *boot, *spool;
    } said;
    size_t strangers; /* runs that it announced and that are not ours to follow */
    bool reasons_due; /* its runs' reasons changed: it went away, or came back */
};

/* Secrets that are read, or were a moment ago (fetching.c). */
struct fetching {
    struct fetch *first;
    int64_t *runs; /* claimed ones that wait for some */
    size_t nruns, cap;
};

struct dispatch {
    const struct config *config; /* the one in force */
    struct config **reread;      /* owned: every later one; peers may point into any of them */
    size_t nreread;
    struct catalogue *cat;
    const struct dispatch_options *options;
    struct holder holder;
    struct output *output; /* the files of runs that write */
    struct loop *loop;
    struct loop_watch *signals, *changes, *timer;
    int signal_fd, inotify_fd, catalogue_wd, config_wd;
    struct peer **peers;
    size_t npeers, nlive;     /* nlive: runs that are starting or running there */
    size_t nlinks, links_max; /* connections, and how many there may be; 0: all */
    bool cramped;             /* a host waits for one */
    void *specs;              /* tsearch(3) trees: of struct spec by id, */
    void *works;              /* of struct work by id, */
    void *waits;              /* of int64_t ids waited for */
    size_t nwaits;
    struct spec *first_spec;
    struct placement placement; /* the queue */
    size_t nsaid;               /* specifications of which a reason stands in the catalogue */
    int64_t reasoned;           /* how often the reasons were worked out */
    struct unrun *unruns;       /* runs whose only host is not to be had, to be recorded */
    size_t nunruns, unruns_cap;
    struct heap later;    /* of struct work, by not_before */
    struct work *orphans; /* unfinished, on workers that are not in the configuration */
    int64_t last_run, last_event, version;
    struct work *ended, **ended_tail; /* to be recorded, in the order they came */
    struct work **told;               /* STARTED to be recorded */
    size_t nended, ntold, told_cap;
    struct elsewhere *noted; /* to be recorded (noted.c) */
    size_t nnoted, noted_cap;
    struct peer *dirty; /* host rows to be written */
    int64_t round_due;  /* monotonic: when the next round is; 0: none */
    int64_t
        waiting_due; /* monotonic: when the reasons of waiting lines are written; 0: not wanted */
    int64_t tick_at; /* wall clock: when schedules are looked at next; INT64_MAX: never */
    int64_t took_over_at; /* wall clock; 0: this is no copy that takes over */
    int64_t tick_armed;   /* the tick_at that the timer is set for */
    int tick_fd;
    struct loop_watch *tick_watch;
    int64_t
        *unused; /* specifications of which nothing waits any more: the catalogue is to say so */
    size_t nunused, unused_cap;
    int64_t stopped; /* the array that was stopped last, 0: none */
    struct fetching fetching;
    struct sending *sending; /* files on their way (sending.c) */
    struct note *notes;      /* reasons of runs that nothing can be done for now, to be written */
    size_t nnotes, notes_cap;
    struct err hopeless; /* why a run that was waited for is not any more; code 0: none */
    bool waiting_stale;  /* whoever held the catalogue before died, and may have left reasons */
    int64_t calm_until;  /* monotonic: no round before, the catalogue was busy or in trouble */
    int64_t lost_due;    /* monotonic: when to look for runs that are lost; 0: never */
    int64_t lease_due;   /* monotonic: when the lease is renewed at the latest */
    int64_t settled;     /* catalogue_settled, as far as events were read since */
    bool place_wanted;   /* something changed that may let a queued run start */
    int64_t look_due;    /* monotonic: somebody may have written to the catalogue; 0: nobody did */
    int64_t look_delay;  /* ms to the look after that */
    bool reread_wanted;  /* the configuration may have changed */
    bool held;           /* the catalogue is ours */
    bool leaving;        /* a signal asked */
    bool said_busy;      /* that the catalogue is locked was said */
    struct {
        struct loop_watch *watch;
        pid_t pid;          /* of the one that runs; 0: none */
        int fd;             /* its pidfd */
        int64_t begun, due; /* monotonic: the last, the next */
        bool news;          /* something ended since the last began */
        bool last;          /* one more when we are gone */
        bool said;          /* that it cannot be started */
    } check;                /* of alerts */
    struct {                /* for the progress line */
        size_t total, done, failed;
        int64_t since, drawn;
    } count;
};

#endif
