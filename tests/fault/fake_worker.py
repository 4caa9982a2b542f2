#!/usr/bin/python3
"""A worker that does what a test tells it, to see what the head makes of it.

Start it under any name: NAME serve NONCE (a symbolic link to this file is `worker =` in rota.ini).
The Nth connection runs the Python text in NAME.d/N with the functions below at hand, and writes
every message that it reads, one a line, to NAME.d/N.log: "START run=1 attempt=1 token=2f". Without
a text for N the connection ends at once. A text that fails says BROKEN in the log.
"""
import os
import select
import signal
import struct
import sys
import time
import traceback
import zlib

TYPES = ("HELLO WELCOME REFUSED RUN READY ADOPT START STARTED OUTPUT CREDIT RESULT ACK KILL PING"
         " PONG NOTE PUT TAKEN GET").split()
TAGS = ("VERSION UUID EPOCH FENCE WORKER SPOOL BUILD MACHINE BOOT HOSTNAME SYSTEM CLOCK CPUS LOAD"
        " MEM_TOTAL MEM_FREE DISK_FREE REASON RUN ATTEMPT TOKEN STATE AGE OUT_AT ERR_AT CREDIT"
        " EXECUTOR ARG TEXT STDIN ENV WORKDIR USER TIMEOUT KILL_AFTER OUT_LIMIT LEFTOVERS LEASH"
        " STREAM OFFSET DATA END CODE SIGNAL DURATION UTIME STIME MAXRSS OUT_TOTAL OUT_DROPPED"
        " ERR_TOTAL ERR_DROPPED KEYS SPOOL_ID VALUE VALUES_IGNORED STAMP"
        " FEATURE OPTION WORK MEMORY CPU NICE SECRET NODES EXTERNAL_ID"
        " FILE SIZE SHA256 PUT_TO MODE GET_FROM OPTIONAL FILES FILES_FAILED").split()
NUMBER = {name: i + 1 for i, name in enumerate(TYPES)}
TAG = {name: i + 1 for i, name in enumerate(TAGS)}
LIVE, ENDED = 1, 2                                         # STATE of RUN
EXIT, SIGNALLED, TIMEOUT, CANCELLED, LOST, NOSTART = range(1, 7)  # END of RESULT
LIFE_S = 60                                                # nothing outlives its test

DIR = sys.argv[0] + ".d"
NONCE = sys.argv[2]
unread = b""


def open_log():
    """Takes the lowest number of connection that is free."""
    n = 1
    while True:
        try:
            return n, open(f"{DIR}/{n}.log", "x", buffering=1, encoding="utf-8")
        except FileExistsError:
            n += 1


CONNECTION, LOG = open_log()


def note(text):
    LOG.write(text + "\n")


# ---- saying ----

def raw(data):
    data = memoryview(data)
    while data:
        data = data[os.write(1, data):]


def frame(kind, payload=b"", flags=0, length=None, crc=None):
    """The bytes of a frame; `length` and `crc` are what it claims, when that is a lie."""
    size = len(payload) if length is None else length
    head = struct.pack(">IBBH", size, kind, flags, 0)
    if crc is None:
        crc = zlib.crc32(head + payload)
    return head + struct.pack(">I", crc) + payload


def message(kind, **fields):
    """The bytes of a message of one frame; an integer is one of 64 bits, -1 is 2^64 - 1."""
    payload = b""
    for tag, value in fields.items():
        if isinstance(value, int):
            value = struct.pack(">Q", value % (1 << 64))
        elif isinstance(value, str):
            value = value.encode()
        payload += struct.pack(">HI", TAG[tag], len(value)) + value
    return frame(NUMBER[kind], payload)


def say(kind, key=None, **fields):
    raw(message(kind, **(key or {}), **fields))


# ---- hearing ----

def more():
    """Reads once; the end of the input is the end of this worker."""
    global unread
    data = os.read(0, 65536)
    if not data:
        note("EOF")
        sys.exit(0)
    unread += data


def fields_of(payload):
    fields, at = {}, 0
    while at < len(payload):
        tag, size = struct.unpack_from(">HI", payload, at)
        value = payload[at + 6:at + 6 + size]
        fields[TAGS[tag - 1]] = struct.unpack(">Q", value)[0] if size == 8 else value
        at += 6 + size
    return fields


def next_message():
    global unread
    while len(unread) < 12 or len(unread) < 12 + struct.unpack_from(">I", unread)[0]:
        more()
    size, kind = struct.unpack_from(">IB", unread)
    payload, unread = unread[12:12 + size], unread[12 + size:]
    return TYPES[kind - 1], fields_of(payload)


def keys_of(fields):
    if "KEYS" in fields:
        return list(struct.iter_unpack(">QIQ", fields["KEYS"]))
    if "RUN" in fields:
        return [(fields["RUN"], fields.get("ATTEMPT", 0), fields.get("TOKEN", 0))]
    return []


def hear(*wanted):
    """Reads until a message of a wanted kind, answers PING; returns its key, ready for say()."""
    while True:
        kind, fields = next_message()
        keys = keys_of(fields)
        for key in keys or [None]:
            note(kind + (" run=%d attempt=%d token=%x" % key if key else ""))
        if kind == "PING":
            say("PONG", CLOCK=int(time.time() * 1000))
        if kind in wanted:
            return dict(zip(("RUN", "ATTEMPT", "TOKEN"), keys[0])) if keys else {}


def adopted_from(stream="OUT"):
    """Reads until ADOPT; the byte of the stream that the head wants first."""
    while True:
        kind, fields = next_message()
        if kind == "ADOPT":
            return fields[stream + "_AT"]


def hear_all():
    """Until the head goes away."""
    hear("nothing")


def wait_file(path):
    """Until the test makes this file; reads nothing, and ends when the head goes away."""
    head = select.poll()
    head.register(0, select.POLLRDHUP)
    while not os.path.exists(path):
        if head.poll(10):
            note("EOF")
            sys.exit(0)


# ---- the usual beginnings and ends ----

def greet():
    raw(b"rota-worker " + NONCE.encode() + b"\n")
    hear("HELLO")


def welcome(machine="M1", boot="B1", spool="S1", **more_fields):
    say("WELCOME", VERSION=1, BUILD="fake", MACHINE=machine, BOOT=boot, SPOOL_ID=spool,
        HOSTNAME="fake", SYSTEM="Linux x86_64", CLOCK=int(time.time() * 1000), CPUS=4, LOAD=10,
        MEM_TOTAL=1 << 20, MEM_FREE=1 << 19, DISK_FREE=1 << 20, **more_fields)


def be_ready(**identity):
    greet()
    welcome(**identity)
    say("READY")


def key_of(kind="START", run=1):
    """The key of the first START (ADOPT, ...) of a run on an earlier connection."""
    for n in range(1, CONNECTION):
        with open(f"{DIR}/{n}.log", encoding="utf-8") as log:
            for line in log:
                words = line.split()
                if words[0] == kind and words[1] == f"run={run}":
                    return {"RUN": run, "ATTEMPT": int(words[2][8:]), "TOKEN": int(words[3][6:], 16)}
    raise LookupError(f"no {kind} of run {run} before")


def end(key, code=0, **fields):
    """RESULT: an honest one but for what `fields` say."""
    honest = {"END": EXIT, "CODE": code, "DURATION": 5, "AGE": 1, "UTIME": 1, "STIME": 1,
              "MAXRSS": 1000, "OUT_TOTAL": 0, "OUT_DROPPED": 0, "ERR_TOTAL": 0, "ERR_DROPPED": 0}
    say("RESULT", key, **{**honest, **fields})


def work(**identity):
    """What an honest worker does, for as long as the head is there."""
    be_ready(**identity)
    while True:
        key = hear("START")
        say("STARTED", key, AGE=0)
        end(key)


def main():
    signal.alarm(LIFE_S)
    with open(f"{DIR}/{CONNECTION}", encoding="utf-8") as text:
        exec(compile(text.read(), text.name, "exec"), globals())  # the test's own words


try:
    main()
except FileNotFoundError:
    note("no text")
except BrokenPipeError:
    note("EOF")
except ConnectionResetError:
    note("EOF")
except Exception:  # whatever it is, the test is to see it
    note("BROKEN " + traceback.format_exc())
