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


TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONTROLS = [byte for byte in range(256) if (byte < 0x20 and byte != 9) or byte == 0x7f]


def test_any_byte_in_a_name(t):
    """4: no byte that is not of a token stands in a name: first, within, last"""
    needs_seam(t, "what its library hides cannot be refused")
    cases = {}
    for byte in range(256):
        if byte not in TOKEN and byte != 0x3a:
            cases[f"{byte:02x} first"] = strict.get(b"%cX: v" % byte)
            cases[f"{byte:02x} within"] = strict.get(b"X%cY: v" % byte)
            cases[f"{byte:02x} last"] = strict.get(b"X%c: v" % byte)
    strict.refused(t, cases, (400,), step=strict.SWEEP)


def test_any_control_in_a_value(t):
    """4: no control stands in a value: first, within, last, far in, in one that the sidecar reads"""
    needs_seam(t, "what its library hides cannot be refused")
    cases = {}
    for byte in CONTROLS:
        cases[f"{byte:02x} first"] = strict.get(b"X: %cv" % byte)
        cases[f"{byte:02x} last"] = strict.get(b"X: v%c" % byte)
        cases[f"{byte:02x} far in"] = strict.get(b"X: " + b"v" * 37 + b"%cv" % byte)
        cases[f"{byte:02x} in Cookie"] = strict.get(b"Cookie: a=%cb" % byte)
        cases[f"{byte:02x} in Connection"] = strict.get(b"Connection: keep-alive%c" % byte)
    strict.refused(t, cases, (400,), step=strict.SWEEP)


def test_any_byte_in_a_method(t):
    """4: no byte that is not of a token stands in a method"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {f"{byte:02x}": strict.get(line=b"G%cT /bad HTTP/1.1" % byte)
                       for byte in range(256) if byte not in TOKEN}, (400, 501, 505), step=strict.SWEEP)


def test_any_byte_in_a_version(t):
    """4: each byte of the version is as it should be, or the request is refused"""
    needs_seam(t, "what its library hides cannot be refused")
    cases = {}
    for at in range(8):
        for byte in b"\0\t\n\r 019.,/:hHtTpPxX\x7f\x80\xff":
            version = bytearray(b"HTTP/1.1")
            version[at] = byte
            if bytes(version) not in (b"HTTP/1.1", b"HTTP/1.0"):
                cases[repr(bytes(version))] = strict.get(line=b"GET /bad " + bytes(version))
    strict.refused(t, cases, (400, 505))


def test_empty_lines(t):
    """4: more before a request than one empty line is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {repr(before): before + strict.get() for before in (
        b"\r\n\r\n", b"\r\n" * 50, b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n\n", b" ", b" \r\n", b"\t", b"\0", b"\xef\xbb\xbf",
        b"\x0b", b"\r\n ", b"a\r\n")}, (400,))


def test_versions(t):
    """4: versions other than 1.0 and 1.1 are 400 or 505"""
    strict.refused(t, {version.decode(): strict.get(line=b"GET /bad " + version)
                       for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/9.9", b"HTTP/1.10", b"HTTP/01.1",
                                       b"HTTP/1.1.1", b"HTTP/-1.1")},
                   (400, 505))


def test_no_version(t):
    """4: HTTP/0.9 is refused"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {repr(line): line for line in (
        b"GET /bad\r\n\r\n", b"GET /bad \r\n\r\n", b"GET /bad\r\nHost: t.example\r\n\r\n", b"GET /bad\n\n", b"POST /bad\r\n\r\n",
        b"GET\r\n\r\n", b"GET \r\n\r\n", b"/bad HTTP/1.1\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  HTTP/1.1\r\nHost: a\r\n\r\n")}, (400, 505))


def test_other_protocols(t):
    """4: what is no HTTP/1 at all is refused: HTTP/2, TLS, PROXY, SSH, SMTP, an answer"""
    needs_seam(t, "what its library hides cannot be refused")
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(range(1, 200))
    strict.refused(t, {
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
        "HTTP/2, cut": b"PRI * HTTP/2.0\r\n\r\n", "PRI with a path": strict.get(line=b"PRI /bad HTTP/1.1"),
        "TLS 1.2": hello, "TLS 1.0": b"\x16\x03\x01" + hello[3:], "SSL 2": b"\x80\x2e\x01\x03\x01" + bytes(40),
        "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
        "PROXY": b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + strict.get(), "PROXY UNKNOWN": b"PROXY UNKNOWN\r\n" + strict.get(),
        "PROXY 2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + strict.get(),
        "SSH": b"SSH-2.0-OpenSSH_9.2\r\n", "SMTP": b"EHLO a.example\r\n", "SOCKS 4": b"\x04\x01\x00\x50\x7f\0\0\x01\0",
        "SOCKS 5": b"\x05\x01\0", "an answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "SIP": b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        "RTSP": b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", "ICAP": b"REQMOD icap://a/b ICAP/1.0\r\nHost: a\r\n\r\n", "JSON": b'{"a": 1}\r\n\r\n',
        "Redis": b"*1\r\n$4\r\nPING\r\n", "memcached": b"get a\r\n", "nothing but zeros": bytes(50), "nothing but 0xff": b"\xff" * 50},
        (400, 501, 505))


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
