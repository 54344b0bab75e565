#!/usr/bin/env python3
# tests/flow/early-answer.py - a target that answers while the request is still being sent.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def early(t, framing, parts, then):
    """The target answers after the head; the client goes on sending."""
    def script(c):
        c.request_head()
        c.respond(413, body=b"too much", headers=[("Connection", "close")])
        then(c)
    origin = t.origin(script)
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    client.send(client.head("POST", "/up", [framing]))
    origin.wait_requests(1)
    try:
        for part in parts:
            client.send(part)
    except Ended:                               # refused: the answer may still be there to be read
        pass
    answer = client.response("POST")
    t.equal((answer.status, answer.body), (413, b"too much"), "answer")
    return client, outrider


def drain(c):
    c.ending("until the sidecar goes")


def test_small_counted(t):
    """a small counted body: the target's answer is relayed, not an error"""
    early(t, ("Content-Length", "1000"), [b"x" * 100] * 10, drain)


def test_small_chunked(t):
    """a small chunked body: the target's answer is relayed, not an error"""
    early(t, ("Transfer-Encoding", "chunked"), [chunk(b"x" * 100)] * 10 + [b"0\r\n\r\n"], drain)


def test_target_closes(t):
    """the target closes right after its early answer, and the answer still comes"""
    early(t, ("Content-Length", "300000"), [b"x" * 30000] * 10, lambda c: c.half_close() or drain(c))


def test_large(t):
    """a large body: the client gets the answer, or the end of the connection, and never anything else"""
    size = 8 << 20
    try:
        early(t, ("Content-Length", size), [bytes(65536)] * (size // 65536), drain)
    except Ended as end:
        t.equal(end.partial, b"", "bytes before the end")


def test_sidecar_goes_on(t):
    """after early answers other requests are served, and nothing leaks"""
    def script(c):
        while c.buffer or c.more():
            if c.request_head().method == "POST":
                c.respond(400, body=b"no", headers=[("Connection", "close")])
                drain(c)
                return
            c.respond(body=b"yes")
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    for _ in range(20):
        t.equal(t.ask(outrider, "POST", "/", body=b"x" * 50000).status, 400, "status of POST")
        t.equal(t.get(outrider).body, b"yes", "answer of GET")


main()
