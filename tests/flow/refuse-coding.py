#!/usr/bin/env python3
# tests/flow/refuse-coding.py - 2: Transfer-Encoding other than exactly chunked.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

BODY = b"5\r\nhello\r\n0\r\n\r\n"


def test_other(t):
    """2: anything but exactly chunked is refused, and 400 where chunked is not the last"""
    needs_seam(t, "what its library hides cannot be refused")
    values = {
        "identity": b"identity", "gzip": b"gzip", "chunked twice": b"chunked, chunked",
        "chunked first": b"chunked, identity", "a prefix": b"xchunked", "a suffix": b"chunkedx",
        "quoted": b'"chunked"',
        "a parameter": b"chunked;q=1", "a comma before": b", chunked", "a comma behind": b"chunked,", "empty": b"",
        "a vertical tab": b"\x0bchunked", "a NUL": b"chunked\0", "a space within": b"chun ked",
        "a blank behind": b"chunked ",
        "a tab behind": b"chunked\t"}
    strict.refused(t, {what: strict.post(b"Transfer-Encoding: " + value, body=BODY) for what,
                       value in values.items()},
                   (400,))


def test_unknown(t):
    """2: a coding that nobody here knows, before chunked, is 501"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {repr(value): strict.post(b"Transfer-Encoding: " + value, body=BODY)
                       for value in (b"gzip, chunked", b"gzip,chunked", b"x;a=b, Chunked", b"a, b , chunked")}, (501,))


def test_spelled_otherwise(t):
    """2: fields that some servers read as Transfer-Encoding are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {
        "twice": strict.post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=BODY),
        "twice, different": strict.post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=BODY),
        "space before the colon": strict.post(b"Transfer-Encoding : chunked", body=BODY),
        "folded value": strict.post(b"Transfer-Encoding:\r\n chunked", body=BODY),
        "folded value, and a length": strict.post(b"Transfer-Encoding:\r\n chunked", b"Content-Length: 5", body=BODY),
        "folded name": strict.post(b"Transfer-: chunked\r\n Encoding", body=BODY),
        "space before the name": strict.post(b" Transfer-Encoding: chunked", body=BODY)}, (400,))


def test_disguised(t):
    """2: a coding in a disguise, with no length beside it, is 400 or 501"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {repr(line): strict.post(line, body=BODY) for line in strict.CODINGS}, (400, 501))


def test_two_fields(t):
    """2: two Transfer-Encoding are 400 or 501, whatever they say"""
    needs_seam(t, "there the refusal waits for the body that its library expects")
    values = (b"chunked", b"identity", b"gzip", b"cow", b"Chunked", b"")
    strict.refused(t, {f"{one!r} and {two!r}": strict.post(b"Transfer-Encoding: " + one, b"Transfer-Encoding: " + two, body=BODY)
                       for one in values for two in values}, (400, 501))


def test_http10(t):
    """2: Transfer-Encoding in HTTP/1.0 is 400"""
    strict.refused(t, {
        "chunked": strict.post(b"Transfer-Encoding: chunked", body=BODY, version=b"HTTP/1.0"),
        "with keep-alive": strict.post(b"Transfer-Encoding: chunked", b"Connection: keep-alive", body=BODY,
                                       version=b"HTTP/1.0")}, (400, 501))


def test_good(t):
    """2: chunked in any case, with blanks before it, is served"""
    origin = strict.accepted(t, {
        "plain": strict.post(b"Transfer-Encoding: chunked", body=BODY),
        "upper case": strict.post(b"Transfer-Encoding: CHUNKED", body=BODY),
        "no blank": strict.post(b"Transfer-Encoding:chunked", body=BODY),
        "blanks before it": strict.post(b"Transfer-Encoding: \t chunked", body=BODY)})
    t.equal({r.body for r in origin.requests if r.target == "/bad"}, {b"hello"}, "bodies at the target")


main()
