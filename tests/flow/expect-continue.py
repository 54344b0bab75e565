#!/usr/bin/env python3
# tests/flow/expect-continue.py - Expect: 100-continue.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

EXPECT = ("Expect", "100-continue")


def test_continue(t):
    """the client is told to go on, sends its body, and gets the answer"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        client.send(client.head("POST", "/", [("Content-Length", "5"), EXPECT]))
        t.equal(client.until(b"\r\n\r\n", 1000, "interim answer"), b"HTTP/1.1 100 Continue\r\n\r\n", "interim answer")
        client.send(b"12345")
        t.equal(client.response().status, 200, "status")
    t.equal([r.body for r in origin.requests], [b"12345"] * 2, "bodies")


def test_chunked(t):
    """the same with a chunked body"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked"), EXPECT]))
    client.until(b"\r\n\r\n", 1000, "interim answer")
    client.send(chunked(b"12345"))
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.body, b"12345", "body")


def test_refused_before_the_body(t):
    """a request that has no route is refused without its body"""
    client = t.client(t.outrider(PLAIN.replace('"/**"', '"/only"'), origin=t.origin()))
    client.send(client.head("POST", "/other", [("Content-Length", "5"), EXPECT]))
    answer = client.response()
    t.equal(answer.status, 404, "status")
    t.equal([i.status for i in answer.interim], [], "interim answers")


def test_client_does_not_wait(t):
    """a client that sends its body at once is served"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("POST", "/", [("Content-Length", "5"), EXPECT]) + b"12345")
    t.equal(client.response().status, 200, "status")
    t.equal(client.get("/next").status, 200, "the next request")
    t.equal(origin.requests[0].body, b"12345", "body")


def test_target_says_continue(t):
    """100 Continue of the target is no answer to the client"""
    def script(c):
        request = c.request_head()
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.body(request)
        c.respond(201)
        c.stall()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    answer = client.ask("POST", "/", body=b"12345")
    t.equal(answer.status, 201, "status")
    t.at_most(len(answer.interim), 0, "interim answers to a client that did not ask for one")


def test_no_expectation_without_body(t):
    """Expect without a body is not waited for"""
    client = t.client(t.outrider(PLAIN, origin=t.origin()))
    client.send(client.head("GET", "/", [EXPECT]))
    t.equal(client.response().status, 200, "status")


def test_old_client(t):
    """an HTTP/1.0 client gets no interim answer"""
    client = t.client(t.outrider(PLAIN, origin=t.origin()))
    client.send(b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n12345")
    answer = client.response()
    t.equal((answer.status, list(answer.interim)), (200, []), "answer")


main()
