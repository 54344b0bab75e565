#!/usr/bin/env python3
# tests/flow/idle-timeout.py - connections that nobody uses.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def idle(t, seconds):
    began = time.monotonic()
    t.wait_until(lambda: time.monotonic() - began > seconds, f"{seconds} s")


def test_client(t):
    """a client's connection is closed after idle_timeout, without a word"""
    config = 'listeners: [ { name: main, address: "@main@", idle_timeout: 500ms } ]\n' + PLAIN
    outrider = t.outrider(config, origin=t.origin())
    used, never = t.client(outrider), t.client(outrider)
    used.get()
    began = time.monotonic()
    never.expect_closed(t, "the connection that was never used")
    used.expect_closed(t, "the connection that was used")
    t.at_most(time.monotonic() - began, 8, "seconds")
    t.at_least(time.monotonic() - began, 0.3, "seconds")


def test_waiting_is_not_idle(t):
    """a client that waits for its answer is not idle"""
    def slow(c, request):
        idle(t, 1.5)
        c.respond(body=b"slow")
    config = 'listeners: [ { name: main, address: "@main@", idle_timeout: 500ms } ]\n' + PLAIN
    t.equal(t.get(t.outrider(config, origin=t.origin().on("/", slow))).body, b"slow", "answer")


def test_use_prolongs(t):
    """each request starts the time anew"""
    config = 'listeners: [ { name: main, address: "@main@", idle_timeout: 1s } ]\n' + PLAIN
    client = t.client(t.outrider(config, origin=t.origin()))
    for _ in range(5):
        idle(t, 0.4)
        t.equal(client.get().status, 200, "status")


def test_target(t):
    """a kept connection to a target is closed when nobody uses it"""
    config = PLAIN.replace("targets: [ @origin@ ]", "targets: [ @origin@ ], keep_alive: { idle_timeout: 400ms }")
    origin = t.origin()
    outrider = t.outrider(config, origin=origin)
    client = t.client(outrider)
    for _ in range(3):
        client.get()
    t.equal(len(origin.connections), 1, "connections while it is used")
    origin.wait_idle()
    t.equal(client.get().status, 200, "status afterwards")
    t.equal(len(origin.connections), 2, "connections")


main()
