#!/usr/bin/env python3
# tests/flow/slow-clients.py - 21: clients that are slow, greedy or silent, beside one that is polite.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

MANY = 1000
READERS = 50
P99 = 100 if not sanitized() else 400       # ms
LATE = 2.5 if not sanitized() else 6        # seconds that a busy machine may add to a deadline
CONFIG = """
listeners: [ { name: main, address: "@main@", header_timeout: 2s, body_timeout: 2s, idle_timeout: 3s%s } ]
services:
  - { name: web, targets: [ @origin@ ], timeout: { idle_stream: 2s } }
  - { name: steady, targets: [ @steady@ ] }
routes:
  - { match: { paths: ["/polite"] }, service: steady }
  - { match: { paths: ["/**"] }, service: web }
"""


def started(t, origin=None, more=""):
    """The daemon, and a polite client that is being served."""
    start_clock(60)
    steady = t.closing(Polite())
    outrider = t.outrider(CONFIG % more, origin=origin or t.origin(), steady=steady)
    steady.begin(outrider)
    return outrider, steady


def check_polite(t, steady):
    seen = steady.end()
    t.equal(seen["bad"], [], "what went wrong for the polite client")
    t.at_least(seen["n"], 100, "requests of the polite client")
    # a worker that is busy gets its share of a machine, which others may want, too
    crowded = max(1, os.getloadavg()[0] / os.cpu_count())
    t.at_most(seen["p99"] - 2 * seen["direct"], P99 * crowded, f"p99 of the polite client in ms, less what the machine costs: {seen}")


def check_ended(t, members, least, most, starts):
    """Each ended in time, and what it got begins so. (Its clock may start late on a busy machine.)"""
    for member in members:
        t.true(member.data.startswith(starts) and (starts or not member.data), f"what one of them got: {member.data[:100]!r}")
        t.true(least - 0.4 <= member.seconds <= most + LATE, f"ended after {member.seconds:.2f} s, not {least} to {most}")


def drip(crowd, wire, every, begin=0):
    """Each member sends wire byte by byte, until all have ended."""
    at, last = begin, 0
    while crowd.live and at < len(wire):
        remaining("the clients to be ended")
        crowd.turn()
        if time.monotonic() - last >= every:
            last = time.monotonic()
            crowd.send(wire[at:at + 1])
            at += 1
    crowd.wait_ended("the clients to be ended")


def test_slow_heads(t):
    """21: a thousand heads that come byte by byte are 408 when their time is over"""
    needs_seam(t, "without it nobody sees a head before its first line is whole")
    outrider, steady = started(t)
    crowd = t.closing(Crowd(outrider, MANY))
    for member in crowd.members:
        member.began = time.monotonic()
    drip(crowd, b"GET /slow HTTP/1.1\r\nHost: t.example\r\nX-Slow: " + b"x" * 5000, 0.05)
    check_ended(t, crowd.members, 2, 2, b"HTTP/1.1 408 ")
    check_polite(t, steady)


def test_slow_heads_behind_good_ones(t):
    """21: neither a request before it nor empty lines give a head more time"""
    needs_seam(t, "without it nobody sees a head before its first line is whole")
    outrider, steady = started(t)
    good = strict.GOOD % 0
    first = t.closing(Crowd(outrider, 50))
    first.send(good)
    while any(b"hello" not in member.data for member in first.members):
        remaining("the good requests to be answered")
        first.turn()
    for before in (b"\r\n", good + b"\r\n", good * 3):
        for _ in range(20):
            first.add(outrider).send(before)
    t.wait_until(lambda: not arrival.Kernel(outrider).unread(
        [member.sock.getsockname()[1] for member in first.members]), "all of it to be read")
    for member in first.members:
        member.began = time.monotonic()
    drip(first, b"GET /slow HTTP/1.1\r\nHost: t.example\r\nX-Slow: " + b"x" * 5000, 0.05)
    for member in first.members:
        last = member.data.rpartition(b"HTTP/1.1 4")[2]
        t.true(last.startswith(b"08 "), f"what one of them got: {member.data!r}")
        t.true(1.6 <= member.seconds <= 2 + LATE, f"ended after {member.seconds:.2f} s")
    check_polite(t, steady)


def test_silent(t):
    """21: a thousand clients that send nothing are closed without a word when a head would be late"""
    outrider, steady = started(t)
    crowd = t.closing(Crowd(outrider, MANY))
    crowd.wait_ended("the silent clients to be ended")
    check_ended(t, crowd.members, 2, 2, b"")
    check_polite(t, steady)


def test_slow_bodies(t):
    """21: bodies that stop are 408; those that come slowly, but come, are served; and nobody else waits"""
    origin = t.origin()
    outrider, steady = started(t, origin)
    stopped = t.closing(Crowd(outrider, 200))
    stopped.send(b"POST /stopped HTTP/1.1\r\nHost: t.example\r\nContent-Length: 100\r\n\r\nhalf")
    moving = t.closing(Crowd(outrider, 100))
    moving.send(b"POST /moving HTTP/1.1\r\nHost: t.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    for member in stopped.members:
        member.began = time.monotonic()
    at, last = 0, 0
    while stopped.live or at < 12:
        remaining("the stopped ones to be ended")
        stopped.turn()
        moving.turn()
        if at < 12 and time.monotonic() - last >= 0.3:      # 3.6 s in all: longer than any deadline here
            last = time.monotonic()
            at += 1
            moving.send(b"1\r\nx\r\n")
    moving.send(b"0\r\n\r\n")
    moving.wait_ended("the slow ones to be answered")
    check_ended(t, stopped.members, 2, 2, b"HTTP/1.1 408 ")
    t.equal({member.data[:13] for member in moving.members}, {b"HTTP/1.1 200 "}, "answers to those that came slowly")
    t.equal({(r.target, r.body) for r in origin.requests}, {("/moving", b"x" * 12)}, "whole requests at the target")
    check_polite(t, steady)


def endless(ended):
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 40))
        try:
            while True:
                c.send(bytes(1 << 16))
        except Ended:
            ended.append(time.monotonic())
    return script


def test_slow_readers(t):
    """21: who does not read its answer is cut off after idle_stream, holds little memory, and lets its target go"""
    ended = []
    outrider, steady = started(t, t.origin(endless(ended)))
    before = outrider.resident_kib()
    crowd = t.closing(Crowd(outrider, READERS, receive_buffer=4096, reading=False))
    began = time.monotonic()
    crowd.send(b"GET /endless HTTP/1.1\r\nHost: t.example\r\n\r\n")
    most = 0
    while len(ended) < READERS:
        remaining("the targets to be let go")
        crowd.turn(0.02)
        most = max(most, outrider.resident_kib() - before)
    t.at_least(min(ended) - began, 1.9, "seconds until the first was let go")
    t.at_most(max(ended) - began, 2 + 2 * LATE, "seconds until the last was let go")
    if not sanitized():
        t.at_most(most, READERS * 256, f"KiB that {READERS} such clients cost")
    check_polite(t, steady)


def test_greedy_pipeliners(t):
    """21: who sends requests and never reads an answer is stopped by it, and ended"""
    outrider, steady = started(t, t.origin().answer("/greedy", bytes(100000)))
    before = outrider.resident_kib()
    crowd = t.closing(Crowd(outrider, 20, receive_buffer=4096, reading=False))
    wire = (b"GET /greedy HTTP/1.1\r\nHost: t.example\r\nX-Pad: " + b"x" * 200 + b"\r\n\r\n") * 200
    left = {member: 0 for member in crowd.members}
    most = 0
    while crowd.live:
        remaining("them to be ended")
        for member in list(crowd.live.values()):
            left[member] = (left[member] + member.send(wire[left[member]:])) % len(wire)
        crowd.turn(0.01)
        most = max(most, outrider.resident_kib() - before)
    if not sanitized():
        t.at_most(most, 20 * 512, "KiB that twenty of them cost")
    check_polite(t, steady)


def test_full(t):
    """21: at max_connections new clients wait, kept ones are served, and silence makes room"""
    outrider, steady = started(t, more=", max_connections: 200")
    crowd = t.closing(Crowd(outrider, 400))
    began = time.monotonic()
    client = t.client(outrider)
    t.equal(client.get().status, 200, "status of a client behind 400 silent ones")
    t.at_most(time.monotonic() - began, 4 + 2 * LATE, "seconds it took: two lots of silent ones")
    crowd.wait_ended("the silent ones to be ended")
    check_polite(t, steady)


main()
