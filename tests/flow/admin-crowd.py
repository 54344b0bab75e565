#!/usr/bin/env python3
# tests/flow/admin-crowd.py - the admin listeners and clients that take all they can get.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
workers: 1
admin: { listeners: [ "unix:@dir@/admin.sock", "@tcp@" ] }
services:
  - { name: web, targets: [ @origin@ ] }
  - { name: large, targets: [ LARGE ] }
routes: [ { service: web } ]
"""
MOST = 256                              # connections of an admin listener
HELD_KIB = 64 * 1024                    # of long answers that were not read
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG = b"GET /health/services HTTP/1.1\r\nHost: localhost\r\n\r\n"


def started(t, targets=1):
    rows = ", ".join(f"{{ host: 127.{n >> 16}.{n >> 8 & 255}.{n & 255}, port: 9 }}" for n in range(1, targets + 1))
    port = t.closing(Port())
    return t.outrider(CONFIG.replace("LARGE", rows), origin=t.origin(), tcp=f"{port.host}:{port.port}"), port


def crowd(t, outrider, port, sent, n=MOST):
    """Clients that keep their connections, once each has sent its bytes."""
    clients = [t.client(port, receive_buffer=4096) for _ in range(n)]
    for client in clients:
        client.send(sent)
    return clients


def served(t, port):
    t.equal(t.ask(port, "GET", "/health/live", host="localhost").status, 200, "the answer for one more")


def test_idle(t):
    """connections that nobody uses make room when others wait"""
    outrider, port = started(t)
    for client in crowd(t, outrider, port, LIVE):
        t.equal(client.response().status, 200, "an answer")
    served(t, port)
    t.contains(outrider.stderr(), "new clients wait", "the log")


def test_mute(t):
    """so do those that never said anything, or half of a request"""
    outrider, port = started(t)
    half = MOST // 3
    crowd(t, outrider, port, b"", half)
    crowd(t, outrider, port, LIVE[:20], half)
    crowd(t, outrider, port, b"POST /admin/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{", MOST - 2 * half)
    served(t, port)


def test_unread(t):
    """so do those that do not read; what they hold has an end, and one who reads has his answer afterwards"""
    start_clock(40)                         # sanitizers take their time for the pages
    outrider, port = started(t, 22000)
    page = outrider.health("/health/services").body
    t.true(2800000 < len(page) < 4000000, f"the page has {len(page)} bytes")
    before = outrider.resident_kib()
    statuses = [client.response_head().status for client in crowd(t, outrider, port, LONG, 60)]
    grown = outrider.resident_kib() - before
    t.true(grown < HELD_KIB + 24 * 1024 or sanitized(), f"{grown} KiB more")
    t.equal(sorted(set(statuses)), [200, 503], "answers")
    t.at_least(statuses.count(200), 10, "long pages under way")
    crowd(t, outrider, port, LIVE, MOST - 60)
    served(t, port)
    t.wait_until(lambda: t.ask(port, "GET", "/health/services", host="localhost").status == 200, "a long page again")


main()
