#!/usr/bin/env python3
# tests/flow/http10.py - HTTP/1.0 clients and targets.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_plain(t):
    """a client of HTTP/1.0 gets its answer, and the end of the connection"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"GET /x HTTP/1.0\r\nHost: a.example\r\n\r\n")
    t.equal(client.response().body, b"hello", "body")
    client.expect_closed(t)
    t.equal((origin.last.minor, origin.last.get("host")), (1, "a.example"), "the target gets HTTP/1.1")


def test_keep_alive(t):
    """Connection: keep-alive keeps it, and is answered"""
    client = t.client(t.outrider(PLAIN, origin=t.origin()))
    for _ in range(3):
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        answer = client.response()
        t.equal(answer.body, b"hello", "body")
        t.contains([v.lower() for v in answer.all("connection")], "keep-alive", "Connection")


def test_no_host(t):
    """a client of HTTP/1.0 may leave out Host; the target still gets one"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"GET /x HTTP/1.0\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    t.equal(len(origin.last.all("host")), 1, "Host fields at the target")


def test_no_chunks(t):
    """a chunked answer reaches an HTTP/1.0 client without chunks"""
    origin = t.origin().answer("/c", [b"one", b"two"])
    for connection in (b"", b"Connection: keep-alive\r\n"):
        client = t.client(t.outrider(PLAIN, origin=origin))
        client.send(b"GET /c HTTP/1.0\r\nHost: a\r\n" + connection + b"\r\n")
        answer = client.response()
        t.equal((answer.framing, answer.body), ("close", b"onetwo"), "answer")
        client.expect_closed(t)


def test_post(t):
    """a counted body of an HTTP/1.0 client arrives"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.body, b"12345", "body")


def test_own_error(t):
    """an error of the sidecar's own reaches an HTTP/1.0 client"""
    client = t.client(t.outrider(PLAIN.replace('"/**"', '"/only"'), origin=t.origin()))
    client.send(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
    problem(t, client.response(), 404, "no-route", "destination_not_found")
    client.expect_closed(t)


def answering(t, wire, close):
    """A client of a daemon whose target answers each request with these bytes, and ends the connection or not."""
    def script(c):
        for _ in c.requests():
            c.send(wire)
            if close:
                return
    origin = t.origin(script)
    return t.client(t.outrider(PLAIN, origin=origin)), origin


def test_target_closes(t):
    """a target of HTTP/1.0 that ends its answer with the connection: chunked for the client, which keeps its own"""
    client, origin = answering(t, b"HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nhello", True)
    for n in range(1, 4):
        answer = client.get()
        t.equal((answer.minor, answer.framing, answer.body, answer.get("x-a")), (1, "chunked", b"hello", "b"), "answer")
        t.equal(len(origin.connections), n, "connections to the target")
    t.equal({r.minor for r in origin.requests}, {1}, "the target is asked in HTTP/1.1")


def test_target_keeps(t):
    """one that says Connection: keep-alive keeps it, and the client hears nothing of that"""
    client, origin = answering(t, b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n"
                                  b"Content-Length: 5\r\n\r\nhello", False)
    for _ in range(3):
        answer = client.get()
        t.equal((answer.framing, answer.body, answer.all("connection"), answer.all("keep-alive")),
                ("length", b"hello", [], []), "answer")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_target_silent(t):
    """one that does not say so is not asked again on that connection"""
    client, origin = answering(t, b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", False)
    for n in range(1, 4):
        t.equal(client.get().body, b"hello", "answer")
        t.equal(len(origin.connections), n, "connections to the target")


def test_both(t):
    """HTTP/1.0 on both sides"""
    client, _ = answering(t, b"HTTP/1.0 200 OK\r\n\r\nhello", True)
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    answer = client.response()
    t.equal((answer.framing, answer.body), ("close", b"hello"), "answer")
    client.expect_closed(t)


def test_connection_options(t):
    """Connection of an HTTP/1.0 request strips what it names and says no more than that"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, x-mine\r\nX-Mine: 1\r\nKeep-Alive: 300\r\n"
                b"X-Other: 2\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    for name in ("x-mine", "keep-alive", "connection"):
        t.lacks(origin.last.names(), name, "fields at the target")
    t.equal(origin.last.get("x-other"), "2", "an end-to-end field")


main()
