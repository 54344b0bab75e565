#!/usr/bin/env python3
# tests/flow/upstream-protocol.py - answers that break HTTP: 502, the connection dropped, nothing of it passed on.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
workers: 1
services:
  - { name: web, targets: [ @origin@ ], retry: { max_retries: 0 }, timeout: { response: 1s } }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
OK = b"HTTP/1.1 200 OK\r\n"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
ANSWERS = {
    "garbage": b"garbage\r\n\r\n",
    "an empty line": b"\r\n\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
    "status in letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "length and coding": OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
    "the same length twice": OK + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
    "a list of lengths": OK + b"Content-Length: 4, 4\r\n\r\nbody",
    "a signed length": OK + b"Content-Length: +4\r\n\r\nbody",
    "a negative length": OK + b"Content-Length: -4\r\n\r\nbody",
    "an empty length": OK + b"Content-Length:\r\n\r\nbody",
    "a length in hex": OK + b"Content-Length: 0x4\r\n\r\nbody",
    "a length above 64 bits": OK + b"Content-Length: 18446744073709551620\r\n\r\nbody",
    "a coding unknown": OK + b"Transfer-Encoding: gzip\r\n\r\nbody",
    "a list of codings": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": OK + b"Content-Length : 4\r\n\r\nbody",
    "a name that is no token": OK + b"X(Y: z\r\nContent-Length: 4\r\n\r\nbody",
    "a field without a name": OK + b": z\r\nContent-Length: 4\r\n\r\nbody",
    "a line without a colon": OK + b"nothing\r\nContent-Length: 4\r\n\r\nbody",
    "a folded line": OK + b"X-A: a\r\n b\r\nContent-Length: 4\r\n\r\nbody",
    "a space before the first field": OK + b" X-A: a\r\nContent-Length: 4\r\n\r\nbody",
    "NUL in a value": OK + b"X-A: a\0b\r\nContent-Length: 4\r\n\r\nbody",
    "a bare CR in a value": OK + b"X-A: a\rb\r\nContent-Length: 4\r\n\r\nbody",
    "a control in a value": OK + b"X-A: a\x01b\r\nContent-Length: 4\r\n\r\nbody",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
}


def test_broken_heads(t):
    """a head that breaks the rules is 502 upstream-protocol, and its connection is never used again"""
    def script(c):
        c.request()
        c.send(answer + EVIL)
        c.stall()
    origin = t.origin(script)
    client = t.client(t.outrider(CONFIG, origin=origin))
    for number, (what, answer) in enumerate(ANSWERS.items(), 1):
        response = client.get("/x")
        t.equal(response.status, 502, f"status after {what}")
        problem(t, response, 502, "upstream-protocol", "http_protocol_error")
        t.equal(len(origin.connections), number, f"connections after {what}")


def test_broken_heads_bytewise(t):
    """the same heads, byte by byte"""
    def script(c):
        c.request()
        try:
            c.send_bytewise(answer + EVIL)
        except Ended:                               # it has seen enough
            return
        c.stall()
    outrider = t.outrider(CONFIG, origin=t.origin(script))
    for what, answer in ANSWERS.items():
        t.equal(t.get(outrider, "/x").status, 502, f"status after {what}")


BODIES = {
    "a size that is no number": b"zz\r\nbody\r\n0\r\n\r\n",
    "a negative size": b"-4\r\nbody\r\n0\r\n\r\n",
    "a size with 0x": b"0x4\r\nbody\r\n0\r\n\r\n",
    "a size above 64 bits": b"fffffffffffffffff\r\nbody\r\n0\r\n\r\n",
    "an empty size": b"\r\nbody\r\n0\r\n\r\n",
    "a bare LF after the size": b"4\nbody\r\n0\r\n\r\n",
    "no CRLF after the data": b"4\r\nbodyx\r\n0\r\n\r\n",
    "a bare LF after the data": b"4\r\nbody\n0\r\n\r\n",
    "a broken trailer": b"4\r\nbody\r\n0\r\nX : y\r\n\r\n",
}


def test_broken_chunks(t):
    """a chunk that breaks the rules never becomes a whole answer"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n" + body)
        c.stall()
    outrider = t.outrider(CONFIG, origin=t.origin(script))
    for what, body in BODIES.items():
        try:
            response = t.get(outrider, "/x")
        except (Truncated, Ended):
            continue
        t.equal(response.status, 502, f"status after {what}")


def test_reason(t):
    """a head without a reason phrase is not broken"""
    for line in (b"HTTP/1.1 200 \r\n", b"HTTP/1.1 200\r\n"):
        def script(c):
            for _ in c.requests():
                c.send(line + b"Content-Length: 2\r\n\r\nok")
        t.equal(t.get(t.outrider(CONFIG, origin=t.origin(script))).body, b"ok", f"body after {line!r}")


def test_interim(t):
    """interim answers before the final one are not broken"""
    def script(c):
        for _ in c.requests():
            c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
            c.respond(body=b"final")
    client = t.client(t.outrider(CONFIG, origin=t.origin(script)))
    for _ in range(2):
        answer = client.get()
        t.equal((answer.status, answer.body, answer.all("link")), (200, b"final", []), "answer")


main()
