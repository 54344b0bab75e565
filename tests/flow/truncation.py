#!/usr/bin/env python3
# tests/flow/truncation.py - a target that dies within its body: the client never sees a whole answer.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def cut(t, first, end, tail=b""):
    """Returns what the client saw: the cut message."""
    def script(c):
        c.request()
        c.send(first)
        t.wait_until(lambda: got, "the client to have read some of it")
        c.send(tail)
        end(c)
    got = []
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    client = t.client(outrider)
    client.request("GET", "/")
    error = t.raises((Truncated, Ended), lambda: client.response(sink=got.append), "a cut answer")
    entry = outrider.access_log(1)[0]
    t.lacks(json.dumps(entry), '"complete"', "access log")
    return error, b"".join(got)


ENDS = (("closes", lambda c: c.close()), ("resets", lambda c: c.reset()))


def test_counted(t):
    """a counted answer that is cut ends with its connection"""
    for what, end in ENDS:
        _, got = cut(t, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", end)
        t.equal(got, b"half", f"what came when the target {what}")


def test_chunked(t):
    """a chunked answer that is cut ends without its last chunk"""
    for what, end in ENDS:
        for tail in (b"", b"4", b"4\r\nha", b"4\r\nhalf", b"0\r\n"):
            _, got = cut(t, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", end, tail)
            t.true(got.startswith(b"half"), f"what came when the target {what} after {tail!r}: {got!r}")


def test_reset_to_the_end(t):
    """an answer that ends with its connection is cut when that is reset"""
    error, got = cut(t, b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhalf", lambda c: c.reset())
    t.equal(got, b"half", "what came")


def test_old_client(t):
    """an HTTP/1.0 client can tell a cut answer too"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        c.close()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    t.raises((Truncated, Ended), client.response, "a cut answer")


def test_not_used_again(t):
    """after a cut answer the next client gets its own answer"""
    def script(c):
        for request in c.requests():
            if request.target == "/cut":
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                return
            c.respond(body=b"whole")
    outrider = t.outrider("workers: 1\n" + PLAIN, origin=t.origin(script))
    t.equal(t.get(outrider, "/").body, b"whole", "before")
    t.raises((Truncated, Ended), lambda: t.get(outrider, "/cut"), "a cut answer")
    t.equal(t.get(outrider, "/").body, b"whole", "after")


main()
