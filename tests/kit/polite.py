#!/usr/bin/env python3
# tests/kit/polite.py - a program of its own: one target and one client that asks it again and again, and takes the time.
# SPDX-License-Identifier: Apache-2.0
"""In a process of its own, so that a test which is busy does not slow down what it measures. Prints the target's port; reads
the sidecar's address; asks every few milliseconds until its input ends; prints what it saw as JSON. Each time it also asks
its target directly: what that takes is the machine's doing. The class is the test's end of it."""
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time

EVERY = 0.003                               # seconds between two requests
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npolite"
ASK = b"GET /polite HTTP/1.1\r\nHost: polite.example\r\n\r\n"


class Polite:
    """polite.port is a target for the configuration; begin() when the sidecar is there; end() says how it went."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.host, self.port = "127.0.0.1", int(self.process.stdout.readline())

    def begin(self, where):
        self.process.stdin.write(f"{where.host} {where.port}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()      # the first answer has come

    def end(self):
        """{"n": requests, "p99": ms, "worst": ms, "direct": p99 past the sidecar, "bad": what went wrong}."""
        return json.loads(self.process.communicate()[0])

    def close(self, failed=False):
        self.process.kill()
        self.process.communicate()


def serve(listener):
    def one(sock):
        seen = b""
        while True:
            data = sock.recv(65536)
            if not data:
                return
            seen += data
            while b"\r\n\r\n" in seen:
                seen = seen.partition(b"\r\n\r\n")[2]
                sock.sendall(ANSWER)
    while True:
        threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def ask(sock, times):
    """None, or what went wrong."""
    began = time.monotonic()
    got = b""
    try:
        sock.sendall(ASK)
        while not got.endswith(b"polite"):
            data = sock.recv(65536)
            if not data:
                return got.decode("latin-1") or "closed"
            got += data
    except OSError as error:
        return str(error)
    times.append((time.monotonic() - began) * 1000)
    return None


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    host, port = sys.stdin.readline().split()
    sock, direct = socket.create_connection((host, int(port))), socket.create_connection(listener.getsockname())
    times, control, bad = [], [], []
    while not bad:
        bad += filter(None, [ask(sock, times), ask(direct, control)])
        if len(times) == 1:
            print("begun", flush=True)
        if select.select([sys.stdin], [], [], EVERY)[0]:
            break
    print(json.dumps({"n": len(times), "p99": p99(times), "worst": max(times), "direct": p99(control), "bad": bad}))


if __name__ == "__main__":
    main()
