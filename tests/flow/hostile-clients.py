#!/usr/bin/env python3
# tests/flow/hostile-clients.py - clients and targets that behave at random: nobody else notices, and nothing is left behind.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import random

SEED = int(os.environ.get("OUTRIDER_TEST_SEED", "20261120"))
ROUNDS = 200 if not SLOW else 5000
CONFIG = """
listeners: [ { name: main, address: "@main@", header_timeout: 2s, body_timeout: 2s, idle_timeout: 2s } ]
services:
  - { name: web, targets: [ @good@, @bad@ ], timeout: { response: 1s, idle_stream: 1s } }
  - { name: steady, targets: [ @good@ ] }
routes:
  - { match: { paths: ["/steady"] }, service: steady }
  - { match: { paths: ["/**"] }, service: web }
"""


def pieces(rng):
    """What a client may send, well formed or not."""
    target = rng.choice(["/", "/steady", "/a?b=c", "/" + "x" * rng.randrange(9000), "/%00", "*", "http://h/x",
                         "/../../"])
    method = rng.choice(["GET", "POST", "HEAD", "PUT", "OPTIONS", "CONNECT", "X" * rng.randrange(1, 40)])
    version = rng.choice(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0"])
    wire = bytearray(f"{method} {target} {version}\r\nHost: h\r\n".encode())
    for _ in range(rng.randrange(6)):
        wire += rng.choice([b"Connection: close\r\n", b"Connection: keep-alive, Upgrade\r\n", b"Upgrade: x\r\n",
                            b"Content-Length: 100\r\n",
                            b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
                            b"X: " + rng.randbytes(20) + b"\r\n",
                            b"Cookie: " + b"c" * rng.randrange(9000) + b"\r\n", b"A: b\n", b" folded\r\n"])
    wire += b"\r\n" + rng.choice([b"", b"x" * 50, b"x" * 100, b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhel", b"zz\r\n",
                                  rng.randbytes(200)])
    for _ in range(rng.randrange(3)):
        if rng.random() < 0.3:
            wire[rng.randrange(len(wire))] = rng.randrange(256)
    return bytes(wire)


def misbehave(outrider, rng):
    """One connection of a client that has no manners."""
    client = Client(outrider)
    try:
        for _ in range(rng.randrange(1, 4)):
            wire = pieces(rng)
            at = 0
            while at < len(wire):
                size = rng.choice([1, 7, 100, len(wire)])
                client.send(wire[at:at + size])
                at += size
                if rng.random() < 0.02:
                    return
        end = rng.random()
        if end < 0.3:
            client.sock.settimeout(0.05)
            client.sock.recv(rng.choice([1, 100, 65536]))
        elif end < 0.5:
            client.half_close()
            client.sock.settimeout(0.05)
            client.sock.recv(65536)
        elif end < 0.8:
            client.reset()
    except (OSError, Ended):
        pass
    finally:
        client.close()


def bad_target(rng):
    """A target that has no manners either."""
    def script(c):
        try:
            while c.buffer or c.more():
                request = c.request_head()
                what = rng.random()
                if what < 0.2:
                    return
                if what < 0.4:
                    c.reset()
                    return
                if what < 0.9 and request.framing != "none" and rng.random() < 0.8:
                    c.body(request, lambda piece: None)
                c.send(rng.choice([
                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"x" * 1000,
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                    b"HTTP/1.1 204 No\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
                    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
                    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n",
                    b"HTTP/1.1 101 Up\r\n\r\n", rng.randbytes(300),
                    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20000]))
        except (Ended, Truncated, BadMessage, OSError, TimedOut):
            pass
    return script


def test_random(t):
    """random clients and a random target, while a polite client is served all the time"""
    t.note(f"OUTRIDER_TEST_SEED={SEED}")
    if SLOW:
        start_clock(300)
    good = t.origin()
    good.default.body = b"steady"
    bad = t.origin(bad_target(random.Random(SEED)))
    outrider = t.outrider(CONFIG, good=good, bad=bad)
    t.equal(t.get(outrider, "/steady").body, b"steady", "answer before")
    before = outrider.descriptors()

    def run_clients(number):
        rng = random.Random(SEED * 100 + number)
        for _ in range(ROUNDS):
            misbehave(outrider, rng)
        done.append(number)
    done = []
    threads = [threading.Thread(target=run_clients, args=(n,), daemon=True) for n in range(6)]
    for thread in threads:
        thread.start()
    while len(done) < len(threads):
        t.equal(t.get(outrider, "/steady").body, b"steady", "answer to the polite client")
    bad.shut()
    good.shut()                                     # and with it the connections that were kept
    t.wait_until(lambda: outrider.descriptors() <= before, f"descriptors to be {before} again")
    good.listen()
    service = outrider.service("web")
    t.equal([target["inflight"] for target in service["targets"]], [0, 0], "requests in flight")
    t.equal(t.get(outrider, "/steady").body, b"steady", "answer afterwards")


main()
