#!/usr/bin/env python3
# tests/flow/socket-activation.py - listeners that systemd has opened.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import tempfile

CONFIG = """
listeners: [ { name: main, address: "systemd:web" }, { name: own, address: "@main@" } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def test_named(t):
    """a listener takes the socket of its name; what waits in its queue before the start is served"""
    with listening() as other, listening() as web:
        early = t.client(web.getsockname())
        early.request("GET", "/early")
        outrider = t.outrider(CONFIG, wrapper=activated([other, web], ["other", "web"]), origin=t.origin())
        t.equal(early.response().body, b"hello", "the request that came before the start")
        t.equal(t.get(web.getsockname()).body, b"hello", "a request that came after it")
        t.equal(t.get(outrider).body, b"hello", "the other listener")


def test_stays_open(t):
    """the socket outlives the daemon: the next one finds it, and no connection is refused in between"""
    with listening() as web:
        first = t.outrider(CONFIG, wrapper=activated([web], ["web"]), origin=t.origin(name="first"))
        t.equal(t.get(web.getsockname()).text(), "first", "answer")
        first.stop()
        waiting = t.client(web.getsockname())
        waiting.request("GET", "/between")
        t.outrider(CONFIG, wrapper=activated([web], ["web"]), origin=t.origin(name="second"))
        t.equal(waiting.response().text(), "second", "answer to the request that came in between")


def test_gone_and_back(t):
    """a listener that a reload takes away leaves the socket to whoever comes next: here the same process again"""
    def reload(text, log):
        outrider.configure(text)
        outrider.signal(signal.SIGHUP)
        t.wait_until(lambda: outrider.stderr().count("is in force") == log, "the reload")
    with listening() as web:
        outrider = t.outrider(CONFIG, wrapper=activated([web], ["web"]), origin=t.origin())
        for i in range(3):
            t.equal(t.get(web.getsockname()).body, b"hello", "answer")
            reload(CONFIG.replace('{ name: main, address: "systemd:web" },', ""), 2 * i + 1)
            waiting = t.client(web.getsockname())
            waiting.request("GET", "/between")
            t.equal(t.get(outrider).body, b"hello", "the other listener")
            waiting.expect_quiet(t, "who came in between")
            reload(CONFIG, 2 * i + 2)
            t.equal(waiting.response().body, b"hello", "answer to who came in between")


def test_made_blocking(t):
    """systemd starts another process on the socket, which is blocking for a moment: nobody's requests wait for it"""
    with listening() as web:
        t.outrider("workers: 1\n" + CONFIG, wrapper=activated([web], ["web"]), origin=t.origin())
        t.equal(t.get(web.getsockname()).body, b"hello", "a request before it")
        # Of the socket, wherever it is open: that is what systemd does to it by itself.
        web.setblocking(True)
        for _ in range(20):
            t.equal(t.get(web.getsockname()).body, b"hello", "a request after it")


ONLY = CONFIG.replace(', { name: own, address: "@main@" }', "")


def test_rolling(t):
    """one process after the other on one socket, each begun before the one before stops: no request is lost"""
    start_clock(60)
    with listening() as web:
        origin = t.origin()
        old = t.outrider(ONLY, wrapper=activated([web], ["web"]), origin=origin)
        load = Load(t, web.getsockname(), 6, fresh=2)
        for _ in range(10):
            new = t.outrider(ONLY, wrapper=activated([web], ["web"]), origin=origin)
            load.answered(200)
            old.stop()
            load.answered(200)
            t.equal(load.failed, [], "failed requests")
            old = new
        t.equal((load.stop(), load.refused), ([], 0), f"failed requests of {load.answers}, and refused connections")


def test_restarts(t):
    """one process after the other on one socket, each begun when the one before has ended: no request is lost"""
    start_clock(60)
    with listening() as web:
        outrider = t.outrider(ONLY, wrapper=activated([web], ["web"]), origin=t.origin())
        load = Load(t, web.getsockname(), 6, fresh=2)
        for _ in range(10):
            outrider.stop()
            outrider.stopped = False
            outrider.start()
            load.answered(200)
            t.equal(load.failed, [], "failed requests")
        t.equal((load.stop(), load.refused), ([], 0), f"failed requests of {load.answers}, and refused connections")


def test_missing(t):
    """a name that systemd did not give is an error at the start"""
    with listening() as web:
        error = t.raises(Failure, lambda: t.outrider(CONFIG, wrapper=activated([web], ["else"]), origin=t.origin()),
                         "start")
        t.contains(str(error), "systemd:web", "message")


def test_unix_socket(t):
    """the socket may be a unix socket"""
    with tempfile.TemporaryDirectory(prefix="outrider-flow-") as directory:
        path = os.path.join(directory, "web.sock")
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(path)
        sock.listen(64)
        sock.set_inheritable(True)
        t.outrider(CONFIG, wrapper=activated([sock], ["web"]), origin=t.origin())
        t.equal(t.get(path).body, b"hello", "answer")
        sock.close()


main()
