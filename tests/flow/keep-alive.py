#!/usr/bin/env python3
# tests/flow/keep-alive.py - connections are kept and used again, on both sides.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

ONE_WORKER = "workers: 1\n" + PLAIN


def test_one_connection(t):
    """requests on one connection of the client go over one connection to the target"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for i in range(20):
        answer = client.get(f"/{i}")
        t.equal(answer.body, b"hello", "body")
        t.lacks([v.lower() for v in answer.all("connection")], "close", "Connection of the answer")
    t.equal({r.connection for r in origin.requests}, {0}, "connections at the target")


def test_clients_share(t):
    """a client's request goes over the connection that another client's request left"""
    origin = t.origin()
    outrider = t.outrider(ONE_WORKER, origin=origin)
    for _ in range(5):
        t.equal(t.get(outrider).status, 200, "status")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_client_closes(t):
    """Connection: close of the client is obeyed, and the target's connection is kept"""
    origin = t.origin()
    outrider = t.outrider(ONE_WORKER, origin=origin)
    for _ in range(3):
        client = t.client(outrider)
        answer = client.get("/", headers=[("Connection", "close")])
        t.contains([v.lower() for v in answer.all("connection")], "close", "Connection of the answer")
        client.expect_closed(t)
    t.equal(len(origin.connections), 1, "connections to the target")
    t.equal([r.all("connection") for r in origin.requests if "close" in r.all("connection")], [], "close passed on")


def test_target_closes(t):
    """Connection: close of the target ends that connection alone"""
    origin = t.origin().answer("/", b"bye", headers=[("Connection", "close")])
    client = t.client(t.outrider(ONE_WORKER, origin=origin))
    for _ in range(3):
        answer = client.get()
        t.equal((answer.status, answer.body, answer.all("connection")), (200, b"bye", []), "answer")
    t.equal([r.connection for r in origin.requests], [0, 1, 2], "connections")


def close_after_one(c):
    c.request()
    c.respond(body=b"once")
    c.close()


def test_target_closes_without_a_word(t):
    """a kept connection that the target has closed is not used again, whatever the method"""
    origin = t.origin(close_after_one)
    client = t.client(t.outrider(ONE_WORKER, origin=origin))
    for i in range(10):
        answer = client.ask("POST" if i % 2 else "GET", f"/{i}", body=b"x")
        t.equal((answer.status, answer.body), (200, b"once"), f"request {i}")
        origin.wait_idle()
    t.equal(len(origin.requests), 10, "requests, none of them twice")


def test_target_closes_meanwhile(t):
    """a connection that the target closes while a request is sent on it costs no GET its answer"""
    origin = t.origin(close_after_one)
    client = t.client(t.outrider(ONE_WORKER, origin=origin))
    for i in range(300):
        t.equal(client.get(f"/{i}").body, b"once", f"request {i}")


def test_old_target(t):
    """an HTTP/1.0 target's connection is not used again unless it says so"""
    def old(c):
        c.request()
        c.send(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold")
        c.stall()
    origin = t.origin(old)
    client = t.client(t.outrider(ONE_WORKER, origin=origin))
    for _ in range(3):
        answer = client.get()
        t.equal((answer.minor, answer.body), (1, b"old"), "answer")
    t.equal(len(origin.connections), 3, "connections")


def test_bytes_after_the_answer(t):
    """18: bytes that follow an answer unasked are 502 or dropped, end the connection, and reach nobody"""
    def chatty(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        c.stall()
    origin = t.origin(chatty)
    outrider = t.outrider(ONE_WORKER, origin=origin)
    client = t.client(outrider)
    for answer in [client.get() for _ in range(3)] + [t.get(outrider)]:
        t.true((answer.status, answer.body) == (200, b"ok") or answer.status == 502,
               f"answer {answer.status} {answer.body!r}")
        t.lacks(answer.body, b"evil", "body")
    t.at_least(len(origin.connections), 4, "connections: none was used twice")


main()
