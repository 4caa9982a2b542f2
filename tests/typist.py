#!/usr/bin/python3
"""typist.py PROGRAM [ARGUMENT...]: types at a program that runs on a terminal of its own.

Standard input says what, a line each:
    type TEXT   sends it; \\r is return, \\t the tabulator, \\x01 Ctrl-A
    see TEXT    waits until it has been shown since the last "type", in any order with other "see" lines
    then TEXT   waits until it has been shown after what the last "see" saw: a prompt, before which a
                control character would be the terminal's and not the program's
    word TEXT   as see, with nothing of a word before or behind it
At a shell whose prompt is "[$?] ready> ":
    line TEXT   sends it as it stands, and return; what is seen from then on is behind its echo
    ends CODE   waits for the next prompt, which has to show this exit code
    lacks TEXT  it has not been shown since the last "line"
The last thing is to wait for the program's end. Control sequences of the terminal are left out of what
counts as shown. Exits 1, with what was shown, when something did not come or the program failed.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 60  # seconds, for what must come
SIZE = struct.pack("HHHH", 400, 160, 0, 0)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b\][^\x07]*\x07|\x1b[=>]|[\x07\r]")


class Terminal:
    def __init__(self, argv):
        self.shown, self.seen, self.open = "", 0, True
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, SIZE)

    def read(self, until):
        ready, _, _ = select.select([self.fd], [], [], max(0, until - time.monotonic()))
        try:
            data = os.read(self.fd, 65536) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        self.open = bool(data)
        self.shown += data.decode(errors="replace")

    def fail(self, why):
        os.close(self.fd)
        sys.exit(f"typist: {why}; shown was:\n{CONTROL.sub('', self.shown)}")

    def wait(self, text, is_shown):
        until = time.monotonic() + PATIENCE
        while not is_shown():
            if not self.open or time.monotonic() > until:
                self.fail(f"'{text}' did not come")
            self.read(until)

    def look(self, text, start):
        at = CONTROL.sub("", self.shown).find(text, start)
        self.seen = max(self.seen, at + len(text) if at >= 0 else 0)
        return at >= 0

    def see(self, text):
        self.wait(text, lambda: self.look(text, 0))

    def then(self, text):
        self.wait(text, lambda: self.look(text, self.seen))

    def word(self, text):
        whole = re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")
        self.wait(text, lambda: whole.search(CONTROL.sub(" ", self.shown)))

    def type(self, text):
        self.shown, self.seen = "", 0
        os.write(self.fd, text.encode().decode("unicode_escape").encode("latin-1"))

    def line(self, text):
        self.type("")
        os.write(self.fd, text.encode() + b"\r")
        self.wait(text, lambda: "\n" in self.shown)
        self.shown = self.shown.split("\n", 1)[1]

    def ends(self, code):
        prompt = re.compile(r"\[(\d+)\] ready> $")
        self.wait("the prompt", lambda: prompt.search(CONTROL.sub("", self.shown)))
        found = prompt.search(CONTROL.sub("", self.shown)).group(1)
        if found != code:
            self.fail(f"exit code {found}, not {code}")

    def lacks(self, text):
        if text in CONTROL.sub("", self.shown):
            self.fail(f"'{text}' came")

    def end(self):
        until = time.monotonic() + PATIENCE
        while self.open:
            self.read(until)
        _, status = os.waitpid(self.pid, 0)
        if status:
            self.fail(f"it ended with status {os.waitstatus_to_exitcode(status)}")


def main():
    terminal = Terminal(sys.argv[1:])
    for line in sys.stdin:
        word, _, text = line.rstrip("\n").partition(" ")
        if word:
            getattr(terminal, word)(text)
    terminal.end()


main()
