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


def left(message, fields):
    """Which of these fields stand in a message."""
    return [name for name in fields if name.lower() in message.names()]


def test_spellings(t):
    """9: case does not matter where Connection names a field; another mark in place of a hyphen is another field"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    fields = ["X-Mine", "X_Mine", "x-other", "X-MORE", "X.Mine", "Pragma"]
    for named, want in (
            (["x-MINE"], ["X_Mine", "x-other", "X-MORE", "X.Mine", "Pragma"]),
            (["x_mine"], ["X-Mine", "x-other", "X-MORE", "X.Mine", "Pragma"]),
            (["x-mine", "X-OTHER,x-more"], ["X_Mine", "X.Mine", "Pragma"]),
            ([",, x-mine ,,\tpragma,"], ["X_Mine", "x-other", "X-MORE", "X.Mine"]),
            (['"x-mine"', "x-mine;q=1", "x-mine x-other"], fields), ([""], fields),
            (["close, X-Other"], ["X-Mine", "X_Mine", "X-MORE", "X.Mine", "Pragma"])):
        headers = [("Connection", value) for value in named] + [(name, "1") for name in fields]
        t.equal(t.get(outrider, headers=headers).status, 200, f"status with {named}")
        t.equal(left(origin.requests[-1], fields), want, f"fields at the target, with {named}")


def test_answer_cannot_strip(t):
    """9: Connection of an answer cannot take away what the client needs or what protects it"""
    needed = [("Content-Type", "a/b"), ("Content-Encoding", "x"), ("Set-Cookie", "a=b"), ("Cache-Control", "no-store"),
              ("Vary", "*"), ("ETag", '"1"'), ("WWW-Authenticate", "Basic"), ("Strict-Transport-Security", "max-age=1"),
              ("Content-Security-Policy", "default-src 'none'"), ("X-Frame-Options", "DENY"),
              ("X-Content-Type-Options", "nosniff"), ("Access-Control-Allow-Origin", "https://a.example"),
              ("Date", "Sat, 01 Jan 2000 00:00:00 GMT"), ("Via", "1.1 inner")]
    names = ", ".join(name for name, _ in needed)
    origin = t.origin().answer("/", b"body", headers=[("Connection", names + ", content-length, X-Mine"), ("X-Mine", "1")] + needed)
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        answer = client.get()
        t.equal((answer.body, answer.length), (b"body", 4), "body")
        for name, value in needed:
            t.equal(answer.all(name), [value], f"{name} at the client")
        t.lacks(answer.names(), "x-mine", "fields at the client")


def test_without_connection(t):
    """what ends at this hop does so though Connection does not name it, in both directions"""
    fields = [("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"), ("TE", "trailers"), ("Upgrade", "h2c"),
              ("Trailer", "X-A"), ("HTTP2-Settings", "AAMAAABk"), ("Proxy", "http://evil.example/"),
              ("Proxy-Authorization", "Basic eA=="), ("Proxy-Authenticate", "Basic"), ("Proxy-Authentication-Info", "x")]
    names = [name for name, _ in fields]
    origin = t.origin().answer("/", b"body", headers=fields)
    answer = t.get(t.outrider(PLAIN, origin=origin), headers=fields + [(name.upper(), value) for name, value in fields])
    t.equal((answer.body, left(answer, names), left(origin.last, names)), (b"body", [], []), "what is left")


def test_proxy_connection(t):
    """Proxy-Connection says nothing about the client's connection, nor the target's"""
    origin = t.origin().answer("/", b"body", headers=[("Proxy-Connection", "close")])
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(3):
        t.equal(client.get("/", headers=[("Proxy-Connection", "close")]).body, b"body", "answer")
    t.equal(len(origin.connections), 1, "connections to the target")


main()
