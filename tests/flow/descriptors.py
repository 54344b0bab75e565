#!/usr/bin/env python3
# tests/flow/descriptors.py - no descriptors left: who is accepted is served, the others wait, and nothing runs in circles.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

FILES = 64
CROWD = 10 * FILES
CONFIG = """
workers: 1
listeners: [ { name: main, address: "@main@", header_timeout: 2s, idle_timeout: 2s } ]
services:
  - { name: web, targets: [ @origin@ ], timeout: { connect: 1s } }
  - { name: steady, targets: [ @steady@ ] }
routes:
  - { match: { paths: ["/polite"] }, service: steady }
  - { match: { paths: ["/**"] }, service: web }
"""
ONCE = b"GET /once HTTP/1.1\r\nHost: t.example\r\nConnection: close\r\n\r\n"


# argv: how many it may have, how many are open before it begins, the program
LIMITED = """
import os, resource, sys
most, open_before = int(sys.argv[1]), int(sys.argv[2])
for _ in range(open_before):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
os.execvp(sys.argv[3], sys.argv[3:])
"""


def started(t, origin, open_before=0):
    if sanitized():
        t.skip("a sanitizer's run time needs descriptors of its own")
    start_clock(60)
    steady = t.closing(Polite())
    outrider = t.outrider(CONFIG, wrapper=(sys.executable, "-c", LIMITED, str(FILES), str(open_before)), origin=origin, steady=steady)
    steady.begin(outrider)
    return outrider, steady


class Span:
    """What the daemon did from here on."""

    def __init__(self, outrider):
        self.outrider, self.began = outrider, time.monotonic()
        self.cpu, self.lines = outrider.cpu_seconds(), outrider.stderr().count("\n")

    def check(self, t):
        """No busy loop, and no flood of lines: one a second of each kind, with one before it that counts the others."""
        seconds = time.monotonic() - self.began
        t.at_most(self.outrider.cpu_seconds() - self.cpu, 0.5 * seconds + 0.1, f"seconds of CPU in {seconds:.2f} s")
        t.at_most(self.outrider.stderr().count("\n") - self.lines, 4 * seconds + 8, f"lines of log in {seconds:.2f} s")


def check_steady(t, steady):
    seen = steady.end()
    t.equal(seen["bad"], [], "what went wrong on a connection that was there before")
    t.at_most(seen["p99"] - 2 * seen["direct"], 100, f"its p99 in ms, less what the machine costs: {seen}")


def check_recovery(t, outrider):
    began = time.monotonic()
    t.equal(t.get(outrider, "/after").status, 200, "status of a new client afterwards")
    t.at_most(time.monotonic() - began, 1, "seconds until it was served")


def test_each_is_served(t):
    """ten times as many clients as descriptors, each with a request: all are served in turn"""
    outrider, steady = started(t, t.origin())
    span = Span(outrider)
    crowd = t.closing(Crowd(outrider, CROWD))
    crowd.send(ONCE)
    crowd.wait_ended("all to be answered")
    t.equal({member.data[:13] for member in crowd.members}, {b"HTTP/1.1 200 "}, "answers")
    span.check(t)
    check_recovery(t, outrider)
    check_steady(t, steady)


def test_silent(t):
    """clients that hold all they may and say nothing: no busy loop, the admin pages answer, and when they go all is well at once"""
    outrider, steady = started(t, t.origin())
    span = Span(outrider)
    crowd = t.closing(Crowd(outrider, CROWD))
    while len(crowd.live) > CROWD - 40:             # the first lot, and a part of the second
        remaining("the first silent ones to be ended")
        crowd.turn(0.05)
        t.equal(outrider.health("/health/ready").status, 200, "status of an admin page under pressure")
    span.check(t)
    for member in crowd.members:
        member.sock.close()
    check_recovery(t, outrider)
    check_steady(t, steady)


def test_held(t):
    """clients whose answers take long: they are served, whoever waits behind them too"""
    def hold(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"held")
    released = []
    origin = t.origin().on("/once", hold)
    outrider, steady = started(t, origin)
    span = Span(outrider)
    crowd = t.closing(Crowd(outrider, 4 * FILES))
    crowd.send(ONCE)
    origin.wait_requests(8)
    released.append(True)
    crowd.wait_ended("all to be answered")
    t.equal({member.data[:13] for member in crowd.members}, {b"HTTP/1.1 200 "}, "answers")
    span.check(t)
    check_steady(t, steady)


def test_none_for_targets(t):
    """when targets cannot be reached for want of descriptors the answer is 502 or 503, soon, and it is well again afterwards"""
    def hold(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"held")
    released = []
    origin = t.origin().on("/once", hold)
    # the process has some open that it did not reckon with, as a library may: there is not half left for the targets
    outrider, steady = started(t, origin, open_before=16)
    crowd = t.closing(Crowd(outrider, FILES))
    crowd.send(ONCE)
    while len(crowd.live) == FILES:
        remaining("the first to be turned away")
        crowd.turn(0.05)
    released.append(True)
    crowd.wait_ended("all to be answered")
    got = {member.data[:13] for member in crowd.members}
    t.true(b"HTTP/1.1 200 " in got and got <= {b"HTTP/1.1 200 ", b"HTTP/1.1 502 ", b"HTTP/1.1 503 "}, f"answers: {got}")
    for member in crowd.members:
        if not member.data.startswith(b"HTTP/1.1 200 "):
            t.at_most(member.seconds, 10, "seconds until an error")
    check_recovery(t, outrider)
    check_steady(t, steady)


main()
