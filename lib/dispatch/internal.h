/*
 * What the files of lib/dispatch share; what they keep is in state.h.
 *
 *   dispatch.c  the life of a dispatcher: hold, load, turn, leave
 *   peer.c      one worker host: connecting, reading, writing, backing off
 *   talk.c      what a worker says, and what is said to it
 *   start.c     what a worker is told of a run that it is to start
 *   element.c   what a run of an array is told
 *   fetching.c  secrets, read before a run starts
 *   sending.c   files that runs are given, sent before START
 *   getting.c   files that runs give us, before their result counts
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

#include "dispatch/state.h"

/* ---- spec.c ---- */
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
/* Begins to connect unless it is at it, connected or resting, or there is no room for a connection. */
void peer_want(struct peer *peer);
/* Closes its connection when that has nothing to do; whether it did. */
bool peer_let_go(struct peer *peer);
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

/* ---- feature.c ---- */
/* What the worker says it has; of WELCOME. */
void feature_take(struct peer *peer, const struct message *m);
/* What the job needs and the worker there has not, static; NULL: nothing. */
const char *feature_lacking(const struct peer *peer, const struct job *job);

/* ---- noted.c ---- */
/* How a run stands that its worker had carried elsewhere; of NOTE. */
void noted_take(struct dispatch *d, const struct work *work, const struct message *m);
/* In a transaction. */
int noted_record(struct dispatch *d, struct err *err);
void noted_told(struct dispatch *d);
void noted_free(struct dispatch *d);

/* ---- fetching.c ---- */
/* Whether all secrets of a claimed run are there: 1; 0: talk_start is called again when they are; -1: one
 * cannot be read, *why says so (free). */
int fetching_look(struct peer *peer, const struct work *work, char **why);
/* Adds them, when they are there. */
void fetching_say(struct message_writer *w, const struct peer *peer, const struct work *work);
/* The run is to be cancelled: it ends when it waits for secrets. */
void fetching_cancel(struct work *work);
/* Whether some run waits. */
bool fetching_any(const struct dispatch *d);
void fetching_free(struct dispatch *d);

/* ---- sending.c ---- */
/* Whether the worker has all files that a claimed run is given: as fetching_look. */
int sending_look(struct peer *peer, const struct work *work, char **why);
/* Adds what START says of files. */
void sending_say(struct message_writer *w, const struct peer *peer, const struct work *work);
/* The worker has a part, or could not keep it; of TAKEN. */
void sending_taken(struct peer *peer, const struct message *m);
/* The attempt was told to start, or is over. */
void sending_drop(struct dispatch *d, const struct work *work);
/* The connection is gone, and what was sent on it with it. */
void sending_cut(struct peer *peer);
/* The run is to be cancelled: it ends when its files are on their way. */
void sending_cancel(struct work *work);
/* Whether some are on their way. */
bool sending_any(const struct dispatch *d);

/* ---- getting.c ---- */
/* A part of a file, of GET; *len: bytes that were written. */
int getting_take(struct dispatch *d, struct work *work, const struct message *m, size_t *len,
                 struct err *err);
/* What a result says of files against what came: as keeping_match. */
int getting_match(struct work *work, struct ending *ending, const struct message *m,
                  struct err *err);
/* Makes them durable, and puts those of a run that succeeded where they go. */
int getting_keep(struct dispatch *d, struct work *work, struct err *err);
/* They come again from the first. */
void getting_again(struct work *work);
void getting_free(struct work *work);

/* ---- start.c ---- */
/* Starts a run that is claimed there, at once or when its files and secrets are there. What is too long to be sent ends here, as failed. */
void talk_start(struct peer *peer, struct work *work);

/* ---- talk.c ---- */
/* Bytes of output a worker may send for one run before we granted more. */
enum { TALK_CREDIT = 512 * 1024 };
void talk_hello(struct peer *peer);
int talk_handle(struct peer *peer, const struct message *m, struct err *err);
void talk_kill(struct peer *peer, struct message_key key, int signal);
void talk_ping(struct peer *peer);
/* Adds the newest stamp, which says of when this word of ours is (lost.c). */
void talk_stamp(const struct peer *peer, struct message_writer *w);
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
/* catalogue_begin, then the fence check (holder_renew): nothing is written past it. After an error roll back;
 * ERR_BUSY and not d->held any more: the catalogue is another dispatcher's, or of a newer rota. */
int round_begin(struct dispatch *d, struct err *err);
/* As catalogue_refuse; ERR_BUSY and not d->held any more when it is of a newer rota. */
int round_check(struct dispatch *d, struct err *err);

/* ---- keeping.c ---- */
/* Syncs the output of the runs that are to be recorded as ended. An end whose output cannot be synced
 * is taken off the list, and its host fails. Not while a round has claims on that host. */
void keeping_sync(struct dispatch *d);
/* Its output could not be kept, and its host is about to fail for that: it rests longer each time. */
void keeping_failed(struct work *work);
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
/* The reason of a run that nothing can be done for now; takes ownership of the text. NULL: there is none
 * any more. */
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

/* ---- room.c ---- */
/* Raises the limit of descriptors as far as the configured hosts want it and it goes, and shares it out. */
void room_make(struct dispatch *d);
/* Whether there may be one more connection; if not, room_look sees to it. */
bool room_for_link(struct dispatch *d);
/* After a turn: when a host waits for room, connections without work make it. */
void room_look(struct dispatch *d);

/* ---- progress.c ---- */
void progress_init(struct dispatch *d);
void progress_draw_now(struct dispatch *d);
void progress_end(struct dispatch *d);

#endif
