#!/usr/bin/env python3
# tests/flow/nothing-after-refusal.py - 6: bytes after a refused request are never parsed as a request.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

REFUSED = {
    "a broken head": b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
    "no route": b"GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "too long a head": b"GET /a HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20000 + b"\r\n\r\n",
    "an unknown version": b"GET /a HTTP/4.0\r\nHost: a\r\n\r\n",
    "two lengths": b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello"}
CONFIG = PLAIN.replace('"/**"', '"/a/**", "/a", "/smuggled"')


def test_following(t):
    """6: whatever follows a refused request, at once or later, is not a request"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    for what, wire in REFUSED.items():
        for later in (False, True):
            client = t.client(outrider)
            strict.deliver(client, wire if later else wire + strict.SMUGGLED * 3, False)
            answer = client.response()
            t.at_least(answer.status, 400, f"status of {what}")
            if later:
                strict.deliver(client, strict.SMUGGLED, False)
            how, rest = client.ending(f"the end after {what}")
            t.equal(rest, b"", f"bytes after the refusal of {what} ({how})")
    t.equal([r.target for r in origin.requests if r.target == "/smuggled"], [], "requests that nobody sent")


def test_body_of_a_refused_request(t):
    """6: the body of a refused request is not taken for a request"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    body = strict.SMUGGLED
    for refused_head in (b"POST /none HTTP/1.1\r\nHost: a\r\n", b"POST /%00 HTTP/1.1\r\nHost: a\r\n",
                         b"POST /a HTTP/1.1\r\nHost: a\r\nX : y\r\n"):
        for whole in (refused_head + b"Content-Length: %d\r\n\r\n" % len(body) + body,
                      refused_head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body)):
            for bytewise in (False, True):
                client = t.client(outrider)
                strict.deliver(client, whole, bytewise)
                t.at_least(client.response("POST").status, 400, "status")
                client.close()
    t.equal(origin.requests, [], "requests at the target")


def test_targets_own_refusal(t):
    """6: the body of a request that the target refuses early is not taken for a request"""
    def refusing(c):
        request = c.request_head()
        c.respond(403, body=b"no", headers=[("Connection", "close")])
        targets.append(request.target)
        c.stall()
    targets = []
    outrider = t.outrider(PLAIN, origin=t.origin(refusing))
    for _ in range(10):
        client = t.client(outrider)
        client.send(client.head("POST", "/a", [("Content-Length", len(strict.SMUGGLED) * 100)]) + strict.SMUGGLED)
        t.wait_until(lambda: targets, "the request at the target")
        strict.deliver(client, strict.SMUGGLED * 99, False)
        try:
            t.equal(client.response("POST").status, 403, "status")
        except Ended:
            pass
    t.equal(set(targets), {"/a"}, "targets seen")


main()
