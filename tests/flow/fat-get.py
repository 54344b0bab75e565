#!/usr/bin/env python3
# tests/flow/fat-get.py - 17: a GET with a body: framed anew, and nothing of it is left for the next request.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

METHODS = ("GET", "HEAD", "DELETE", "OPTIONS")


def test_body_goes_with_its_request(t):
    """17: the body of a GET reaches the target with it, counted or chunked, and never as a request"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for method in METHODS:
        for body in (strict.SMUGGLED, [strict.SMUGGLED, b"more"]):
            t.equal(client.ask(method, "/fat", body=body).status, 200, f"status of {method}")
            want = body if isinstance(body, bytes) else b"".join(body)
            t.equal((origin.last.method, origin.last.target, origin.last.body), (method, "/fat", want), "request at the target")
            t.equal(client.get("/lean").status, 200, f"status of the next one after {method}")
            t.equal((origin.last.target, origin.last.framing, origin.last.body), ("/lean", "none", b""), "the next one at the target")


def test_unkeyed(t):
    """17: fields that no cache has in its key are not taken from a client that may not send them"""
    needs_seam(t, "it takes no untrusted peers")
    origin = t.origin()
    config = 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\n' + PLAIN
    outrider = t.outrider(config, origin=origin)
    t.get(outrider, headers=[("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "evil"), ("X-Forwarded-Port", "666"),
                             ("Forwarded", "host=evil.example"), ("X_Forwarded_Host", "evil.example"),
                             ("X-Forwarded-Prefix", "/evil")])
    t.lacks(origin.last.raw_head, b"evil", "head at the target")
    t.lacks(origin.last.raw_head, b"666", "head at the target")


main()
