#!/usr/bin/env python3
"""web.py DIR: a web server on loopback, for tests. Writes its port to DIR/port once it listens.

Each request is a line of DIR/requests, "METHOD PATH", and every command line on this machine that holds
the word in DIR/secret goes to DIR/seen. What a path answers:

    /echo      the method, the headers X-… and the content type, and the body as it came
    /status/N  that status, with a body that says so
    /jump      a redirection to /echo (303)
    /spin      a redirection to itself
    /big       a megabyte of lines
    /hang      nothing at all
"""
import http.server
import os
import sys
import threading

HERE = sys.argv[1]


def path(name):
    return os.path.join(HERE, name)


def look_for_secret():
    """As ps shows them to everybody."""
    try:
        with open(path("secret"), "rb") as file:
            secret = file.read().strip()
    except OSError:
        return
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if secret in line:
            with open(path("seen"), "ab") as seen:
                seen.write(line.replace(b"\0", b" ") + b"\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def echo(self, body):
        lines = [self.command]
        lines += [f"{name}: {value}" for name, value in sorted(self.headers.items())
                  if name.startswith("X-") or name == "Content-Type"]
        self.answer(200, "\n".join(lines).encode() + b"\n" + body)

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        look_for_secret()
        with open(path("requests"), "a", encoding="utf-8") as file:
            file.write(f"{self.command} {self.path}\n")
        if self.path.startswith("/echo"):
            self.echo(body)
        elif self.path.startswith("/status/"):
            status = int(self.path.rsplit("/", 1)[1])
            self.answer(status, f"this is {status}\n".encode())
        elif self.path in ("/jump", "/spin"):
            self.answer(303, b"elsewhere\n",
                        Location="/echo" if self.path == "/jump" else self.path)
        elif self.path == "/big":
            self.answer(200, b"0123456789abcde\n" * 65536)
        elif self.path == "/hang":
            self.connection.recv(1)  # until the client goes
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(path("port.new"), "w", encoding="utf-8") as out:
    out.write(str(server.server_address[1]))
os.rename(path("port.new"), path("port"))
threading.Thread(target=server.serve_forever).start()
