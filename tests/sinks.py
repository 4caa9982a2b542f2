#!/usr/bin/env python3
"""sinks.py DIR: a real SMTP and a real HTTP server on loopback, for tests.

Writes their ports to DIR/smtp and DIR/http once they listen. A mail becomes DIR/mail.N (headers and
body as they came, after a line with the envelope), a request DIR/request.N (method, path, type and
body, one a line, and then every command line on this machine that holds the path). The answer to a
request is the status in DIR/status (200); `never` gives none.
"""
import asyncio
import http.server
import os
import sys
import threading

from aiosmtpd.smtp import SMTP

HERE = sys.argv[1]


def put(name, data):
    """A file appears whole, or not at all."""
    path = os.path.join(HERE, name)
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.rename(path + ".new", path)


class Numbers:
    def __init__(self):
        self.last = {}
        self.lock = threading.Lock()

    def next(self, kind):
        with self.lock:
            self.last[kind] = self.last.get(kind, 0) + 1
            return f"{kind}.{self.last[kind]}"


NUMBERS = Numbers()


class Mails:
    async def handle_DATA(self, server, session, envelope):
        line = f"{envelope.mail_from} {' '.join(envelope.rcpt_tos)}\n".encode()
        put(NUMBERS.next("mail"), line + envelope.content.replace(b"\r\n", b"\n"))
        return "250 taken"


def command_lines(word):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return b"\n".join(found)


class Requests(http.server.BaseHTTPRequestHandler):
    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            with open(os.path.join(HERE, "status"), encoding="ascii") as file:
                status = file.read().strip()
        except FileNotFoundError:
            status = "200"
        head = f"{self.command}\n{self.path}\n{self.headers.get('Content-Type')}\n".encode()
        put(NUMBERS.next("request"), head + body + b"\n" + command_lines(self.path.encode()))
        if status == "never":
            self.connection.recv(1)  # until the client has had enough
            return
        self.send_response(int(status))
        self.end_headers()

    do_GET = do_POST = take

    def log_message(self, *args):
        pass


async def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(Mails()), "127.0.0.1", 0)
    put("smtp", str(smtp.sockets[0].getsockname()[1]).encode())
    put("http", str(server.server_address[1]).encode())
    await smtp.serve_forever()


asyncio.run(main())
