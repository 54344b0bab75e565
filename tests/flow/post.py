#!/usr/bin/env python3
# tests/flow/post.py - request bodies and answers, counted and chunked, in both directions.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

PATTERN = bytes(range(256)) * 4096          # 1 MiB: every byte value


def test_counted(t):
    """a counted body arrives with its length and every byte"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for size in (0, 1, 255, 4096, 8192, 10000, 65536, 65537, 1 << 20):
        t.equal(client.ask("POST", "/up", body=PATTERN[:size]).status, 200, f"status at {size}")
        request = origin.requests[-1]
        t.equal((request.method, request.length), ("POST", size), "length at the target")
        t.true(request.body == PATTERN[:size], f"{size} bytes arrive unchanged")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_zeros(t):
    """a length goes on without zeros in front, which some servers take for octal"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for length, size in (("010", 10), ("0010", 10), ("00", 0), ("0", 0), ("10", 10), ("0100", 100), ("001000", 1000)):
        client.send(client.head("POST", "/up", [("Content-Length", length)]) + PATTERN[:size])
        t.equal(client.response().status, 200, f"status with {length}")
        request = origin.requests[-1]
        t.equal(request.get("content-length"), str(size), f"length at the target for {length}")
        t.true(request.body == PATTERN[:size], f"the body of {length} arrives unchanged")


def test_chunked(t):
    """a chunked body arrives chunked, whatever its pieces"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for sizes in ([], [1], [1, 1, 1], [10, 100, 1000, 10000], [65536, 1, 65536], [1 << 20]):
        pieces, at = [], 0
        for size in sizes:
            pieces.append(PATTERN[at % 256:at % 256 + size])
            at += size
        t.equal(client.ask("POST", "/up", body=pieces).status, 200, f"status at {sizes}")
        request = origin.requests[-1]
        t.equal(request.framing, "chunked", f"framing at {sizes}")
        t.true(request.body == b"".join(pieces), f"pieces {sizes} arrive unchanged")


def test_pieces(t):
    """a request whose bytes come one by one arrives whole"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send_bytewise(client.head("POST", "/slow", [("Content-Length", "5")]) + b"12345")
    t.equal(client.response().status, 200, "counted")
    client.send_bytewise(client.head("POST", "/slow", [("Transfer-Encoding", "chunked")]) + chunked(b"12345", b"6"))
    t.equal(client.response().status, 200, "chunked")
    t.equal([r.body for r in origin.requests], [b"12345", b"123456"], "bodies")


def test_no_body(t):
    """a POST that announces no body has none"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.ask("POST", "/").status, 200, "status")
    t.equal(client.get("/next").status, 200, "the connection is in step")
    t.true(origin.requests[0].framing == "none" or origin.requests[0].length == 0, "no body at the target")


def test_get_with_body(t):
    """a GET may have a body"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.ask("GET", "/", body=b"asked").status, 200, "status")
    t.equal((origin.last.method, origin.last.body), ("GET", b"asked"), "request")


def test_answers(t):
    """counted and chunked answers arrive unchanged"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for size in (1, 4096, 10000, 65536, 1 << 20):
        origin.answer("/counted", PATTERN[:size])
        answer = client.get("/counted")
        t.equal((answer.framing, answer.length), ("length", size), f"framing at {size}")
        t.true(answer.body == PATTERN[:size], f"{size} counted bytes arrive unchanged")
        origin.answer("/chunked", [PATTERN[:1], PATTERN[1:size]] if size > 1 else [PATTERN[:1]])
        answer = client.get("/chunked")
        t.equal(answer.framing, "chunked", f"framing at {size}")
        t.true(answer.body == PATTERN[:size], f"{size} chunked bytes arrive unchanged")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_answer_to_the_end(t):
    """an answer that ends with its connection arrives whole, and the client's connection stays"""
    def until_close(c):
        c.request()
        c.respond(200, body=None)
        c.send(PATTERN)
        c.close()
    origin = t.origin(until_close)
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        answer = client.get()
        t.equal(answer.framing, "chunked", "framing")
        t.true(answer.body == PATTERN, "body")


def test_request_trailers(t):
    """trailers of a request never become header fields"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Late")]) +
                chunked(b"body", trailers=[("X-Late", "1"), ("Authorization", "no")]))
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.body, b"body", "body")
    for name in ("x-late", "authorization"):
        t.lacks(origin.last.names(), name, "header fields")
    t.equal(client.get("/next").status, 200, "the connection is in step")


def test_answer_trailers(t):
    """trailers of an answer never become header fields"""
    def script(c):
        for _ in c.requests():
            c.send(head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "Set-Cookie")]) +
                   chunked(b"body", trailers=[("Set-Cookie", "late=1")]))
    origin = t.origin(script)
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        answer = client.get()
        t.equal((answer.body, answer.all("set-cookie")), (b"body", []), "answer")


main()
