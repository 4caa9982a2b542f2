/*
 * message: what the head and a worker say to each other (DESIGN section 7).
 *
 * A message is a type and a list of fields (tag, length, bytes). It travels in
 * frames of at most FRAME_MAX bytes; a long message spans frames. Every frame
 * carries a CRC-32, because the exec transport promises no integrity. Both
 * sides treat the other as untrusted: lengths are checked before anything is
 * allocated, a message over MESSAGE_MAX ends the conversation, an unknown tag
 * is skipped and an unknown type is skipped, so that either side may be newer.
 *
 * Frame:   u32 payload length | u8 type | u8 flags | u16 zero | u32 crc | payload
 * Field:   u16 tag | u32 length | bytes           (integers: 8 bytes)
 * All integers are big-endian. The crc covers the first 8 bytes and the payload.
 *
 * The conversation:
 *
 *   worker: "rota-worker <nonce>\n"            then frames only
 *   head:   HELLO                               worker: WELCOME or REFUSED
 *   worker: RUN for each run that it has (live, or ended and unacknowledged), then READY
 *   head:   for each RUN: ADOPT (go on from these output offsets) or nothing (not mine)
 *   head:   PUT …                               worker: TAKEN …
 *   head:   START …                             worker: STARTED, OUTPUT …, GET …, RESULT
 *   head:   CREDIT, KILL, PING, ACK …           worker: PONG
 *
 * A STAMP that the head says back tells the worker how old the head's word is at most, however long it
 * was under way (lib/dispatch/lost.c). Where either side is older and knows no stamps, none is said.
 *
 * RESULT of a run follows all of its OUTPUT. The worker forgets a run on ACK, not before.
 */
#ifndef ROTA_MESSAGE_H
#define ROTA_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

enum {
    MESSAGE_VERSION = 1,
    FRAME_HEADER = 12,
    FRAME_MAX = 65536,         /* header included */
    MESSAGE_MAX = 4 << 20,     /* payload of one message, all frames together */
    MESSAGE_NOISE_MAX = 65536, /* bytes of login noise skipped before the nonce */
    MESSAGE_PING_MS = 15000,   /* the head sends PING this often */
    MESSAGE_SILENCE_MS = 60000 /* either side gives up after hearing nothing for this long */
};

enum message_type {
    MSG_HELLO = 1, /* head: VERSION UUID EPOCH FENCE WORKER [SPOOL] STAMP(0: it says them back) */
    MSG_WELCOME,   /* worker: VERSION BUILD MACHINE BOOT HOSTNAME SYSTEM CLOCK CPUS LOAD MEM_TOTAL
                      MEM_FREE DISK_FREE SPOOL SPOOL_ID STAMP FEATURE… */
    MSG_REFUSED,   /* worker: REASON; it ends afterwards */
    MSG_RUN,       /* worker: RUN ATTEMPT TOKEN STATE(enum message_run_state) AGE */
    MSG_READY,     /* worker: the list of RUN is complete */
    MSG_ADOPT,     /* head: RUN ATTEMPT TOKEN OUT_AT ERR_AT CREDIT [STAMP] */
    MSG_START, /* head: RUN ATTEMPT TOKEN CREDIT EXECUTOR [WORK] OPTION… ARG… [TEXT] [STDIN] ENV… [WORKDIR]
                      [USER] [MEMORY] [CPU] [NICE] SECRET… TIMEOUT KILL_AFTER OUT_LIMIT LEFTOVERS LEASH [STAMP]
                      (PUT_TO MODE SIZE SHA256)… (GET_FROM [OPTIONAL])… */
    MSG_STARTED, /* worker: RUN ATTEMPT TOKEN AGE(since start) */
    MSG_OUTPUT,  /* worker: RUN ATTEMPT TOKEN STREAM OFFSET DATA */
    MSG_CREDIT,  /* head: RUN ATTEMPT CREDIT(bytes more) */
    MSG_RESULT,  /* worker: RUN ATTEMPT TOKEN END CODE SIGNAL [REASON] DURATION AGE(since end)
                      UTIME STIME MAXRSS OUT_TOTAL OUT_DROPPED ERR_TOTAL ERR_DROPPED
                      VALUE… VALUES_IGNORED [NODES] [EXTERNAL_ID] [FILES] [FILES_FAILED] */
    MSG_ACK,     /* head: KEYS */
    MSG_KILL,    /* head: RUN ATTEMPT TOKEN SIGNAL (0: TERM, then KILL after the run's KILL_AFTER;
                      else only that signal, to the main process's group) */
    MSG_PING,    /* head: [STAMP] */
    MSG_PONG,    /* worker: CLOCK LOAD MEM_FREE DISK_FREE STAMP */
    MSG_NOTE, /* worker: RUN ATTEMPT TOKEN REASON [NODES] [EXTERNAL_ID]: how it stands, while it is
                    carried elsewhere */
    MSG_PUT, /* head: RUN ATTEMPT TOKEN FILE OFFSET DATA: of a file of a run that START will name. OFFSET 0
                    begins it anew; the parts of a file, and files, come in their order */
    MSG_TAKEN, /* worker: RUN ATTEMPT TOKEN FILE [REASON]: it has the PUT, or could not keep it. So many
                    at most are under way that little else waits behind them (dispatch/sending.c) */
    MSG_GET, /* worker: RUN ATTEMPT TOKEN FILE OFFSET DATA [SIZE SHA256: with the last part] | FILE REASON.
                    After the OUTPUT of the run and before its RESULT, of its credit */
};

enum message_tag {
    TAG_VERSION = 1,
    TAG_UUID,
    TAG_EPOCH,
    TAG_FENCE,
    TAG_WORKER, /* the worker's name in the configuration */
    TAG_SPOOL,
    TAG_BUILD,
    TAG_MACHINE,
    TAG_BOOT,
    TAG_HOSTNAME,
    TAG_SYSTEM, /* "Linux x86_64" */
    TAG_CLOCK,  /* ms since the epoch */
    TAG_CPUS,
    TAG_LOAD,      /* one-minute load average times 100 */
    TAG_MEM_TOTAL, /* KiB */
    TAG_MEM_FREE,  /* KiB available */
    TAG_DISK_FREE, /* KiB free where the spool is */
    TAG_REASON,    /* text for people */
    TAG_RUN,
    TAG_ATTEMPT,
    TAG_TOKEN,  /* random 64 bits of the attempt */
    TAG_STATE,  /* enum message_run_state */
    TAG_AGE,    /* ms */
    TAG_OUT_AT, /* bytes of standard output the head has */
    TAG_ERR_AT,
    TAG_CREDIT,   /* bytes of OUTPUT the worker may send for this run */
    TAG_EXECUTOR, /* a row of the worker's table: "shell", "exec", "container" … */
    TAG_ARG,      /* repeated */
    TAG_TEXT,
    TAG_STDIN,
    TAG_ENV, /* repeated, "NAME=value" */
    TAG_WORKDIR,
    TAG_USER,
    TAG_TIMEOUT,    /* ms, 0: none */
    TAG_KILL_AFTER, /* ms */
    TAG_OUT_LIMIT,  /* bytes kept of each stream */
    TAG_LEFTOVERS,  /* 0: kill, 1: leave */
    TAG_LEASH,      /* ms without a front end after which the shim kills its job, 0: never */
    TAG_STREAM,     /* 1: standard output, 2: standard error */
    TAG_OFFSET,     /* of the first byte of DATA in the kept output */
    TAG_DATA,
    TAG_END,         /* enum message_end */
    TAG_CODE,        /* exit code */
    TAG_SIGNAL,      /* signal number */
    TAG_DURATION,    /* ms from start to end */
    TAG_UTIME,       /* µs */
    TAG_STIME,       /* µs */
    TAG_MAXRSS,      /* KiB */
    TAG_OUT_TOTAL,   /* bytes the job wrote */
    TAG_OUT_DROPPED, /* bytes of these not kept, from the middle: the first OUT_LIMIT / 2 bytes are
                        the head, what follows them is the tail */
    TAG_ERR_TOTAL,
    TAG_ERR_DROPPED,
    TAG_KEYS, /* packed run keys, MESSAGE_KEY_SIZE bytes each: u64 run, u32 attempt, u64 token */
    TAG_SPOOL_ID, /* random, made with the spool: another one means that the old spool is gone */
    TAG_VALUE, /* repeated, "key=value" (values.h): what the run tells those that come after it */
    TAG_VALUES_IGNORED, /* how many lines of what it told were none, or too many */
    TAG_STAMP, /* when the worker said so, by a clock of its own; the head says the newest one back */
    TAG_FEATURE, /* repeated: an executor that this worker has, or another thing that an older one lacks
                    and would pass over (dispatch/feature.c) */
    TAG_OPTION,      /* repeated, "key=value": what an executor is told beside arguments and text */
    TAG_WORK,        /* of an executor that carries the work of another: that one's name */
    TAG_MEMORY,      /* bytes that the run may use */
    TAG_CPU,         /* thousandths of a processor that it may use */
    TAG_NICE,        /* its nice value, 0 to 19 */
    TAG_SECRET,      /* repeated, "NAME=value": as ENV, and never shown */
    TAG_NODES,       /* where it was carried to, a host range */
    TAG_EXTERNAL_ID, /* its name there: "slurm 1234_5" */
    TAG_FILE,        /* index of a file of the run, among those to put or those to get */
    TAG_SIZE,        /* bytes of it */
    TAG_SHA256,      /* of it, 32 bytes */
    TAG_PUT_TO,      /* where a file goes; begins what START says of it */
    TAG_MODE,        /* its permissions */
    TAG_GET_FROM,    /* a file that is to be got; likewise */
    TAG_OPTIONAL,    /* 1: it may lack */
    TAG_FILES,       /* bit N: the file of index N came with GET */
    TAG_FILES_FAILED, /* 1: REASON says why one that may not lack did not */
};

enum { MESSAGE_KEY_SIZE = 20 };

enum message_run_state { MESSAGE_RUN_LIVE = 1, MESSAGE_RUN_ENDED };

/* How a run ended, in TAG_END. */
enum message_end {
    END_EXIT = 1,  /* CODE */
    END_SIGNAL,    /* SIGNAL */
    END_TIMEOUT,   /* killed by us at its timeout */
    END_CANCELLED, /* killed by us on KILL */
    END_LOST,      /* REASON: supervisor gone, host rebooted … */
    END_NOSTART,   /* REASON: no such user, directory, program … */
};

/* What names a run to the worker. */
struct message_key {
    uint64_t run;
    uint32_t attempt;
    uint64_t token;
};

/* ---- writing ----
 * message_begin(), then fields, then message_end(). The bytes are appended to
 * `out` as complete frames by message_end; nothing may be appended to `out`
 * in between. */
struct message_writer {
    struct buf *out;
    size_t at; /* offset of the first frame in out's live bytes */
    enum message_type type;
};

struct message_writer message_begin(struct buf *out, enum message_type type);
void message_u64(struct message_writer *w, enum message_tag tag, uint64_t value);
void message_bytes(struct message_writer *w, enum message_tag tag, const void *p, size_t len);
void message_str(struct message_writer *w, enum message_tag tag,
                 const char *s);                                    /* NULL: no field */
void message_key(struct message_writer *w, struct message_key key); /* RUN ATTEMPT TOKEN */
/* Bytes of payload so far. One over MESSAGE_MAX must not be sent: message_drop instead of message_end
 * leaves `out` as it was before message_begin. */
size_t message_size(const struct message_writer *w);
void message_drop(struct message_writer *w);
void message_end(struct message_writer *w);
/* Room that a field of DATA of `len` bytes takes in a message; for sizing one OUTPUT to one frame. */
enum { MESSAGE_OUTPUT_OVERHEAD = FRAME_HEADER + 6 * 14 };

/* ---- reading ---- */
struct message {
    enum message_type type;
    const unsigned char *p; /* payload, borrowed from the reader */
    size_t len;
};

struct message_reader {
    struct buf whole; /* payload of a message that spans frames, as far as it came */
    size_t used;      /* bytes of `in` that the message handed out last still occupies */
    uint64_t frames;  /* whole frames that came */
    bool complete;    /* whole was handed out */
};

/* How often PING is sent, and after how long either side gives the other up: ms. A sign of life is a whole
 * frame: after a changed byte in its length a frame is never over, and whatever follows belongs to it.
 * $ROTA_TEST_PING_MS shortens both (a seam for tests). */
int64_t message_ping_ms(void);
int64_t message_silence_ms(void);

/* Takes the next complete message from the front of `in`, always the same buffer for one reader.
 *
 * Returns 1 and fills *m, whose payload is borrowed until the next call or change of `in` (appending
 * is a change). Returns 0 when more bytes are needed, ERR_DATA when the bytes are no frame (wrong crc,
 * oversize, field lengths that do not add up): end the conversation. */
int message_next(struct message_reader *r, struct buf *in, struct message *m, struct err *err);
void message_reader_free(struct message_reader *r);

/* Overwrites the payload of the message handed out last, which held a secret: nothing reads it any more. What
 * the reader left behind of it elsewhere, when buffers grew or frames were put together, is not reached. */
void message_wipe(struct message_reader *r, struct buf *in);

struct message_field {
    enum message_tag tag;
    const unsigned char *p;
    size_t len;
};

/* Walks the fields: start with *pos = 0; false at the end. Lengths were checked by message_next. */
bool message_field(const struct message *m, size_t *pos, struct message_field *f);
/* The integer in a field; 0 when the field is not 8 bytes long. */
uint64_t message_field_u64(const struct message_field *f);
/* The first field with this tag as an integer, or `absent`. */
uint64_t message_get_u64(const struct message *m, enum message_tag tag, uint64_t absent);
/* The first field with this tag; false when there is none. */
bool message_get(const struct message *m, enum message_tag tag, struct message_field *f);
/* The first field with this tag as a string (free); NULL when absent or when it holds a NUL. */
char *message_get_str(const struct message *m, enum message_tag tag);
struct message_key message_get_key(const struct message *m);

/* Packed keys of ACK. */
void message_pack_key(struct buf *keys, struct message_key key);
struct message_key message_unpack_key(const unsigned char *p);

#endif
