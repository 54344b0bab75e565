#!/usr/bin/env python3
# tests/flow/injection.py - 24: what a client says in a target, a host or an id breaks no field, no line, no document.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes:
  - { name: only, match: { paths: ["/only/**"] }, service: web }
"""
BROKEN = ("%0d%0aX-Injected:%20y", "%0aX-Injected:y", "%0dX-Injected:y", "%00", "%1b[31m", "%E5%98%8A%E5%98%8DX-Injected:y",
          "%C4%8D%C4%8AX-Injected:y")
ODD = ('";alert(1);"', "'--", "{{7*7}}", "${jndi:ldap://x}", "$(id)", "`id`", "a|b", "[x]", "%22%5B%7D", "%u000dX", "\u00e9")


def plain_lines(t, outrider, n):
    """n lines of strict JSON and nothing else, in printable characters."""
    entries = outrider.access_log(n)
    t.equal(len(entries), n, "lines of the access log")
    t.true(all(0x20 <= byte != 0x7f or byte == 0x0a for byte in outrider.read("stdout")), "no control in the access log")
    t.lacks(outrider.stderr(), "X-Injected", "the log")
    return entries


def check(t, answer):
    t.lacks(answer.names(), "x-injected", "fields of the answer")
    t.lacks(answer.raw_head, b"\x1b", "head of the answer")
    if answer.get("content-type") == "application/problem+json":
        json.loads(answer.body)


def test_targets(t):
    """24: encoded line ends and controls in a target reach neither fields nor logs as such"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    n = 0
    for where in ("/only/%s", "/none/%s", "/only/x?q=%s", "/none?%s"):
        for text in BROKEN:
            check(t, t.get(outrider, where % text))
            n += 1
    plain_lines(t, outrider, n)
    for request in origin.requests:
        t.lacks(request.names(), "x-injected", "fields at the target")
        t.lacks(request.target, "\n", "target at the target")


def test_odd_text(t):
    """24: text that means something to shells, templates and browsers is text"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    client = t.client(outrider)
    for text in ODD:
        value = text.encode()
        client.send(b"GET /none/x HTTP/1.1\r\nHost: t.example\r\nUser-Agent: " + value + b"\r\nReferer: " + value +
                    b"\r\nX-Request-ID: " + value + b"\r\n\r\n")
        answer = client.response()
        t.equal(answer.status, 404, "status")
        check(t, answer)
        t.lacks(answer.body, value, f"the document of an error, after {text!r}")
    for entry, text in zip(plain_lines(t, outrider, len(ODD)), ODD):
        t.equal((entry["user_agent"], entry["referer"]), (text, text), "what the log says")


def test_ids(t):
    """24: an id that a client made up is passed on as one field, or replaced"""
    origin = t.origin()
    config = 'policies: [ { request-id: {} } ]\n' + PLAIN
    outrider = t.outrider(config, origin=origin)
    for value in (b"a b", b"a,b", b"a;b", b'"a"', b"x" * 3000, b"\xff\xfe", b"a\tb", b"<a>", b"", b"{}"):
        client = t.client(outrider)
        client.send(b"GET / HTTP/1.1\r\nHost: t.example\r\nX-Request-ID: " + value + b"\r\n\r\n")
        answer = client.response()
        t.equal(answer.status, 200, f"status with {value[:20]!r}")
        t.equal(len(origin.last.all("x-request-id")), 1, "ids at the target")
        t.equal(len(answer.all("x-request-id")) <= 1, True, "ids at the client")
        client.close()
    plain_lines(t, outrider, 10)


main()
