#!/usr/bin/env python3
# tests/flow/idle-stream.py - bodies that stop moving: idle_stream.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services: [ { name: web, targets: [ @origin@ ], timeout: { idle_stream: 500ms } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def stalls(t, first):
    def script(c):
        c.request()
        c.send(first)
        ended.append(c.stall())
    ended = []
    client = t.client(t.outrider(CONFIG, origin=t.origin(script)))
    client.request("GET", "/")
    began = time.monotonic()
    t.raises((Truncated, Ended), client.response, "a cut answer")
    t.at_least(time.monotonic() - began, 0.45, "seconds")
    t.wait_until(lambda: ended, "the target's connection to end")


def test_counted(t):
    """a counted answer that stops is cut"""
    stalls(t, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


def test_chunked(t):
    """a chunked answer that stops is cut, without its last chunk"""
    stalls(t, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")


def test_moving(t):
    """an answer that moves in time goes on, however long it takes in all"""
    def script(c):
        c.request()
        c.send(head("HTTP/1.1 200 OK", [("Content-Length", "8")]))
        for i in range(8):
            began = time.monotonic()
            t.wait_until(lambda: time.monotonic() - began > 0.15, "a moment")
            c.send(b"%d" % i)
        c.stall()
    t.equal(t.get(t.outrider(CONFIG, origin=t.origin(script))).body, b"01234567", "body")


def test_client_that_does_not_read(t):
    """a client that does not read is cut off, and lets its target go"""
    def script(c):
        c.request()
        c.send(head("HTTP/1.1 200 OK", [("Content-Length", 1 << 30)]))
        try:
            while True:
                c.send(bytes(1 << 16))
        except Ended:
            ended.append(True)
    ended = []
    client = t.client(t.outrider(CONFIG, origin=t.origin(script)), receive_buffer=8192)
    client.request("GET", "/")
    t.wait_until(lambda: ended, "the target's connection to end")


main()
