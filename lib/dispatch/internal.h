/*
 * What the files of lib/dispatch share.
 *
 *   dispatch.c  the life of a dispatcher: hold, load, turn, leave
 *   peer.c      one worker host: connecting, reading, writing, backing off
 *   talk.c      what a worker says, and what is said to it
 *   start.c     what a worker is told of a run that it is to start
 *   element.c   what a run of an array is told
 *   stopping.c  arrays of which the rest is not to start
 *   stranger.c  runs of a worker that are not in memory
 *   spec.c      specifications, each read once
 *   queue.c     runs in memory: those that wait, and reading them
 *   fleet.c     the worker hosts as the configuration and the catalogue have them
 *   placing.c   which of them go where now
 *   waiting.c   why the others wait
 *   pinned.c    runs of `each` whose host is not there
 *   round.c     one round: results recorded, queued runs claimed, in one transaction; then told
 *   lost.c      when a run on a host that is away is taken for lost
 *   keeping.c   output on disk, before a result counts
 *   result.c    how an attempt's end becomes a run's state
 *   wake.c      signals, and changes of the catalogue and the configuration
 *   giving.c    values: what runs are given, and tell
 *   tick.c      schedules: due instants become runs
 *   checking.c  alerts: `rota monitor check` as a child
 *   progress.c  the line on the terminal
 *   plan.c      --dry-run
 */
#ifndef ROTA_DISPATCH_INTERNAL_H
#define ROTA_DISPATCH_INTERNAL_H

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
    bool started_told;    /* STARTED is to be recorded */
    bool touched[2];      /* output was written since the last sync */
    int64_t have[2];      /* bytes of output that this dispatcher has written, from the start */
    bool lacked;          /* its result came without all of its output, and was not taken */
    int unsynced;         /* times in a row that its output could not be synced, up to a limit */
    int64_t credit_due;   /* bytes written and not yet credited */
    struct strlist tried; /* hosts of earlier attempts, with retry.elsewhere */
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
    size_t npeers, nlive; /* nlive: runs that are starting or running there */
    void *specs;          /* tsearch(3) trees: of struct spec by id, */
    void *works;          /* of struct work by id, */
    void *waits;          /* of int64_t ids waited for */
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
    int64_t stopped;    /* the array that was stopped last, 0: none */
    struct note *notes; /* reasons of runs that nothing can be done for now, to be written */
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

/* ---- spec.c ---- */
/* Orders struct spec, struct work and ids waited for by the id that they begin with (tsearch). */
int work_by_id(const void *a, const void *b);
/* The specification, read at its first use; each use is ended by spec_drop. NULL: failed. */
struct spec *spec_use(struct dispatch *d, int64_t id, struct err *err);
void spec_drop(struct dispatch *d, struct spec *spec);
void spec_free_all(struct dispatch *d);

/* ---- queue.c ---- */
int queue_init(struct dispatch *d, struct err *err);
void queue_free(struct dispatch *d);
/* Reads queued runs newer than the newest seen. */
int queue_load(struct dispatch *d, struct err *err);
/* Reads one run again after somebody released it. */
int queue_load_one(struct dispatch *d, int64_t id, struct err *err);
/* Starting and running runs of an earlier dispatcher. */
int queue_load_unfinished(struct dispatch *d, struct err *err);
/* A run that is not in memory may be over by somebody else's doing: then it is not waited for. */
void queue_check_wait(struct dispatch *d, int64_t id);
void queue_put(struct dispatch *d, struct work *work); /* by its not_before */
void queue_take(struct dispatch *d, struct work *work);
/* Moves runs that are due now from later to their lines. */
void queue_due(struct dispatch *d);
struct work *work_find(struct dispatch *d, int64_t id);
/* Frees it and forgets it: somebody else decides about the run now. */
void work_forget(struct dispatch *d, struct work *work);
/* The same for a run that is over: it is not waited for any more. */
void work_end(struct dispatch *d, struct work *work);
void work_attach(struct work *work, struct peer *peer);
void work_detach(struct work *work);
/* Takes its slots at its peer, or gives them back; neither twice. */
void work_occupy(struct work *work);
void work_vacate(struct work *work);
/* Gives orphans to workers that are in the configuration again. */
void queue_attach_orphans(struct dispatch *d);

/* ---- fleet.c ---- */
int peer_init_all(struct dispatch *d, struct err *err);
void peer_free_all(struct dispatch *d);
/* Takes over what the catalogue says of the hosts (drained, last seen). */
int peer_load_hosts(struct dispatch *d, struct err *err);
/* After the configuration changed: d->config is the new one. */
void peer_reconfigure(struct dispatch *d);
struct peer *peer_find(const struct dispatch *d, const char *name);

/* ---- peer.c ---- */
static inline struct peer *peer_of(const struct place_host *host)
{
    return (struct peer *)(void *)((char *)host - offsetof(struct peer, place));
}

static inline struct work *work_of_place(const struct place_run *run)
{
    return (struct work *)(void *)((char *)run - offsetof(struct work, place));
}

struct peer *peer_new(struct dispatch *d, struct host_config *config);
void peer_free(struct peer *peer);
/* Changes its state, and what placement may do with it. */
void peer_become(struct peer *peer, enum peer_state state);
/* What placement may do with it now. */
void peer_set_place(struct peer *peer);
/* Its slots as configured, or as last seen; else they are guessed. */
void peer_set_slots(struct peer *peer);
/* Begins to connect unless it is at it, connected or resting. */
void peer_want(struct peer *peer);
/* One that rests is tried again now. */
void peer_hurry(struct peer *peer);
/* Sets it aside for a while. */
void peer_fail(struct peer *peer, const struct err *why);
/* Writes what is queued as far as it goes, sets what to wait for. */
void peer_flush(struct peer *peer);
bool peer_is_connecting(const struct peer *peer);
/* Since when it is unreachable and why, for people; free it. */
char *peer_say_down(const struct peer *peer);
/* Not worth staying for: others go on, the next dispatcher tries again. */
bool peer_is_aside(const struct peer *peer);
bool peer_has_unsent(const struct peer *peer);
/* The host row, and the reasons of its runs, are to be written. */
void peer_record(struct peer *peer);

/* ---- start.c ---- */
/* Starts a run that is claimed there. What is too long to be sent ends here, as failed. */
void talk_start(struct peer *peer, struct work *work);

/* ---- talk.c ---- */
/* Bytes of output a worker may send for one run before we granted more. */
enum { TALK_CREDIT = 512 * 1024 };
void talk_hello(struct peer *peer);
int talk_handle(struct peer *peer, const struct message *m, struct err *err);
void talk_kill(struct peer *peer, struct message_key key, int signal);
void talk_ping(struct peer *peer);
void talk_ack(struct peer *peer, struct buf *keys);

/* ---- giving.c ---- */
/* What a run is given; in the transaction of its claim. */
int giving_read(struct dispatch *d, struct work *work, struct err *err);
void giving_env(struct message_writer *w, const struct work *work);
/* What a result tells. */
void giving_take(struct ending *ending, const struct message *m);
/* In a transaction. An event about what was ignored of it. */
int giving_record(struct dispatch *d, const struct work *work, int64_t at, struct err *err);

/* ---- stranger.c ---- */
/* A worker announces a run (RUN), or tells the result (RESULT) of one, that we do not follow. */
int stranger_met(struct peer *peer, const struct message *m, struct err *err);
int stranger_ended(struct peer *peer, const struct message *m, struct err *err);

/* ---- lost.c ---- */
/* How often PING is sent, and after how long a host that says nothing is given up.
 * $ROTA_TEST_PING_MS shortens both, and with them what is waited beyond lost_after (a seam for tests). */
int64_t lost_ping_ms(void);
int64_t lost_silence_ms(void);
/* Whether the run's shim ends it by itself when no head comes. */
bool lost_has_leash(const struct work *work);
/* After so long without a word of ours no process of the run is left. */
int64_t lost_wait_ms(const struct work *work);
/* A run begins or goes on at its peer, which is to hear of us often enough to let it live. */
void lost_keep(struct peer *peer, const struct work *work);
/* Whether some run there will be taken for lost when the host stays away. */
bool lost_is_counting(const struct peer *peer);
/* Declares what is due, and sets when to look again. */
void lost_look(struct dispatch *d);

/* ---- result.c ---- */
struct message_key work_key(const struct work *work);
/* Puts the end of work's attempt on the list to record; takes ownership of ending. */
void work_ended(struct dispatch *d, struct work *work, struct ending *ending);
/* The same for an end that the head itself concludes now. */
void work_give_up(struct dispatch *d, struct work *work, enum message_end how, const char *reason);
/* Takes the end of the work at *link off that list and forgets it: it is to be told again. */
void work_unend(struct dispatch *d, struct work **link);
void ending_free(struct ending *ending);
/* The state and reason that follow from an ending; reason is written to `text`. */
void ending_judge(const struct work *work, int64_t now, struct run_end *end, char *text,
                  size_t size);

/* ---- round.c ---- */
/* An end is recorded together with others: once a quarter of what runs has ended, or so many, or
 * after so long. A commit costs a sync and a message to a host the same for one run as for ten, and
 * the other three quarters keep the hosts busy meanwhile. That a run started is only shown, so it
 * waits longer: its end says it too. */
enum {
    ROUND_BATCH = 64,
    ROUND_SHARE = 4,
    ROUND_BATCH_MS = 8,
    ROUND_STARTED_MS = 50,
    ROUND_CLAIMS = 256
};
/* Asks for a round in so many milliseconds at the latest. */
void round_soon(struct dispatch *d, int64_t ms);
int round_run(struct dispatch *d, struct err *err);
/* holder_renew, with what the monitor wants to know of us. In a transaction. */
int round_renew(struct dispatch *d, struct err *err);

/* ---- keeping.c ---- */
/* Syncs the output of the runs that are to be recorded as ended. An end whose output cannot be synced
 * is taken off the list, and its host fails. Not while a round has claims on that host. */
void keeping_sync(struct dispatch *d);
/* Compares what a result says of the output with what came. ERR_DATA the first time that bytes
 * lack: the worker is to be asked again. After that they count as dropped. */
int keeping_match(struct work *work, struct ending *ending, struct err *err);

/* ---- placing.c ---- */
/* Places up to max runs: each is taken from its line and attached to its peer, not yet claimed. */
size_t placing_run(struct dispatch *d, struct work **claims, size_t max);
/* Whether some queued run may start without waiting for a host that is set aside. */
bool placing_could_start(const struct dispatch *d);

/* ---- pinned.c ---- */
/* Finds queued runs that are for one host alone which is down, drained or gone: they end here, and do not
 * wait for it. */
void pinned_look(struct dispatch *d);
/* In a transaction. */
int pinned_record(struct dispatch *d, struct err *err);
/* That transaction was committed, or failed. */
void pinned_tell(struct dispatch *d);
void pinned_forget(struct dispatch *d);

/* ---- waiting.c ---- */
/* The run stands in a line from now on, or not any more. */
void waiting_enter(struct work *work);
void waiting_leave(struct work *work);
/* Asks for the reasons to be written in a while, when something waits. */
void waiting_want(struct dispatch *d);
/* Nothing in memory uses the specification any more: what was said of it is to go. */
void waiting_over(struct dispatch *d, struct spec *spec);
/* The reason of a run that nothing can be done for now; takes ownership of the text. */
void waiting_note(struct dispatch *d, int64_t run, char *reason);
void waiting_free(struct dispatch *d);
/* Whether there is something to write that does not wait for its time. */
bool waiting_is_due(const struct dispatch *d);
/* In a transaction: writes what goes, and the reasons when their time has come. */
int waiting_record(struct dispatch *d, struct err *err);
/* That transaction was committed. */
void waiting_recorded(struct dispatch *d);
/* What was written is not known any more: the transaction failed. */
void waiting_forget(struct dispatch *d);

/* ---- wake.c ---- */
int wake_init(struct dispatch *d, struct err *err);
void wake_free(struct dispatch *d);
/* Looks at what others wrote to the catalogue. */
int wake_look(struct dispatch *d, struct err *err);

/* Takes what is new, whoever wrote it. */
int wake_take(struct dispatch *d, struct err *err);

/* ---- tick.c ---- */
int tick_init(struct dispatch *d, struct err *err);
void tick_free(struct dispatch *d);
bool tick_is_due(const struct dispatch *d);
/* Asks for a tick: something ended that a schedule waits for. */
void tick_soon(struct dispatch *d);
/* Finds out when the next tick is due: somebody may have changed the schedules. */
int tick_plan(struct dispatch *d, struct err *err);
/* Ticks, at most SCHEDULE_SLICE instants: the loop must turn. */
int tick_run(struct dispatch *d, struct err *err);

/* ---- checking.c ---- */
void checking_init(struct dispatch *d);
/* The configuration is another one. */
void checking_configure(struct dispatch *d);
/* Something happened that somebody may want to hear of. */
void checking_soon(struct dispatch *d);
void checking_free(struct dispatch *d);
/* After everything else, when the catalogue was let go. */
void checking_leave(const struct dispatch *d);

/* ---- progress.c ---- */
void progress_init(struct dispatch *d);
void progress_draw_now(struct dispatch *d);
void progress_end(struct dispatch *d);

#endif
