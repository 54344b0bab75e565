#!/usr/bin/env python3
# tests/flow/refuse-length-and-coding.py - 1: Content-Length and Transfer-Encoding together.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CHUNKED = b"Transfer-Encoding: chunked"
BODY = b"5\r\nhello\r\n0\r\n\r\n"


def test_both(t):
    """1: both together are 400, in either order, whatever the length says"""
    strict.refused(t, {
        "length first": strict.post(b"Content-Length: 5", CHUNKED, body=BODY),
        "coding first": strict.post(CHUNKED, b"Content-Length: 5", body=BODY),
        "length of the chunked body": strict.post(b"Content-Length: 15", CHUNKED, body=BODY),
        "length 0": strict.post(b"Content-Length: 0", CHUNKED, body=BODY),
        "a length that is none": strict.post(b"Content-Length: +5x", CHUNKED, body=BODY),
        "other fields between": strict.post(b"Content-Length: 5", b"X-A: b", CHUNKED, body=BODY),
        "other case": strict.post(b"content-length: 5", b"TRANSFER-ENCODING: chunked", body=BODY),
        "in a GET": strict.get(b"Content-Length: 5", CHUNKED) + BODY}, (400,))


def test_smuggling(t):
    """1: what hides one request in the body of another is 400: by the length, by the coding, by neither"""
    needs_seam(t, "there the refusal waits for the body that its library expects")
    hidden = b"GET /hidden HTTP/1.1\r\nHost: evil.example\r\nX: "
    strict.refused(t, {
        "CL.TE": strict.post(b"Content-Length: %d" % (5 + len(hidden)), CHUNKED, body=b"0\r\n\r\n" + hidden),
        "TE.CL": strict.post(CHUNKED, b"Content-Length: 4", body=b"%x\r\n" % len(hidden) + hidden + b"\r\n0\r\n\r\n"),
        "CL.0": strict.post(b"Content-Length: 0", CHUNKED, body=b"0\r\n\r\n" + hidden),
        "0.CL": strict.post(b"Content-Length: 0", b"Content-Length: %d" % len(hidden), body=hidden),
        "TE.0": strict.post(CHUNKED, b"Content-Length: %d" % len(hidden), body=hidden),
        "length between two codings": strict.post(CHUNKED, b"Content-Length: 5", CHUNKED, body=BODY),
        "coding between two lengths": strict.post(b"Content-Length: 5", CHUNKED, b"Content-Length: 5", body=BODY),
        "length as a trailer": strict.post(CHUNKED, body=b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
        "HTTP/1.0": strict.post(b"Content-Length: 15", CHUNKED, body=BODY, version=b"HTTP/1.0"),
        "HTTP/1.0, kept": strict.post(b"Connection: keep-alive", b"Content-Length: 15", CHUNKED, body=BODY,
                                      version=b"HTTP/1.0"),
        "named in Connection": strict.post(b"Connection: Content-Length", b"Content-Length: 5", CHUNKED, body=BODY),
        "coding named in Connection": strict.post(b"Connection: Transfer-Encoding", b"Content-Length: 15", CHUNKED, body=BODY),
        **{f"in a {method.decode()}": strict.get(b"Content-Length: 15", CHUNKED, line=method + b" /bad HTTP/1.1") + BODY
           for method in (b"HEAD", b"OPTIONS", b"DELETE", b"PUT", b"PATCH", b"TRACE", b"PURGE")}}, (400,))


def test_hidden_coding(t):
    """1: a length beside a coding that only some parsers see is refused"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {f"length and {line!r}": strict.post(b"Content-Length: 15", line, body=BODY)
                       for line in strict.CODINGS}, (400, 501))


def test_hidden_length(t):
    """1: a coding beside a length that only some parsers see is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {f"coding and {line!r}": strict.post(CHUNKED, line, body=BODY)
                       for line in strict.LENGTHS}, (400,))


main()
