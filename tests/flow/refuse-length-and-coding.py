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


main()
