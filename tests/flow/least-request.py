#!/usr/bin/env python3
# tests/flow/least-request.py - balancer: least_request asks the target with the fewest requests in flight.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
workers: 2
services: [ { name: web, targets: [ @a@, @b@, @c@ ], balancer: least_request } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def test_least(t):
    """targets with a request in flight are left alone while another has none, over all workers"""
    def park(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"parked")
    released = []
    origins = {name: t.origin(name=name).on("/park", park) for name in "abc"}
    outrider = t.outrider(CONFIG, **origins)
    parked = []
    for i in range(6):
        parked.append(t.client(outrider))
        parked[-1].request("GET", "/park")
        t.wait_until(lambda: sum(len(o.requests) for o in origins.values()) == i + 1, "the request at a target")
        if i in (2, 5):
            t.equal({len(o.requests) for o in origins.values()}, {(i + 1) // 3},
                    f"requests at each target after {i + 1}")
    released.append(True)
    for client in parked:
        t.equal(client.response().body, b"parked", "answer")


def test_spread(t):
    """when all are equal no target is left out"""
    origins = {name: t.origin(name=name) for name in "abc"}
    client = t.client(t.outrider(CONFIG, **origins))
    got = {client.get().text() for _ in range(60)}
    t.equal(got, {"a", "b", "c"}, "targets asked")


main()
