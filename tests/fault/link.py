#!/usr/bin/python3
"""A TCP link between a dispatcher and a host that a test can cut and mend, without being root.

    link.py serve DIR ADDRESS PORT     forwards connections to ADDRESS PORT until it is killed; its
                                       own port, on 127.0.0.1, is in DIR/port
    link.py ask DIR COMMAND            tells the serving one; prints its answer

    cut       no byte moves any more and no socket is closed: both sides see a silent peer. New
              connections are taken and wait. What was sent stays where TCP has it.
    heal      everything goes on where it was
    forget    only new connections work; the old ones stay cut for good, as where a router lost its
              table: half-open, and neither side is told
    drop      every connection is reset, old or new, until `heal`
    count     the number of connections that were taken so far
    times     when, one a line: seconds on the monotonic clock

A connection ends on both sides when either side ends it, unless it is cut.
"""
import os
import selectors
import socket
import struct
import sys
import time

CHUNK = 65536


class Pair:
    """A connection of the dispatcher and ours to the host. Each has what is to be written to it."""

    def __init__(self, client):
        self.client, self.host = client, None
        self.waiting = {}  # bytes for a socket that takes no more
        self.ended = set()  # who will say no more
        self.forgotten = False

    def sockets(self):
        return [s for s in (self.client, self.host) if s]

    def other(self, sock):
        return self.host if sock is self.client else self.client


class Link:
    def __init__(self, directory, address, port):
        self.directory, self.target = directory, (address, port)
        self.mode = "heal"
        self.pairs, self.times = [], []
        self.selector = selectors.DefaultSelector()
        self.server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(f"{directory}/control")
        self.control.listen()
        with open(f"{directory}/port.new", "w", encoding="ascii") as file:
            file.write(str(self.server.getsockname()[1]))
        os.rename(f"{directory}/port.new", f"{directory}/port")

    # ---- what the selector watches ----

    def watch(self, sock, events, call):
        try:
            known = self.selector.get_key(sock)
        except KeyError:
            known = None
        if not events and known:
            self.selector.unregister(sock)
        elif events and not known:
            self.selector.register(sock, events, call)
        elif events and known.events != events:
            self.selector.modify(sock, events, call)

    def watch_pair(self, pair):
        moves = self.mode != "cut" and not pair.forgotten
        for sock in pair.sockets():
            other = pair.other(sock)
            events = 0
            if moves and other and sock not in pair.ended and not pair.waiting.get(other):
                events |= selectors.EVENT_READ
            if moves and pair.waiting.get(sock):
                events |= selectors.EVENT_WRITE
            self.watch(sock, events, lambda mask, p=pair, s=sock: self.move(p, s, mask))

    # ---- connections ----

    def take(self, _mask):
        client, _ = self.server.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        self.times.append(time.monotonic())
        pair = Pair(client)
        self.pairs.append(pair)
        if self.mode == "drop":
            self.end(pair, reset=True)
        elif self.mode != "cut":
            self.reach(pair)

    def reach(self, pair):
        try:
            pair.host = socket.create_connection(self.target, timeout=5)
            pair.host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair.host.setblocking(False)
        except OSError:  # nobody listens there: so it is with us
            pair.host = None
            self.end(pair, reset=True)
            return
        self.watch_pair(pair)

    def end(self, pair, reset=False):
        for sock in pair.sockets():
            self.watch(sock, 0, None)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        self.pairs.remove(pair)

    def move(self, pair, sock, mask):
        try:
            if mask & selectors.EVENT_WRITE:
                sent = sock.send(pair.waiting[sock])
                pair.waiting[sock] = pair.waiting[sock][sent:]
            if mask & selectors.EVENT_READ:
                self.read(pair, sock)
        except BlockingIOError:
            pass
        except OSError:
            self.end(pair, reset=True)
            return
        if len(pair.ended) == 2 and not any(pair.waiting.values()):
            self.end(pair)
        else:
            self.watch_pair(pair)

    def read(self, pair, sock):
        data, other = sock.recv(CHUNK), pair.other(sock)
        if data:
            pair.waiting[other] = data
            sent = other.send(data)
            pair.waiting[other] = data[sent:]
        else:
            pair.ended.add(sock)
            other.shutdown(socket.SHUT_WR)

    # ---- what the test says ----

    def switch(self, mode):
        old, self.mode = list(self.pairs), "heal" if mode == "forget" else mode
        for pair in old:
            if mode == "drop":
                self.end(pair, reset=True)
                continue
            if mode == "forget":
                pair.forgotten = True
            if pair.host:
                self.watch_pair(pair)
            elif mode == "heal":
                self.reach(pair)

    def listen(self, _mask):
        asker, _ = self.control.accept()
        with asker, asker.makefile("rw", encoding="ascii") as words:
            command = words.readline().strip()
            if command == "count":
                words.write(f"{len(self.times)}\n")
            elif command == "times":
                words.write("".join(f"{t:.3f}\n" for t in self.times))
            else:
                self.switch(command)

    def serve(self):
        self.watch(self.server, selectors.EVENT_READ, self.take)
        self.watch(self.control, selectors.EVENT_READ, self.listen)
        while True:
            for key, mask in self.selector.select():
                # an earlier event of this batch may have ended it, or cut it
                if key.fileobj.fileno() >= 0 and self.selector.get_map().get(key.fd) == key:
                    key.data(mask)


def ask(directory, command):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(f"{directory}/control")
        sock.sendall(command.encode() + b"\n")
        sock.shutdown(socket.SHUT_WR)
        with sock.makefile(encoding="ascii") as answer:
            sys.stdout.write(answer.read())


if sys.argv[1] == "serve":
    Link(sys.argv[2], sys.argv[3], int(sys.argv[4])).serve()
else:
    ask(sys.argv[2], sys.argv[3])
