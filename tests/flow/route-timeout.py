#!/usr/bin/env python3
# tests/flow/route-timeout.py - a route's own time limit.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services:
  - { name: web, targets: [ @origin@ ], retry: { max_retries: 0 } }
routes:
  - { match: { paths: ["/fast/**"] }, service: web, timeout: 300ms }
  - { match: { paths: ["/object"] }, service: web, timeout: { response: 300ms } }
  - { match: { paths: ["/slow/**"] }, service: web }
"""


def test_total(t):
    """a route's timeout ends the request with 504; another route of the service waits"""
    def late(c, request):
        t.wait_until(lambda: released, "the fast request to have timed out")
        c.respond(body=b"late")
    released = []
    origin = t.origin().on("/slow/x", late).on("/fast/x", lambda c, request: c.stall() and "close") \
        .on("/object", lambda c, request: c.stall() and "close")
    outrider = t.outrider(CONFIG, origin=origin)
    slow = t.client(outrider)
    slow.request("GET", "/slow/x")
    origin.wait_requests(1)
    fast = t.client(outrider)
    for target in ("/fast/x", "/object"):
        began = time.monotonic()
        problem(t, fast.get(target), 504, "upstream-timeout", "http_response_timeout")
        t.at_least(time.monotonic() - began, 0.29, f"seconds until the 504 of {target}")
    released.append(True)
    t.equal(slow.response().body, b"late", "the slow route's answer")
    t.equal(fast.get("/fast/y").body, b"hello", "the next request on the same connection")


def test_body_not_cut(t):
    """the time limit ends with the head of the answer: a long body is not cut"""
    def long_body(c, request):
        c.send(head("HTTP/1.1 200 OK", [("Content-Length", "6")]))
        for i in range(6):
            began = time.monotonic()
            t.wait_until(lambda: time.monotonic() - began > 0.1, "a tenth of a second")
            c.send(b"%d" % i)
    origin = t.origin().on("/fast/long", long_body)
    t.equal(t.get(t.outrider(CONFIG, origin=origin), "/fast/long").body, b"012345", "body")


def test_upload_not_counted(t):
    """the time in which the client is still sending its body does not count"""
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin))
    client.send(client.head("POST", "/fast/up", [("Content-Length", "6")]))
    for i in range(6):
        began = time.monotonic()
        t.wait_until(lambda: time.monotonic() - began > 0.1, "a tenth of a second")
        client.send(b"%d" % i)
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.body, b"012345", "body")


main()
