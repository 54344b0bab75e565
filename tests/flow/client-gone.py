#!/usr/bin/env python3
# tests/flow/client-gone.py - a client that goes away takes its request to the target with it.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def gone(t, leave, send=None):
    """The target's connection ends when the client has left before the answer."""
    def script(c):
        c.request_head()
        waiting.append(True)
        ended.append(c.ending("until the sidecar goes")[0])
    waiting, ended = [], []
    origin = t.origin(script)
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    client.send(send(client) if send else client.head("GET", "/wait"))
    t.wait_until(lambda: waiting, "the request at the target")
    leave(client)
    t.wait_until(lambda: ended, "the target's connection to end")
    return outrider


def test_closes(t):
    """the client closes while it waits"""
    gone(t, lambda client: client.close())


def test_resets(t):
    """the client resets while it waits"""
    gone(t, lambda client: client.reset())


def test_log(t):
    """the access log says so"""
    outrider = gone(t, lambda client: client.close())
    entry = outrider.access_log(1)[0]
    t.contains(json.dumps(entry), "client-gone", "access log")


def test_during_upload(t):
    """the client goes in the middle of its body: the target never sees a whole request"""
    def script(c):
        request = c.request_head()
        try:
            c.body(request)
            whole.append(request)
        except Truncated:
            cut.append(True)
    whole, cut = [], []
    for framing, part in ((("Content-Length", "100"), b"x" * 50), (("Transfer-Encoding", "chunked"),
                                                                   chunk(b"x" * 50))):
        for leave in (lambda c: c.close(), lambda c: c.reset()):
            origin = t.origin(script)
            client = t.client(t.outrider(PLAIN, origin=origin))
            client.send(client.head("POST", "/", [framing]) + part)
            origin.wait_requests(1)
            leave(client)
            origin.wait_idle()
    t.equal((len(whole), len(cut)), (0, 4), "whole and cut requests")


def test_during_download(t):
    """the client goes in the middle of the answer: the target's connection ends"""
    def script(c):
        c.request()
        c.send(head("HTTP/1.1 200 OK", [("Content-Length", 1 << 40)]))
        try:
            while True:
                c.send(bytes(65536))
        except Ended:
            ended.append(True)
    ended = []
    origin = t.origin(script)
    for leave in (lambda c: c.close(), lambda c: c.reset()):
        client = t.client(t.outrider(PLAIN, origin=origin))
        client.request("GET", "/")
        client.response_head()
        leave(client)
    t.wait_until(lambda: len(ended) == 2, "the target's connections to end")


def test_half_close(t):
    """a client that has only ended its sending side is still there, and gets its answer"""
    def slow(c, request):
        began = time.monotonic()
        t.wait_until(lambda: time.monotonic() - began > 0.3, "a moment")
        c.respond(body=b"late")
    client = t.client(t.outrider(PLAIN, origin=t.origin().on("/late", slow)))
    client.send(client.head("GET", "/late"))
    client.half_close()
    answer = client.response()
    t.equal((answer.status, answer.body), (200, b"late"), "answer")
    t.true({interim.status for interim in answer.interim} <= {100}, "interim answers")
    client.expect_closed(t)


def test_while_parked_many(t):
    """a hundred clients that go leave nothing behind"""
    def script(c):
        c.request()
        c.stall()
    origin = t.origin(script)
    outrider = t.outrider(PLAIN, origin=origin)
    before = outrider.descriptors()
    clients = [t.client(outrider) for _ in range(100)]
    for client in clients:
        client.request("GET", "/")
    origin.wait_requests(100)
    for client in clients:
        client.close()
    origin.wait_idle()
    t.wait_until(lambda: outrider.descriptors() <= before + 2, f"descriptors to go back to {before}")


main()
