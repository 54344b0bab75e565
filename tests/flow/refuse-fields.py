#!/usr/bin/env python3
# tests/flow/refuse-fields.py - 4: field lines and request lines that are not what they seem.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_folding(t):
    """4: folded lines are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {
        "space": strict.get(b"X-A: a\r\n b"), "tab": strict.get(b"X-A: a\r\n\tb"),
        "folded name": strict.get(b"X-: admin\r\n User"),
        "empty fold": strict.get(b"X-A: a\r\n "),
        "before the first field": b"GET /bad HTTP/1.1\r\n Host: t.example\r\n\r\n",
        "of Host": strict.get(host=b"Host:\r\n t.example")}, (400,))


def test_names(t):
    """4: names that are no tokens are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    names = [b"", b" X", b"X ", b"X\t", b"X Y", b"X(Y", b"X,Y", b"X/Y", b"X;Y", b"X=Y", b"X@Y", b"X[Y", b"X{Y",
             b'X"Y', b"X\\Y", b"X\0Y",
             b"X\x01", b"X\x7f", b"caf\xc3\xa9", b"\xffX"]
    cases = {f"name {name!r}": strict.get(name + b": v") for name in names}
    cases["no colon"] = strict.get(b"nothing")
    strict.refused(t, cases, (400,))


def test_values(t):
    """4: NUL, CR, LF and controls in values are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {f"value with {byte!r}": strict.get(b"X-A: a" + byte + b"b")
                       for byte in (b"\0", b"\r", b"\n", b"\x01", b"\x08", b"\x0b", b"\x0c", b"\x1b", b"\x7f")},
                       (400,))


def test_line_ends(t):
    """4: lines that end otherwise than in CR LF are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {
        "LF everywhere": b"GET /bad HTTP/1.1\nHost: t.example\n\n",
        "LF after the request line": b"GET /bad HTTP/1.1\nHost: t.example\r\n\r\n",
        "LF after a field": b"GET /bad HTTP/1.1\r\nHost: t.example\nX-A: b\r\n\r\n",
        "LF at the end": b"GET /bad HTTP/1.1\r\nHost: t.example\r\n\n",
        "CR CR LF": b"GET /bad HTTP/1.1\r\nHost: t.example\r\r\n\r\n",
        "CR alone": b"GET /bad HTTP/1.1\rHost: t.example\r\r"}, (400,))


def test_request_lines(t):
    """4: request lines that are not exactly method, target and version are refused"""
    needs_seam(t, "what its library hides cannot be refused")
    lines = [b"GET  /bad HTTP/1.1", b"GET /bad  HTTP/1.1", b"GET /bad HTTP/1.1 ", b" GET /bad HTTP/1.1",
             b"GET\t/bad\tHTTP/1.1", b"GET /bad",
             b"GET", b"GET /b ad HTTP/1.1", b"GET /b\0ad HTTP/1.1", b"GET /b\tad HTTP/1.1", b"GET /b\x7fad HTTP/1.1",
             b"G(T /bad HTTP/1.1",
             b"GET bad HTTP/1.1", b"GET ?bad HTTP/1.1", b"GET ../bad HTTP/1.1", b"GET /bad HTTP/1.1x",
             b"GET /bad http/1.1", b"GET /bad HTTP/1.",
             b"GET /bad HTTP/11", b"GET /bad HTTP /1.1", b"GET /bad#f HTTP/1.1", b"GET /bad XTTP/1.1",
             b"\xffET /bad HTTP/1.1",
             b"GET http:///bad HTTP/1.1", b"GET http://a@t.example/bad HTTP/1.1"]
    strict.refused(t, {f"line {line!r}": strict.get(line=line) for line in lines}, (400, 501, 505))


def test_versions(t):
    """4: versions other than 1.0 and 1.1 are 400 or 505"""
    strict.refused(t, {version.decode(): strict.get(line=b"GET /bad " + version)
                       for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/9.9", b"HTTP/1.10", b"HTTP/01.1",
                                       b"HTTP/1.1.1", b"HTTP/-1.1")},
                   (400, 505))


def test_long_methods(t):
    """4: a method longer than any is 400 or 501"""
    strict.refused(t, {"200 letters": strict.get(line=b"X" * 200 + b" /bad HTTP/1.1")}, (400, 501))


def test_good(t):
    """4: odd but right fields are served"""
    strict.accepted(t, {
        "an empty value": strict.get(b"X-A:"), "tabs around a value": strict.get(b"X-A: \t a\tb \t"),
        "high bytes": strict.get(b"X-A: caf\xc3\xa9"),
        "every token character": strict.get(b"!#$%&'*+-.^_`|~09azAZ: v"),
        "an empty line before": b"\r\n" + strict.get()})


main()
