#!/usr/bin/env python3
# tests/flow/hop-by-hop.py - fields of one connection go no further.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_request(t):
    """hop-by-hop fields of a request, and those that Connection names, are not passed on"""
    origin = t.origin()
    hop = [("Connection", "keep-alive, X-Mine, x-other"), ("Keep-Alive", "timeout=5"), ("X-Mine", "1"),
           ("X-Other", "2"),
           ("Proxy-Connection", "keep-alive"), ("Proxy-Authorization", "Basic eA=="), ("TE", "trailers, gzip"),
           ("X-End-To-End", "3")]
    t.get(t.outrider(PLAIN, origin=origin), headers=hop)
    request = origin.last
    for name in ("keep-alive", "x-mine", "x-other", "proxy-connection", "proxy-authorization"):
        t.lacks(request.names(), name, "fields at the target")
    t.equal(request.get("x-end-to-end"), "3", "an end-to-end field")
    t.true(all("gzip" not in v for v in request.all("te")), f"TE: {request.all('te')}")
    t.true(all("mine" not in v.lower() for v in request.all("connection")),
           f"Connection: {request.all('connection')}")


def test_answer(t):
    """hop-by-hop fields of an answer, and those that Connection names, are not passed on"""
    origin = t.origin().answer("/", b"body", headers=[
        ("Connection", "keep-alive, X-Mine"), ("Keep-Alive", "timeout=5"), ("X-Mine", "1"),
        ("Proxy-Connection", "close"),
        ("Proxy-Authenticate", "Basic"), ("X-End-To-End", "3"), ("Upgrade", "h2c")])
    answer = t.get(t.outrider(PLAIN, origin=origin))
    for name in ("x-mine", "proxy-connection", "proxy-authenticate", "upgrade"):
        t.lacks(answer.names(), name, "fields at the client")
    t.true(all("timeout=5" not in v for v in answer.all("keep-alive")), f"Keep-Alive: {answer.all('keep-alive')}")
    t.equal((answer.body, answer.get("x-end-to-end")), (b"body", "3"), "answer")


def test_connection_cannot_strip(t):
    """9: Connection cannot take away what the sidecar sets or the target needs"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    names = ["Authorization", "X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "Cookie"]
    answer = client.ask("POST", "/", body=b"body",
                        headers=[("Connection", ", ".join(names)), ("Authorization", "Bearer t"), ("Cookie", "c=1")])
    t.equal(answer.status, 200, "status")
    request = origin.last
    for name in names:
        t.contains(request.names(), name.lower(), "fields at the target")
    t.equal((request.body, request.get("authorization"), request.get("cookie")), (b"body", "Bearer t", "c=1"),
            "request")


def test_connection_names_framing(t):
    """9: Connection that names Host or the framing is refused, or changes nothing"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for name in ("Host", "Content-Length", "Transfer-Encoding"):
        seen = len(origin.requests)
        answer = t.ask(outrider, "POST", "/", body=b"body", headers=[("Connection", name)])
        if answer.status != 400:
            t.equal((answer.status, origin.last.body, origin.last.get("host")), (200, b"body", "t.example"),
                    f"naming {name}")
        else:
            t.equal(len(origin.requests), seen, "requests at the target")


def test_end_to_end(t):
    """fields nobody knows pass unchanged, in both directions"""
    fields = [("X-Custom", "a, b"), ("x-lower", "c"), ("X-Empty", ""), ("Cookie", "a=b; c=d"),
              ("Accept-Encoding", "gzip, br"),
              ("Range", "bytes=0-3"), ("If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"),
              ("Accept", "text/html;q=0.8"),
              ("User-Agent", "ua/1.0 (x; y)"), ("Referer", "http://r.example/"), ("X-Latin", "caf\xe9")]
    back = [("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "c=d"), ("Cache-Control", "max-age=1"), ("Vary", "Accept"),
            ("Server", "origin/1"), ("Date", "Sat, 01 Jan 2000 00:00:00 GMT"), ("Location", "/x"),
            ("X-Latin", "caf\xe9")]
    origin = t.origin().answer("/", b"body", headers=back)
    answer = t.get(t.outrider(PLAIN, origin=origin), headers=fields)
    for name, value in fields:
        t.equal(origin.last.all(name), [value], f"{name} at the target")
    for name in {name for name, _ in back}:
        t.equal(answer.all(name), [v for n, v in back if n == name], f"{name} at the client")


main()
