#!/usr/bin/env python3
# tests/flow/large-headers.py - heads up to their limits.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_request_field(t):
    """a field of 7000 bytes passes within the default limit of 8 KiB"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for size in (100, 1000, 4000, 7000):
        t.equal(client.get("/", headers=[("X-Big", "v" * size)]).status, 200, f"status at {size}")
        t.equal(origin.requests[-1].get("x-big"), "v" * size, f"field of {size}")


def test_many_request_fields(t):
    """a hundred fields pass in their order"""
    fields = [(f"X-Field-{i:03}", f"value {i}") for i in range(100)]
    origin = t.origin()
    t.equal(t.get(t.outrider(PLAIN, origin=origin), headers=fields).status, 200, "status")
    t.equal([f for f in origin.last.fields if f[0].startswith("X-Field-")], fields, "fields")


def test_target(t):
    """a request target of 6000 bytes passes"""
    origin = t.origin()
    target = "/" + "p" * 3000 + "?" + "q" * 3000
    t.equal(t.get(t.outrider(PLAIN, origin=origin), target).status, 200, "status")
    t.equal(origin.last.target, target, "target")


def test_answer_field(t):
    """a field of 7000 bytes in an answer passes within the default limit of 8 KiB"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for size in (100, 1000, 4000, 7000):
        origin.answer("/", b"body", headers=[("X-Big", "v" * size)])
        answer = client.get()
        t.equal((answer.status, answer.body), (200, b"body"), f"answer at {size}")
        t.equal(answer.get("x-big"), "v" * size, f"field of {size}")


def test_many_answer_fields(t):
    """a hundred fields of an answer pass in their order"""
    fields = [(f"X-Field-{i:03}", f"value {i}") for i in range(100)]
    answer = t.get(t.outrider(PLAIN, origin=t.origin().answer("/", b"body", headers=fields)))
    t.equal([f for f in answer.fields if f[0].startswith("X-Field-")], fields, "fields")


def test_raised_limits(t):
    """raised limits hold for requests and answers"""
    config = """
listeners: [ { name: main, address: "@main@", max_header_size: 32KiB } ]
services: [ { name: web, targets: [ @origin@ ], max_response_header_size: 32KiB } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    origin = t.origin().answer("/", b"body", headers=[("X-Big", "a" * 30000)])
    answer = t.get(t.outrider(config, origin=origin), headers=[("X-Big", "r" * 30000)])
    t.equal((answer.status, answer.body, answer.get("x-big")), (200, b"body", "a" * 30000), "answer")
    t.equal(origin.last.get("x-big"), "r" * 30000, "field at the target")


def test_lowered_limit(t):
    """a lowered limit refuses what is above it and nothing else"""
    config = """
listeners: [ { name: main, address: "@main@", max_header_size: 1KiB } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    origin = t.origin()
    outrider = t.outrider(config, origin=origin)
    t.equal(t.get(outrider, headers=[("X-Big", "v" * 900)]).status, 200, "below the limit")
    t.equal(t.get(outrider, headers=[("X-Big", "v" * 1100)]).status, 431, "above the limit")
    t.equal(len(origin.requests), 1, "requests at the target")


ODD_COOKIES = {
    "a quote": b'c="', "an open quote": b'a="b; c=d', "1500 pairs": b"a=b" + b";c=d" * 1500, "empty": b"", "no pairs": b";;,;",
    "5000 bytes": b"a=" + b"b" * 5000, "tabs": b"a=\tb;\tc", "Latin-1": b"a=\xe4",
}


def test_cookies(t):
    """a Cookie of whatever shape arrives as it was sent, wherever its bytes are cut"""
    needs_seam(t, "the library parses the Cookie, and refuses what it does not like")
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    for what, value in ODD_COOKIES.items():
        head = b"GET / HTTP/1.1\r\nHost: a\r\nCOOKIE: " + value + b"\r\nCookieX: x\r\nX-Last: 1\r\n\r\n"
        name = head.index(b"COOKIE")
        for cut in (0, name + 1, name + 5, name + 6, name + 7, head.index(b"CookieX") + 6):
            if cut:
                client.send(head[:cut])
                arrival.wait_read(outrider, client.sock)
            client.send(head[cut:])
            t.equal(client.response().status, 200, f"{what}, cut at {cut}: status")
            t.equal([origin.last.get(n) for n in ("cookie", "cookiex", "x-last")],
                    [value.decode("latin-1"), "x", "1"], f"{what}, cut at {cut}: fields")


def test_cookies_in_a_row(t):
    """many Cookie fields, and pipelined requests with them, arrive as they were sent"""
    needs_seam(t, "the library parses the Cookie")
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    one = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"Cookie: c%d=1\r\n" % i for i in range(9)) + b"\r\n"
    client.send(one * 3)
    for _ in range(3):
        t.equal(client.response().status, 200, "status")
    for request in origin.wait_requests(3):
        t.equal(request.all("cookie"), [f"c{i}=1" for i in range(9)], "Cookie fields")


main()
