# tests/suites/desk.py - the origin that clients of all languages talk to, and what each step must bring.
# SPDX-License-Identifier: Apache-2.0
"""A client does all STEPS, in order, and prints a line for each: NAME STATUS LENGTH [EXTRA], or NAME skip WHY, or NAME error
WHAT. What it sends is compared byte by byte here (/o/same/N), and it sends what it has received: so nobody needs to
compute a checksum in twenty languages."""
import gzip
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from kit import http, limit  # noqa: E402
from kit.wire import Ended  # noqa: E402

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678"
UNICODE = "/o/echo/%C3%A4%20%2B;x=1?q=%E2%82%AC&r=a+b&r=%2F"
LARGE = 6000
PAUSE = 0.03                                # between the pieces of what is sent slowly: that is the behaviour, not a wait


def pattern(n):
    return (ALPHABET * (n // len(ALPHABET) + 1))[:n]


ZIPPED = gzip.compress(pattern(10000), mtime=0)

# name: (status, lengths that are right, extra or None). A client that decodes gzip sees another length than one that does not.
STEPS = {
    "get-small": (200, (5,), None),
    "get-10k": (200, (10000,), None),
    "get-1m": (200, (1000000,), None),
    "head": (200, (0,), "10000"),
    "post": (200, (2,), "ok"),
    "post-chunked": (200, (2,), "ok"),
    "put-1m": (200, (2,), "ok"),
    "delete": (204, (0,), None),
    "options": (200, (0,), "GET, PUT, DELETE, OPTIONS"),
    "not-modified": (304, (0,), '"v1"'),
    "redirect": (302, (0,), "/o/bytes/5"),
    "gzip": (200, (10000, len(ZIPPED)), None),
    "cookies": (200, (2,), "a=1; Path=/|b=2; HttpOnly"),
    "unicode": (200, (len(UNICODE),), UNICODE),
    "large-request-header": (200, (4,), str(LARGE)),
    "large-answer-header": (200, (2,), str(LARGE)),
    "slow": (200, (5000,), None),
    "events": (200, (36,), "1,2,3"),
    "expect": (200, (2,), "ok"),
    "trailers": (200, (2,), "sum-of-it"),
    "problem": (404, None, "no-route"),
    "hold": (200, (5,), "close"),
}
OURS = ("problem", "hold")                  # what an origin without a proxy has no answer to


class Desk:
    """A script for the kit's Origin."""

    def __init__(self):
        self.held = threading.Event()       # a request for /o/hold is here
        self.release = threading.Event()

    def __call__(self, c):
        try:
            while c.buffer or c.more():
                request = c.request_head()
                if request.get("expect"):
                    c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                c.body(request)
                self.answer(c, request)
                if "close" in (request.get("connection") or "").lower():
                    return
        except Ended:                       # a client that has seen enough may reset
            pass

    def answer(self, c, request):
        path, _, _ = request.target.partition("?")
        parts = path.split("/")
        known = getattr(self, "do_" + parts[2].replace("-", "_"), None) if len(parts) > 2 and parts[1] == "o" else None
        if known:
            known(c, request, int(parts[3]) if len(parts) > 3 and parts[3].isdigit() else 0)
        else:
            c.respond(404, [("X-Who", "origin")], b"not here", method=request.method)

    @staticmethod
    def do_bytes(c, request, n):
        c.respond(200, [("Content-Type", "application/octet-stream")], pattern(n), method=request.method)

    @staticmethod
    def do_chunked(c, request, n):
        data = pattern(n)
        c.respond(200, body=[data[i:i + 30011] for i in range(0, n, 30011)], method=request.method)

    @staticmethod
    def do_same(c, request, n):
        same = request.body == pattern(n)
        c.respond(200 if same else 409, [("Content-Type", "text/plain")],
                  b"ok" if same else b"got %d bytes" % len(request.body))

    @staticmethod
    def do_framing(c, request, n):
        """As do_same, and the body must have come chunked."""
        same = request.body == pattern(n) and request.framing == "chunked"
        c.respond(200 if same else 409, [], b"ok" if same else b"framing " + request.framing.encode())

    @staticmethod
    def do_thing(c, request, _):
        if request.method == "OPTIONS":
            c.respond(200, [("Allow", "GET, PUT, DELETE, OPTIONS")])
        else:
            c.respond(204)

    @staticmethod
    def do_etag(c, request, _):
        fresh = request.get("if-none-match") == '"v1"'
        c.respond(304 if fresh else 200, [("ETag", '"v1"')], None if fresh else b"ok", method=request.method)

    @staticmethod
    def do_redirect(c, request, _):
        c.respond(302, [("Location", "/o/bytes/5")])

    @staticmethod
    def do_gzip(c, request, _):
        c.respond(200, [("Content-Encoding", "gzip"), ("Content-Type", "text/plain")], ZIPPED)

    @staticmethod
    def do_cookies(c, request, _):
        c.respond(200, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly")], b"ok")

    @staticmethod
    def do_echo(c, request, _):
        c.respond(200, [("Content-Type", "text/plain")], request.target.encode())

    @staticmethod
    def do_header(c, request, _):
        c.respond(200, [("X-Large", "y" * LARGE)] if request.target.endswith("answer") else [],
                  b"ok" if request.target.endswith("answer") else b"%d" % len(request.get("x-large") or ""))

    @staticmethod
    def do_slow(c, request, _):
        c.send(http.head("HTTP/1.1 200 OK", [("Content-Length", "5000")]))
        for _ in range(5):
            time.sleep(PAUSE)
            c.send(pattern(1000))

    @staticmethod
    def do_events(c, request, _):
        c.send(http.head("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"),
                                             ("Transfer-Encoding", "chunked")]))
        for i in (1, 2, 3):
            c.send(http.chunk(b"data: %d\n\n:.\n" % i))
            time.sleep(PAUSE)
        c.send(b"0\r\n\r\n")

    @staticmethod
    def do_trailers(c, request, _):
        c.send(http.head("HTTP/1.1 200 OK", [("Trailer", "X-Sum"), ("Transfer-Encoding", "chunked")])
               + http.chunked(b"ok", trailers=[("X-Sum", "sum-of-it")]))

    def do_hold(self, c, request, _):
        self.held.set()
        while not self.release.wait(0.05):
            limit.remaining("the drain to begin")
        c.respond(200, [], b"hello")


def verdict(name, line):
    """None when a client's line for a step is right, else why not. line: what follows the name."""
    status, lengths, extra = STEPS[name]
    words = line.split(" ", 2)
    if words[0] == "error" or len(words) < 2 or not words[0].isdigit() or not words[1].isdigit():
        return f"{line[:200]!r}"
    if int(words[0]) != status:
        return f"status {words[0]}, expected {status} ({line[:200]!r})"
    if lengths and int(words[1]) not in lengths:
        return f"length {words[1]}, expected one of {lengths}"
    got = words[2].strip() if len(words) > 2 else ""
    if extra is not None and got != extra:
        return f"{got[:200]!r}, expected {extra!r}"
    return None
