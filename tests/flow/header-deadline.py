#!/usr/bin/env python3
# tests/flow/header-deadline.py - a head that does not come to its end.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
listeners: [ { name: main, address: "@main@", header_timeout: 400ms, idle_timeout: 10s } ]
""" + PLAIN


def test_half_a_head(t):
    """a head that stops is 408 request-timeout when its time is over, and the connection ends"""
    needs_seam(t, "without it nobody sees a head before its first line is whole")
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    for part in (b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nX-A: b"):
        client = t.client(outrider)
        began = time.monotonic()
        client.send(part)
        problem(t, client.response(), 408, "request-timeout", "http_request_error")
        client.expect_gone(t)
        t.at_least(time.monotonic() - began, 0.39, f"seconds after {part!r}")
    t.equal(origin.requests, [], "requests at the target")


def test_drops(t):
    """bytes that come one by one do not prolong it"""
    client = t.client(t.outrider(CONFIG, origin=t.origin()))
    began = time.monotonic()
    wire = client.head("GET", "/", [("X-Long", "x" * 1000)])
    sent = 0
    try:
        while not client.buffer and sent < len(wire) - 1:
            last = time.monotonic()
            t.wait_until(lambda: time.monotonic() - last > 0.02, "a fiftieth of a second")
            client.send(wire[sent:sent + 1])
            sent += 1
            client.sock.setblocking(False)
            try:
                client.buffer += client.sock.recv(65536)
            except BlockingIOError:
                pass
    except (Ended, ConnectionResetError):
        pass
    t.at_most(time.monotonic() - began, 10, "seconds")
    t.at_most(sent, 500, "bytes that were taken")
    if client.buffer:
        t.equal(client.response().status, 408, "status")


def test_second_request(t):
    """the deadline holds for every request of a connection, from its first byte"""
    needs_seam(t, "without it nobody sees a head before its first line is whole")
    client = t.client(t.outrider(CONFIG, origin=t.origin()))
    t.equal(client.get().status, 200, "status of the first")
    began = time.monotonic()
    t.wait_until(lambda: time.monotonic() - began > 0.8, "twice the header deadline, idle")
    t.equal(client.get().status, 200, "status of the second, after idling")
    client.send(b"GET / HT")
    t.equal(client.response().status, 408, "status of the third, half sent")
    client.expect_gone(t)


def test_others_are_served(t):
    """a hundred clients that never finish do not keep others from being served"""
    needs_seam(t, "without it nobody sees a head before its first line is whole")
    outrider = t.outrider(CONFIG, origin=t.origin())
    slow = [t.client(outrider) for _ in range(100)]
    for client in slow:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
    client = t.client(outrider)
    for _ in range(50):
        t.equal(client.get().status, 200, "status")
    for client in slow:
        t.equal(client.response().status, 408, "status of a slow client")


def test_in_time(t):
    """a head that is slow but in time is served"""
    client = t.client(t.outrider(CONFIG.replace("400ms", "5s"), origin=t.origin()))
    wire = client.head("GET", "/")
    for part in (wire[:10], wire[10:20], wire[20:]):
        began = time.monotonic()
        client.send(part)
        t.wait_until(lambda: time.monotonic() - began > 0.1, "a tenth of a second")
    t.equal(client.response().status, 200, "status")


main()
