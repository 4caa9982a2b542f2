#!/usr/bin/python3
"""A link between a dispatcher and a host that treats each direction badly in a way of its own.

    chaos.py serve DIR ADDRESS PORT [FAULT]   forwards connections to ADDRESS PORT until it is killed; its
                                              own port, on 127.0.0.1, is in DIR/port
    chaos.py ask DIR FAULT                    tells the serving one; prints its answer
    chaos.py pipe [FAULT] -- COMMAND...       the command's standard input and output are ours, the way there
                                              and back is a link: for the transport `exec`

A fault is a direction, `up` (from the head to the host), `down` or `both`, and what happens there to the
bytes of all connections, those that are there and those to come:

    pass           nothing
    hold           they stay where they are, and nobody is told: a cut; of one direction, a one-way cut
    delay SECONDS  each arrives so much later, as many at a time as ever: latency
    rate BYTES     so many a second
    trickle SECONDS  what was sent at a time arrives so long after what was sent before it
    end            whoever receives is told that the sender will say no more, who is not told: half-closed
    reset BYTES... after so many bytes from now both sides are reset, the rest is lost; then again after so
                   many as the next number says, as often as there are numbers
    flip BYTE      one bit of that byte of a connection (from 0) arrives changed, once
    noise MEAN SEED    one bit in so many bytes, at random
    endless FRAME  the length of that frame (from 0, after the greeting's line) arrives as 65280

`waiting` is how often something was sent up that did not arrive so far; `count` is the number of connections that were taken so far; `cutall` resets all that are there. Several faults: `up hold, down rate 1`.
"""
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

CHUNK = 65536
QUEUE_MAX = 64 << 20  # what a delayed direction holds, before the sender notices


class Way:
    """One direction, and what happens there."""

    def __init__(self):
        self.kind, self.value, self.more, self.random = "pass", 0.0, [], None
        self.changed = threading.Condition()

    def set(self, words):
        with self.changed:
            self.kind = words[0]
            self.value = float(words[1]) if len(words) > 1 else 0.0
            self.more = [float(word) for word in words[2:]]
            self.random = random.Random(self.more[0]) if self.kind == "noise" else None
            self.changed.notify_all()


class Stream(threading.Thread):
    """The bytes of one direction of one connection: take() gets some, give() passes them on."""

    def __init__(self, way, take, give, finish, reset):
        super().__init__(daemon=True)
        self.way, self.take, self.give, self.finish, self.reset = way, take, give, finish, reset
        self.waiting, self.size, self.at, self.over = [], 0, 0, False
        self.gave = 0.0
        self.greeted, self.frames, self.length, self.skip = False, 0, bytearray(), 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.start()

    def read(self):
        while not self.over:
            try:
                data = self.take()
            except OSError:
                data = b""
            with self.way.changed:
                self.waiting.append((time.monotonic(), data))
                self.size += len(data)
                self.way.changed.notify_all()
                while self.size > QUEUE_MAX and not self.over:
                    self.way.changed.wait()
            if not data:
                return

    def next(self):
        """What goes now; called with the condition held. None: wait, for so long (None: for a change)."""
        way = self.way
        if way.kind == "end":
            return b"", 0
        if not self.waiting or way.kind == "hold":
            return None, None
        came, data = self.waiting[0]
        if way.kind == "delay" and came + way.value > time.monotonic():
            return None, came + way.value - time.monotonic()
        if way.kind == "trickle" and self.gave + way.value > time.monotonic():
            return None, self.gave + way.value - time.monotonic()
        self.gave = time.monotonic()
        most = len(data)
        if way.kind == "rate":
            most = max(1, int(way.value / 20))
        elif way.kind == "reset":
            most = int(way.value)
        part = data[:most]
        if len(part) < len(data):
            self.waiting[0] = came, data[most:]
        else:
            self.waiting.pop(0)
        self.size -= len(part)
        return part, 0

    def spoil(self, part):
        """Changes what the fault changes; called with the condition held."""
        way, first, bad = self.way, self.at, bytearray(part)
        place = int(way.value) - first
        if way.kind == "flip" and 0 <= place < len(bad):
            bad[place] ^= 1 << int(way.value) % 8
            way.kind = "pass"
        elif way.kind == "endless":
            self.lengthen(bad)
        elif way.kind == "noise":
            for i in range(len(bad)):
                if way.random.random() * way.value < 1:
                    bad[i] ^= 1 << way.random.randrange(8)
        self.at += len(part)
        return bytes(bad)

    def lengthen(self, bad):
        """Follows the frames, which begin with four bytes of length and eight others."""
        for i, byte in enumerate(bad):
            if not self.greeted:
                self.greeted = byte == 10
            elif self.skip:
                self.skip -= 1
            else:
                if self.frames == self.way.value:
                    bad[i] = (0, 0, 255, 0)[len(self.length)]
                self.length.append(byte)
                if len(self.length) == 4:
                    self.skip, self.frames = 8 + int.from_bytes(self.length, "big"), self.frames + 1
                    self.length = bytearray()

    def cuts(self, part):
        """Whether the connection is reset with this part; called with the condition held."""
        way = self.way
        if way.kind != "reset":
            return False
        way.value -= len(part)
        if way.value > 0:
            return False
        if way.more:
            way.value = way.more.pop(0)
        else:
            way.kind = "pass"
        return True

    def run(self):
        while True:
            with self.way.changed:
                part, wait = self.next()
                while part is None:
                    self.way.changed.wait(wait)
                    part, wait = self.next()
                part, cut = self.spoil(part), self.cuts(part)
                pause = len(part) / self.way.value if self.way.kind == "rate" else 0
                self.way.changed.notify_all()
            try:
                if part:
                    self.give(part)
            except OSError:
                self.over = True
                self.reset()
                return
            if cut or not part:
                self.over = True
                (self.reset if cut else self.finish)()
                return
            until = time.monotonic() + pause
            with self.way.changed:
                while self.way.kind == "rate" and time.monotonic() < until:
                    self.way.changed.wait(until - time.monotonic())


class Pair:
    """A connection of the dispatcher and ours to the host."""

    def __init__(self, client, host, up, down):
        self.sockets, self.ended, self.lock = (client, host), 0, threading.Lock()
        self.streams = []
        for sock in self.sockets:
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.one_way(up, client, host)
        self.one_way(down, host, client)

    def one_way(self, way, source, target):
        self.streams.append(
            Stream(way, lambda: source.recv(CHUNK), target.sendall, lambda: self.finish(target), self.reset)
        )

    def finish(self, target):
        with self.lock:
            self.ended += 1
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            if self.ended == 2:
                self.close()

    def close(self):
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # wakes whoever reads there
            except OSError:
                pass
            sock.close()

    def reset(self):
        with self.lock:
            for sock in self.sockets:
                if sock.fileno() < 0:
                    continue
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                try:
                    sock.shutdown(socket.SHUT_RD)  # wakes whoever reads there, or it stays open
                except OSError:
                    pass
                sock.close()


class Link:
    def __init__(self):
        self.ways = {"up": Way(), "down": Way()}
        self.count, self.pairs = 0, []

    def tell(self, text):
        for fault in text.split(","):
            words = fault.split()
            if words:
                for name in ("up", "down") if words[0] == "both" else (words[0],):
                    self.ways[name].set(words[1:])

    def listen(self, directory):
        control = socket.socket(socket.AF_UNIX)
        control.bind(f"{directory}/control")
        control.listen()
        while True:
            asker, _ = control.accept()
            with asker, asker.makefile("rw", encoding="ascii") as words:
                command = words.readline().strip()
                if command == "count":
                    words.write(f"{self.count}\n")
                elif command == "waiting":
                    words.write(f"{sum(len(pair.streams[0].waiting) for pair in self.pairs)}\n")
                elif command == "cutall":
                    old, self.pairs = self.pairs, []
                    for pair in old:
                        pair.reset()
                else:
                    self.tell(command)

    def serve(self, directory, target):
        server = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self.listen, args=(directory,), daemon=True).start()
        with open(f"{directory}/port.new", "w", encoding="ascii") as file:
            file.write(str(server.getsockname()[1]))
        os.rename(f"{directory}/port.new", f"{directory}/port")
        while True:
            client, _ = server.accept()
            self.count += 1
            try:
                host = socket.create_connection(target, timeout=5)
            except OSError:  # nobody listens there: so it is with us
                client.close()
                continue
            self.pairs.append(Pair(client, host, self.ways["up"], self.ways["down"]))

    def pipe(self, argv):
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        to, back = child.stdin, child.stdout

        def give(fd, data):
            while data:
                data = data[os.write(fd, data) :]

        Stream(self.ways["up"], lambda: os.read(0, CHUNK), lambda d: give(to.fileno(), d), to.close, to.close)
        down = Stream(
            self.ways["down"],
            lambda: os.read(back.fileno(), CHUNK),
            lambda d: give(1, d),
            lambda: None,
            lambda: None,
        )
        down.join()
        os.close(1)
        to.close()
        return child.wait()


def ask(directory, command):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(f"{directory}/control")
        sock.sendall(command.encode() + b"\n")
        sock.shutdown(socket.SHUT_WR)
        with sock.makefile(encoding="ascii") as answer:
            sys.stdout.write(answer.read())


def main(argv):
    link = Link()
    if argv[0] == "serve":
        link.tell(" ".join(argv[4:]))
        link.serve(argv[1], (argv[2], int(argv[3])))
    elif argv[0] == "ask":
        ask(argv[1], " ".join(argv[2:]))
    else:
        link.tell(" ".join(argv[1 : argv.index("--")]))
        sys.exit(link.pipe(argv[argv.index("--") + 1 :]))


main(sys.argv[1:])
