#!/usr/bin/env python3
# tests/flow/memory.py - 22: what a thousand clients cost, with whatever costs most, and that it is given back.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import select

MANY = 1000
EACH = 48                       # KiB that a connection and its request may cost at most, at the default limits
LEFT = 6                        # KiB of each that may stay with the allocator in the end
CONFIG = """
listeners: [ { name: main, address: "@main@", header_timeout: 60s, body_timeout: 60s } ]
services: [ { name: web, targets: [ @origin@ ], limits: { max_connections: 2000, max_requests: 2000 },
              keep_alive: { idle_timeout: 500ms } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
HEAD = b"GET /x HTTP/1.1\r\nHost: t.example\r\n"
CODED = b"POST /x HTTP/1.1\r\nHost: t.example\r\nTransfer-Encoding: chunked\r\n\r\n"


def wave(outrider, wires, reading=True):
    """A thousand clients send the wires, one after the other, read by the daemon as far as it will. Returns the KiB each
    cost, and the bytes each sent."""
    crowd = Crowd(outrider, MANY, reading=reading)
    try:
        kernel = arrival.Kernel(outrider)
        before = outrider.resident_kib()
        most, sent = before, 0
        for wire in wires:
            left = {member: 0 for member in crowd.members}
            stuck = 0
            while left and stuck < 20:
                stuck += 1
                for member in list(left):
                    n = member.send(wire[left[member]:])
                    left[member] += n
                    stuck = 0 if n else stuck
                    if left[member] == len(wire) or member.how:
                        del left[member]
                crowd.turn(0.005)
                most = max(most, outrider.resident_kib())
            sent += len(wire)
            ports = [member.sock.getsockname()[1] for member in crowd.live.values()]
            began = time.monotonic()
            while kernel.unread(ports) and time.monotonic() - began < 3:
                crowd.turn(0.005)
        most = max(most, outrider.resident_kib())
        return (most - before) / MANY, sent
    finally:
        crowd.close()


def check(t, wires, origin=None, reading=True, each=EACH, left=LEFT):
    """Twice: the second time nothing more is taken than the first time, and all of it is given back."""
    if sanitized():
        t.skip("a sanitizer keeps memory of its own")
    start_clock(60)
    outrider = t.outrider(CONFIG, origin=origin or t.origin())
    t.equal(t.get(outrider, "/first").status, 200, "status")
    wave(outrider, [b"\r\n"])                    # what the daemon keeps for its next thousand clients
    descriptors = outrider.descriptors()
    base = outrider.resident_kib()
    for turn in (1, 2):
        cost, sent = wave(outrider, wires, reading)
        t.note(f"wave {turn}: {cost:.1f} KiB each")
        t.at_most(cost, each, f"KiB each client costs, in wave {turn}")
        if sent > 1024:
            t.at_most(cost * 1024, 100 * sent, f"bytes each client costs that sent {sent}, in wave {turn}")
        t.wait_until(lambda: outrider.resident_kib() <= base + left * MANY, f"the memory of wave {turn} to be given back")
    t.wait_until(lambda: outrider.descriptors() <= descriptors + 20, "the descriptors to be given back")
    t.equal(t.get(outrider, "/last").status, 200, "status afterwards")


def test_nothing(t):
    """22: a thousand connections that have sent one byte"""
    check(t, [b"G"], each=8)


def test_largest_heads(t):
    """22: a thousand heads as large as they may be, but for their end: one field, many"""
    fill = 8192 - len(HEAD) - 20
    for fields in (b"X: " + b"x" * fill, b"A: b\r\n" * 190):
        check(t, [HEAD + fields])


def test_largest_heads_in_pieces(t):
    """22: a thousand large heads that come in many pieces"""
    check(t, [HEAD] + [b"X-%d: " % i + b"x" * 90 + b"\r\n" for i in range(70)])


def test_pipelined(t):
    """22: a thousand clients that send fifty requests at once and read nothing"""
    # their connections to the target end later, and what they leave behind waits for the next crowd
    check(t, [(HEAD + b"\r\n") * 50], reading=False, left=16)


def test_extensions(t):
    """22: a thousand clients that send 64 KiB of chunk extensions are refused"""
    check(t, [CODED + b"5;" + b"a" * 65536])


def reluctant(c):
    """A target that reads heads only, and answers a GET."""
    while c.buffer or c.more():
        if c.request_head().method != "GET":
            break
        c.respond(headers=[("Connection", "close")])
        return
    poll = select.poll()
    poll.register(c.sock, select.POLLRDHUP)
    poll.poll(remaining("the peer to go") * 1000)


def test_tiny_chunks(t):
    """22: a thousand uploads in chunks of one byte, to a target that does not read them"""
    check(t, [CODED + b"1\r\nx\r\n" * 4000], t.origin(reluctant, receive_buffer=4096), each=80)


def test_upload_to_nobody(t):
    """22: a thousand uploads of as much as is taken, to a target that does not read them"""
    check(t, [b"POST /x HTTP/1.1\r\nHost: t.example\r\nContent-Length: 100000000\r\n\r\n" + bytes(300000)],
          t.origin(reluctant, receive_buffer=4096), each=160)


main()
