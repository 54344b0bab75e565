#!/usr/bin/env python3
# tests/flow/unix-sockets.py - unix sockets: as a listener and as a target.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import tempfile

CONFIG = """
listeners: [ { name: main, address: "unix:@dir@/data.sock" } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def test_listener(t):
    """a unix socket is a listener like any other"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    path = os.path.join(outrider.dir, "data.sock")
    client = t.client(path)
    for _ in range(3):
        t.equal(client.get("/x").body, b"hello", "body")
    t.equal(client.ask("POST", "/", body=b"y" * 100000).status, 200, "status of a POST")
    client.close()
    outrider.stop()
    t.equal(os.path.exists(path), False, "the socket is there after the stop")


def test_stale_socket(t):
    """a socket that a dead process left is taken over"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    path = os.path.join(outrider.dir, "data.sock")
    outrider.process.kill()
    outrider.process.wait()
    t.true(os.path.exists(path), "the socket is left")
    outrider.start()
    t.equal(t.get(path).body, b"hello", "body")


def test_target(t):
    """a unix socket is a target like any other"""
    with tempfile.TemporaryDirectory(prefix="outrider-flow-") as directory:
        origin = t.origin(path=os.path.join(directory, "origin.sock"))
        outrider = t.outrider(PLAIN, origin=origin)
        client = t.client(outrider)
        for _ in range(3):
            t.equal(client.get("/x").body, b"hello", "body")
        t.equal(len(origin.connections), 1, "connections to the target")
        t.equal(client.ask("POST", "/", body=[b"z" * 1000] * 100).status, 200, "status of a POST")
        t.equal(len(origin.last.body), 100000, "bytes at the target")
        origin.shut()


def test_both_kinds(t):
    """a unix listener beside a TCP one"""
    config = CONFIG.replace("listeners: [", 'listeners: [ { name: tcp, address: "@main@" },')
    outrider = t.outrider(config, origin=t.origin())
    t.equal(t.get(outrider).status, 200, "over TCP")
    t.equal(t.get(os.path.join(outrider.dir, "data.sock")).status, 200, "over the unix socket")


main()
