#!/usr/bin/env python3
# tests/mutate/selftest.py - the mutator finds what is wrong with a proxy: each fault in the place of a daemon.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

PROGRAM = os.path.join(os.getcwd(), "tests", "mutate", "mutate")
TAG = re.compile(rb"~[gm][0-9a-f]{18}")
OURS = b"\r\nVia: 1.1 outrider\r\nX-Request-ID: 1\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"
DATE = b"Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n"


def head(sock, rest):
    """One head and what came behind it, or None."""
    while b"\r\n\r\n" not in rest:
        piece = sock.recv(65536)
        if not piece:
            return None, b""
        rest += piece
    got, _, rest = rest.partition(b"\r\n\r\n")
    return got, rest


def is_plain(got):
    """A request of a good client, without a body or an upgrade."""
    return b"~g" in got and not re.search(rb"(?im)^(content-length|transfer-encoding|upgrade|expect)\s*:", got)


def answer(tag, body=b"", more=b"", fields=DATE):
    return (b"HTTP/1.1 200 OK\r\nX-Echo: " + tag + b"\r\nX-Plan: 200 %d\r\n" % len(body) + fields
            + b"Content-Length: %d\r\n\r\n" % len(body) + body + more)


def each(sock, reply):
    """Answers good requests without bodies; leaves everybody else without an answer."""
    rest = b""
    while True:
        got, rest = head(sock, rest)
        if got is None or not is_plain(got):
            return
        sock.sendall(reply(got, TAG.search(got).group(0)))


def without_body(got):
    """The head, but for what frames a body and what ends at this hop."""
    gone = re.compile(rb"(?i)(transfer-|content-|expect|proxy-|keep-|connection|x-request-id|via|x-forwarded|forwarded)")
    return b"\r\n".join(line for line in got.split(b"\r\n") if not gone.match(line))


class Faults:
    """What stands in the place of the daemon. Each takes a client's connection and the ports of the targets."""

    def __init__(self):
        self.last = None
        self.lock = threading.Lock()

    def untagged(self, sock, ports):
        """a good request was not answered by its target"""
        each(sock, lambda got, tag: b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: 0\r\n\r\n")

    def foreign(self, sock, ports):
        """bytes of another connection"""
        def reply(got, tag):
            with self.lock:
                before, self.last = self.last or tag, tag
            return answer(before)
        each(sock, reply)

    def malformed(self, sock, ports):
        """a field whose name is no token"""
        each(sock, lambda got, tag: answer(tag, fields=DATE + b"Bad Name: x\r\n"))

    def line_feed(self, sock, ports):
        """control character|CR LF"""
        each(sock, lambda got, tag: answer(tag, fields=DATE + b"X: y\nZ: z\r\n"))

    def framed_twice(self, sock, ports):
        """framed twice"""
        each(sock, lambda got, tag: answer(tag, fields=DATE + b"Transfer-Encoding: chunked\r\n"))

    def twice(self, sock, ports):
        """more answers than requests|another request than the one whose turn it is"""
        each(sock, lambda got, tag: answer(tag) if got.startswith(b"HEAD") else answer(tag) + answer(tag))

    def wrong_body(self, sock, ports):
        """the body is not the one that was sent"""
        each(sock, lambda got, tag: answer(tag, b"" if got.startswith(b"HEAD") else b"x" * 30))

    def cut(self, sock, ports):
        """an answer that was cut off looks whole"""
        each(sock, lambda got, tag: answer(tag, fields=DATE + b"X-Cuts: 200 0\r\n"))

    def no_date(self, sock, ports):
        """not exactly one Date"""
        each(sock, lambda got, tag: answer(tag, fields=b""))

    def closes(self, sock, ports):
        """its connection was closed before everything was answered"""
        got, _ = head(sock, b"")
        if got is not None and is_plain(got):
            sock.sendall(answer(TAG.search(got).group(0))[:20])

    def relays(self, sock, ports):
        """a request without the sidecar's Via"""
        got, _ = head(sock, b"")
        if got is not None:
            to_target(ports["hostile"], got + b"\r\n\r\n")

    def smuggles(self, sock, ports):
        """a request that was smuggled"""
        seen = b""
        while True:
            piece = sock.recv(65536)
            seen += piece
            if not piece or b"~g" in seen:
                return
            bait = re.search(rb"Content-Length: [0-9]+\r\n\r\nGET (/smuggled\?t=~m[0-9a-f]{18}) HTTP", seen)
            if bait:
                to_target(ports["hostile"], b"GET " + bait.group(1) + b" HTTP/1.1\r\nHost: a" + OURS)

    def repeats(self, sock, ports):
        """a request that may not be repeated came twice"""
        got, _ = head(sock, b"")
        if got is not None and re.match(rb"POST .*~g", got):
            for _ in range(2):
                to_target(ports["steady"], without_body(got) + OURS)

    def cuts_uploads(self, sock, ports):
        """the body of a good request is not as long as it was"""
        got, _ = head(sock, b"")
        if got is not None and re.match(rb"POST .*~g", got) and b"Content-Length: 0" not in got:
            to_target(ports["steady"], without_body(got) + OURS)


def to_target(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=1) as sock:
        sock.sendall(request)
        try:
            sock.recv(1000)
        except OSError:
            pass


class Stand:
    """Listens where a daemon would."""

    def __init__(self, fault, ports):
        self.fault, self.ports = fault, ports
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(100)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        try:
            with client:
                client.settimeout(10)
                self.fault(client, self.ports)
        except OSError:
            pass


def run(fault, requests):
    """What the mutator says of it: its report, its exit code, its complaints."""
    with tempfile.TemporaryDirectory(prefix="outrider-mutate-") as directory:
        process = subprocess.Popen([PROGRAM, "--seed", "7", "--connections", "8", "--unix", directory + "/sock"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        guard = threading.Timer(60, process.kill)
        guard.start()
        stand = Stand(fault, json.loads(process.stdout.readline()))
        process.stdin.write(f"to 127.0.0.1:{stand.port}\nround {requests}\n")
        process.stdin.flush()
        complaints = []
        reader = threading.Thread(target=lambda: complaints.extend(process.stderr))
        reader.start()
        report = process.stdout.readline()
        process.stdin.close()
        code = process.wait()
        reader.join()
        guard.cancel()
        stand.sock.close()
    return json.loads(report or "{}"), code, "".join(complaints)


def main():
    faults = Faults()
    names = [name for name in vars(Faults) if not name.startswith("_")]
    print(f"1..{len(names)}", flush=True)
    failed = 0
    for number, name in enumerate(names, 1):
        fault = getattr(faults, name)
        report, code, complaints = run(fault, 300)
        good = code == 1 and report.get("failures", 0) > 0 and re.search(fault.__doc__, complaints)
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {name}: {fault.__doc__.replace('|', ' or ')}", flush=True)
        if not good:
            print(f"# exit code {code}, {report}")
            print("\n".join("# " + line[:300] for line in complaints.splitlines()[:20]), flush=True)
    sys.exit(1 if failed else 0)


main()
