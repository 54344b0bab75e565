#!/usr/bin/env python3
# tests/flow/get.py - a GET reaches the target, and its answer comes back.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_get(t):
    """a GET reaches the target and the answer comes back as it was said"""
    origin = t.origin().answer("/a/b", b"alpha", headers=[("Content-Type", "text/x"), ("X-Two", "1"), ("X-Two", "2"),
                                                          ("ETag", '"e"')])
    answer = t.get(t.outrider(PLAIN, origin=origin), "/a/b?q=1&r=%2f", headers=[("X-Mine", "m n"), ("Accept", "*/*")])
    t.equal((answer.status, answer.minor, answer.body), (200, 1, b"alpha"), "answer")
    t.equal(answer.framing, "length", "framing")
    t.equal(answer.get("content-type"), "text/x", "Content-Type")
    t.equal(answer.all("x-two"), ["1", "2"], "a field that stands twice, in order")
    t.equal(answer.get("etag"), '"e"', "ETag")
    request = origin.last
    t.equal((request.method, request.target, request.minor), ("GET", "/a/b?q=1&r=%2f", 1), "request line")
    t.equal((request.get("host"), request.get("x-mine"), request.get("accept")), ("t.example", "m n", "*/*"),
            "fields")
    t.equal(request.framing, "none", "no body is announced")


def test_empty_body(t):
    """an answer without a body keeps its Content-Length: 0"""
    origin = t.origin().answer("/e", b"")
    answer = t.get(t.outrider(PLAIN, origin=origin), "/e")
    t.equal((answer.status, answer.get("content-length"), answer.body), (200, "0", b""), "answer")


def test_statuses(t):
    """every kind of status is passed on"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    for status in (200, 201, 202, 206, 301, 302, 400, 401, 403, 404, 418, 422, 429, 451, 500, 501, 502, 503, 504,
                   599):
        origin.answer(f"/{status}", f"said {status}".encode(), status=status)
        answer = client.get(f"/{status}")
        t.equal((answer.status, answer.body), (status, f"said {status}".encode()), "answer")
        t.equal(answer.get("proxy-status"), None, "Proxy-Status on a target's answer")


def test_methods(t):
    """methods are passed on, also unknown ones"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "BREW", "get"]
    for method in methods:
        t.equal(client.ask(method, "/m").status, 200, method)
    t.equal([r.method for r in origin.requests], methods, "methods at the target")


main()
