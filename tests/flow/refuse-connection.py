#!/usr/bin/env python3
# tests/flow/refuse-connection.py - 9: a Connection that would take framing or routing away, in every way it can arrive.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

NAMES = (b"Host", b"host", b"Content-Length", b"content-length")


def test_named(t):
    """9: Host and the framing cannot be named, alone, in a list, in a second field, in quotes' shadow"""
    cases = {}
    for name in NAMES:
        for value in (b"%s", b"close, %s", b"%s, close", b",,%s,,", b"keep-alive ,\t%s", b'"x", %s', b"x,%s"):
            line = b"Connection: " + value % name
            cases[f"{line!r}, counted"] = strict.post(line, b"Content-Length: 5", body=b"hello")
        cases[f"{name!r} in a second field"] = strict.post(b"Connection: keep-alive", b"Connection: " + name,
                                                           b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")
        cases[f"{name!r} behind the framing"] = strict.post(b"Content-Length: 5", b"Connection: " + name, body=b"hello")
    strict.refused(t, cases, (400,))


def test_coding_named(t):
    """9: a client may name Transfer-Encoding, which is the connection's own; the body stays framed by it"""
    cases = {}
    for name in (b"Transfer-Encoding", b"TRANSFER-ENCODING"):
        for value in (b"%s", b"close, %s", b",,%s,,", b"x,%s"):
            line = b"Connection: " + value % name
            cases[f"{line!r}"] = strict.post(line, b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n")
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for what, wire in cases.items():
        client = t.client(outrider)
        client.send(wire)
        t.equal(client.response().status, 200, f"{what}: status")
        t.equal((origin.last.body, origin.last.all("connection")), (b"hello", []), f"{what}: at the target")


main()
