#!/usr/bin/env python3
# tests/flow/refuse-large.py - 22: heads that are too large, in every way they can arrive.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

BODY = b"5\r\nhello\r\n0\r\n"


def test_targets(t):
    """22: targets that are too long are 414"""
    needs_seam(t, "its library answers in its own words, or only closes")
    strict.refused(t, {f"{n} bytes of {what!r}": strict.get(line=b"GET /" + what * (n // len(what)) + b" HTTP/1.1")
                       for n in (8300, 20000, 70000) for what in (b"a", b"../", b"%41", b"//", b"?a=b&")}, (414,))


def test_heads(t):
    """22: one field too long, many short ones, a long name, many empty ones, a long Cookie: 431"""
    needs_seam(t, "its library answers in its own words")
    cases = {}
    for n in (9000, 70000):
        cases[f"a value of {n}"] = strict.get(b"X: " + b"x" * n)
        cases[f"a name of {n}"] = strict.get(b"X" * n + b": x")
        cases[f"blanks, {n} of them"] = strict.get(b"X:" + b" " * n + b"x")
        cases[f"a Cookie of {n}"] = strict.get(b"Cookie: a=" + b"x" * n)
        cases[f"values of {n} in all"] = strict.get(*[b"X-%d: " % i + b"x" * 90 for i in range(n // 100)])
        cases[f"twenty large ones of {n} in all"] = strict.get(*[b"X-%d: " % i + b"x" * (n // 20) for i in range(20)])
        cases[f"an end that does not come in {n}"] = strict.get(b"X: " + b"x" * n)[:-2] + b"Y: z"
    cases["more fields than are counted"] = strict.get(*[b"A:"] * 300)
    strict.refused(t, cases, (431,))


def test_known_fields(t):
    """22: fields that frame or route a request are short, or the request is 400"""
    needs_seam(t, "its library answers in its own words")
    strict.refused(t, {
        "Host": strict.get(host=b"Host: " + b"a" * 3000), "Connection": strict.get(b"Connection: " + b"x, " * 1000 + b"y"),
        "Content-Length": strict.post(b"Content-Length: " + b"0" * 3000 + b"5", body=b"hello"),
        "Content-Length, blanks": strict.post(b"Content-Length: 5" + b" " * 3000, body=b"hello"),
        "Transfer-Encoding": strict.post(b"Transfer-Encoding: " + b"chunked, " * 500 + b"chunked", body=BODY),
        "an authority": strict.get(line=b"GET http://" + b"a" * 3000 + b"/ HTTP/1.1")}, (400, 501))


def test_trailers(t):
    """22: trailers are bounded like a head: 431"""
    needs_seam(t, "its library answers in its own words")
    strict.refused(t, {what: strict.post(b"Transfer-Encoding: chunked", body=BODY + more) for what, more in {
        "a value": b"X: " + b"x" * 9000 + b"\r\n\r\n", "a name": b"X" * 9000 + b": y\r\n\r\n", "many": b"X: y\r\n" * 2000 + b"\r\n",
        "many empty ones": b"A:\r\n" * 300 + b"\r\n", "without an end": b"X: " + b"x" * 30000}.items()}, (400, 413, 431))


main()
