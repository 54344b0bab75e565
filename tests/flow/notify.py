#!/usr/bin/env python3
# tests/flow/notify.py - what the service manager is told.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def managed(t, config=PLAIN, watchdog=None, **more):
    manager = t.closing(notify.Manager(watchdog))
    return manager, t.outrider(config, env=manager.env, **more)


def test_life(t):
    """READY with what runs, RELOADING with the time before each reload and READY after it, STOPPING at the end"""
    manager, outrider = managed(t, origin=t.origin())
    manager.wait_for("READY")
    t.equal(manager.said("STATUS")[0], "generation 1, 1 routes, 1 services", "status")
    t.equal(manager.said("RELOADING"), [], "reloads")
    before = time.monotonic()
    outrider.signal(signal.SIGHUP)
    manager.wait_for("READY", 2)
    reloading = [words for words in manager.heard if "RELOADING" in words]
    t.equal(len(reloading), 1, "reloads")
    t.true(before <= int(reloading[0]["MONOTONIC_USEC"]) / 1e6 <= time.monotonic(), "the time is that of the reload")
    outrider.configure("routes: 7\n")
    outrider.signal(signal.SIGHUP)
    manager.wait_for("READY", 3)
    t.equal(manager.said("STATUS")[-1], "generation 2, 1 routes, 1 services", "status after a reload that was refused")
    t.equal(manager.said("WATCHDOG"), [], "a watchdog that nobody asked for")
    outrider.stop()
    t.equal(manager.said("STOPPING"), ["1"], "stopping")


def test_watchdog(t):
    """WATCHDOG is said four times in its time"""
    start_clock(40)
    manager, _ = managed(t, watchdog=2, origin=t.origin())
    manager.wait_for("READY")
    manager.forget()
    began = time.monotonic()
    manager.wait_for("WATCHDOG", 8)
    t.at_least(time.monotonic() - began, 3.0, "seconds for eight words")


def test_worker_stuck(t):
    """while one of the workers does not turn, WATCHDOG is not said; when it turns again, it is"""
    start_clock(60)
    manager, outrider = managed(t, "workers: 2\n" + PLAIN, watchdog=2, origin=t.origin())
    manager.wait_for("WATCHDOG", 4)
    with notify.Frozen(outrider, "worker-1"):
        t.wait_until(lambda: "1 of 2 workers do not turn" in outrider.stderr(), "it to be noticed")
        manager.expect_silence(t, "WATCHDOG", 2)
    manager.wait_for("WATCHDOG", 2)
    t.contains(outrider.stderr(), "0 of 2 workers do not turn", "log")


def parked(t, shutdown, watchdog=None):
    """A daemon with one request at the target that waits for release."""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow but whole")
    released = []
    origin = t.origin().on("/slow", slow)
    manager, outrider = managed(t, f"workers: 1\nshutdown: {shutdown}\n" + PLAIN, watchdog, origin=origin)
    client = t.client(outrider)
    client.request("GET", "/slow")
    origin.wait_requests(1)
    return manager, outrider, client, released


def test_draining(t):
    """while a drain lasts, the manager is asked for more time than until the next word, and told what is waited for"""
    start_clock(60)
    manager, outrider, client, released = parked(t, "{ deadline: 100s }")
    outrider.signal(signal.SIGTERM)
    manager.wait_for("STOPPING")
    began = time.monotonic()
    t.equal(set(manager.wait_for("EXTEND_TIMEOUT_USEC", 3)), {"15000000"}, "microseconds asked for")
    t.at_most((time.monotonic() - began) / 2, 10, "seconds between two words")
    t.equal(manager.said("STATUS")[-1], "draining, 1 requests in flight", "status")
    released.append(True)
    t.equal(client.response().body, b"slow but whole", "answer")
    t.equal(outrider.wait(), 0, "exit code")


def test_draining_stuck(t):
    """a worker that does not turn while draining gets no more time"""
    start_clock(90)
    manager, outrider, client, released = parked(t, "{ deadline: 100s }")
    outrider.signal(signal.SIGTERM)
    manager.wait_for("EXTEND_TIMEOUT_USEC")
    with notify.Frozen(outrider, "worker-0"):
        t.wait_until(lambda: "1 of 1 workers do not turn" in outrider.stderr(), "it to be noticed")
        manager.expect_silence(t, "EXTEND_TIMEOUT_USEC", 7)
    manager.wait_for("EXTEND_TIMEOUT_USEC")
    released.append(True)
    client.response()
    t.equal(outrider.wait(), 0, "exit code")


main()
