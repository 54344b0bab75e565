#!/usr/bin/env python3
# tests/flow/refuse-host.py - 8: Host that is missing, doubled or not a host.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_missing(t):
    """8: HTTP/1.1 without Host is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {"none": strict.get(host=None),
                       "none, absolute form": strict.get(line=b"GET http://t.example/bad HTTP/1.1", host=None)},
                       (400,))


def test_twice(t):
    """8: two Hosts are 400, also when they are the same"""
    strict.refused(t, {"equal": strict.get(b"Host: t.example"), "different": strict.get(b"Host: evil.example"),
                       "other case": strict.get(b"hOST: t.example"),
                       "one empty": strict.get(b"Host:"),
                       "absolute form": strict.get(b"Host: t.example", line=b"GET http://t.example/bad HTTP/1.1")},
                       (400,))


def test_values(t):
    """8: Hosts that are no host and port are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    values = [b"", b"a b", b"a,b", b"user@t.example", b"user:pw@t.example", b"t.example/path", b"t.example?q",
              b"t.example#f", b"t.example:x",
              b"t.example:99999", b"t.example:-1", b"t.example:80:80", b"[::1", b"::1]", b"t.exa\0mple",
              b"t.ex\\ample", b"http://t.example", b"<x>", b'"t"',
              b"t.example, evil.example"]
    strict.refused(t, {f"Host {value!r}": strict.get(host=b"Host: " + value) for value in values}, (400,))


def test_good(t):
    """8: names, addresses and ports are served"""
    origin = strict.accepted(t, {f"Host {value!r}": strict.get(host=b"Host: " + value) for value in
                                 (b"t.example", b"T.EXAMPLE", b"t.example:8080", b"127.0.0.1", b"127.0.0.1:80",
                                  b"[::1]", b"[::1]:8080", b"a-b_c.example",
                                  b"localhost")})
    t.equal({len(r.all("host")) for r in origin.requests}, {1}, "Host fields at the target")


def test_absolute_form_wins(t):
    """8: the authority of an absolute-form target replaces Host"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"GET http://real.example:81/x HTTP/1.1\r\nHost: other.example\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    t.equal((origin.last.target, origin.last.all("host")), ("/x", ["real.example:81"]), "request at the target")


main()
