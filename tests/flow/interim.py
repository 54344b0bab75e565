#!/usr/bin/env python3
# tests/flow/interim.py - 1xx answers of targets: 103 where it is wanted, the others never.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

PASS = PLAIN.replace("{ name: web,", "{ name: web, early_hints: pass,")
HINT = head("HTTP/1.1 103 Early Hints", [("Link", "</a.css>; rel=preload"), ("X-Hint", "1")])
UNKNOWN = b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 199 What\r\nX-A: b\r\n\r\n" + b"HTTP/1.1 100 Continue\r\n\r\n"


def saying(t, *interim, config=PASS, wait=False):
    """A client of a daemon whose target says this before each answer; `wait`: when the client has seen the first part."""
    def script(c):
        for request in c.requests():
            for part in interim:
                c.send(part)
                if wait:
                    t.wait_until(lambda: seen, "the client")
                    seen.clear()
            c.respond(200, body=b"hello", method=request.method)
    seen = []
    origin = t.origin(script)
    return t.client(t.outrider(config, origin=origin)), origin, seen


def hints(answer):
    return [(i.status, i.fields) for i in answer.interim]


WANT = (103, [("Link", "</a.css>; rel=preload"), ("X-Hint", "1")])


def test_dropped(t):
    """103 is dropped unless the service says otherwise"""
    client, origin, _ = saying(t, HINT, HINT, config=PLAIN)
    for method in ("GET", "POST", "HEAD"):
        answer = client.ask(method, "/", body=b"b" if method == "POST" else None)
        t.equal((answer.status, hints(answer)), (200, []), method)
    t.equal(len(origin.connections), 1, "connections to the target")


def test_passed(t):
    """early_hints: pass hands 103 on, as often as it comes, before the answer"""
    client, origin, _ = saying(t, HINT, HINT)
    for method in ("GET", "POST", "HEAD", "GET"):
        answer = client.ask(method, "/", body=b"b" if method == "POST" else None)
        t.equal((answer.status, hints(answer)), (200, [WANT, WANT]), method)
    t.equal(len(origin.connections), 1, "connections to the target")


def test_at_once(t):
    """it is there before the answer is"""
    client, _, seen = saying(t, HINT, wait=True)
    client.request("GET", "/")
    t.contains(client.until(b"\r\n\r\n", 1000, "the hint"), b"103", "what comes first")
    seen.append(1)
    t.equal(client.response().body, b"hello", "answer")


def test_others_dropped(t):
    """102, unknown ones and a 100 that nobody waits for are never passed on"""
    for config in (PLAIN, PASS):
        client, _, _ = saying(t, UNKNOWN, config=config)
        for _ in range(2):
            answer = client.get()
            t.equal((answer.status, hints(answer)), (200, []), "answer")


def test_old_client(t):
    """an HTTP/1.0 client gets none (RFC 9110 15.2)"""
    client, _, _ = saying(t, HINT)
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    answer = client.response()
    t.equal((answer.status, hints(answer)), (200, []), "answer")


def test_hop_by_hop(t):
    """what belongs to the connection with the target is not in it"""
    hint = head("HTTP/1.1 103 Early Hints", [("Connection", "keep-alive, x-mine"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"),
                                              ("Proxy-Authenticate", "Basic"), ("Trailer", "x"), ("X-Hint", "2")])
    client, _, _ = saying(t, hint)
    answer = client.get()
    t.equal(hints(answer), [(103, [("X-Hint", "2")])], "hint")


def test_pipelined(t):
    """hints stand before the answers they belong to"""
    client, _, _ = saying(t, HINT)
    client.send(client.head("GET", "/1") * 3)
    for _ in range(3):
        answer = client.response()
        t.equal((answer.body, hints(answer)), (b"hello", [WANT]), "answer")


def test_beside_100(t):
    """a client that waits for 100 Continue gets the hint, then 100, then another hint"""
    def script(c):
        request = c.request_head()
        c.send(HINT + b"HTTP/1.1 100 Continue\r\n\r\n")
        c.body(request)
        c.send(HINT)
        c.respond(200)
        c.stall()
    client = t.client(t.outrider(PASS, origin=t.origin(script)))
    client.send(client.head("POST", "/", [("Content-Length", "1"), ("Expect", "100-continue")]))
    t.contains(client.until(b"\r\n\r\n", 1000, "the hint"), b"103", "what comes first")
    t.contains(client.until(b"\r\n\r\n", 1000, "the invitation"), b"100 Continue", "what comes then")
    client.send(b"x")
    answer = client.response()
    t.equal((answer.status, hints(answer)), (200, [WANT]), "answer")


def test_before_a_failure(t):
    """a hint, and then no answer: 502"""
    def script(c):
        c.request()
        c.send(HINT)
        c.reset()
    client = t.client(t.outrider(PASS, origin=t.origin(script)))
    answer = client.ask("POST", "/", body=b"b")
    t.equal(answer.status, 502, "status")
    t.at_most(len(answer.interim), 1, "hints")


def test_flood(t):
    """18: a flood of interim answers is 502, and the connection ends"""
    def script(c):
        c.request()
        c.send(HINT * 100)
        c.stall()
    for config in (PLAIN, PASS):
        origin = t.origin(script)
        client = t.client(t.outrider(config, origin=origin))
        answer = client.ask("POST", "/", body=b"b")
        problem(t, answer, 502, "upstream-protocol", "http_protocol_error")
        t.at_most(len(answer.interim), 17, "hints at the client: the most there may be, and the one too many")
        origin.wait_idle()


def test_client_that_does_not_read(t):
    """to a client that does not read hints are left out, and its answers come whole"""
    big = head("HTTP/1.1 103 Early Hints", [("X-Hint", "h" * 7000)])

    def script(c):
        for _ in c.requests():
            c.send(big * 15)
            c.respond(200, body=b"a" * 100000)
    origin = t.origin(script)
    client = t.client(t.outrider(PASS, origin=origin), receive_buffer=4096)
    client.send(client.head("GET", "/") * 40)
    t.wait_until(lambda: len(origin.requests) > 5, "requests at the target")
    answers = [client.response() for _ in range(40)]
    t.equal({len(a.body) for a in answers}, {100000}, "lengths of the answers")
    t.true(any(a.interim for a in answers), "there were hints")
    t.equal({h for a in answers for h in map(len, (i.get("x-hint") for i in a.interim))}, {7000}, "lengths of the hints")


main()
