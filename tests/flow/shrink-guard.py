#!/usr/bin/env python3
# tests/flow/shrink-guard.py - answers that take targets away: what is held, for how long, and what is believed at once.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
registries: { consul: { type: consul, address: "@consul.url@" } }
services: [ { name: web, source: { registry: consul }, retry: { max_retries: 0 } @guard@ } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


class World:
    def __init__(self, t, n, guard="hold: 2s", more=""):
        self.t = t
        self.origins = [t.origin(name=str(i)) for i in range(n)]
        self.consul = Consul(t)
        self.name(*range(n))
        guard = f", shrink_guard: {{ {guard} }}" if guard else ""
        self.outrider = t.outrider(CONFIG.replace("@guard@", guard + more), consul=self.consul)
        self.consul.wait_blocked("web")
        self.started = None

    def name(self, *which):
        """What Consul names from now on."""
        self.started = time.monotonic()
        self.consul.set("web", *(instance(self.origins[i]) for i in which))

    def states(self):
        return {target["address"]: target["state"] for target in self.outrider.service("web")["targets"]}

    def are(self, active, held):
        want = {f"127.0.0.1:{self.origins[i].port}": "active" for i in active}
        want.update({f"127.0.0.1:{self.origins[i].port}": "held" for i in held})
        return self.states() == want

    def come_to(self, active, held=()):
        self.t.wait_until(lambda: self.are(active, held), f"active {active} and held {held}, not {self.states()}")
        return time.monotonic() - self.started

    def mode(self):
        return self.outrider.service("web")["sources"][0]["mode"]


def test_emptied(t):
    """an answer that leaves none: those that answer are kept for `hold`, and no request fails"""
    w = World(t, 2)
    client = t.client(w.outrider)
    w.name()
    w.come_to((), (0, 1))
    t.equal(w.mode(), "held", "mode")
    while w.mode() == "held" and time.monotonic() - w.started < 1.8:
        t.equal(client.get().status, 200, "status while held")
    took = w.come_to(())
    t.true(1.9 <= took <= 3, f"seconds until they were let go: {took}")
    t.equal(w.mode(), "live", "mode after it")
    t.equal(client.get().status, 503, "status after it")
    t.contains(w.outrider.stderr(), "the answer leaves none (2 of 2 targets are gone)", "log")


def test_dead(t):
    """those that do not answer are gone at once"""
    w = World(t, 4, guard="hold: 1h")
    for origin in w.origins[1:]:
        origin.shut()
    w.name(0)
    t.at_most(w.come_to((0,)), 1, "seconds")
    t.equal(w.mode(), "live", "mode")


def test_hanging(t):
    """those that hang are gone after a second"""
    full = t.closing(Full())
    w = World(t, 1, guard="hold: 1h")
    w.consul.set("web", instance(w.origins[0]), instance(full))
    t.wait_until(lambda: len(w.states()) == 2, "both")
    w.name()
    took = w.come_to((), (0,))
    t.true(1 <= took <= 3, f"seconds: {took}")


def test_share(t):
    """half of them may go at once, more are held; and what comes back is active again"""
    w = World(t, 4, guard="hold: 1h")
    w.name(0, 1)
    w.come_to((0, 1))
    w.name(0, 1, 2, 3)
    w.come_to((0, 1, 2, 3))
    w.name(0)
    w.come_to((0,), (1, 2, 3))
    w.name(0, 2, 3)
    w.come_to((0, 2, 3))                                # one of four may go
    t.equal(w.mode(), "live", "mode")


def test_small(t):
    """a service smaller than min_size loses what it loses, but for the last one"""
    w = World(t, 3, guard="hold: 1h")
    w.name(0)
    w.come_to((0,))
    w.name()
    w.come_to((), (0,))


def test_not_restarted(t):
    """another shrinking answer does not begin the hold anew"""
    w = World(t, 5)
    w.name(0, 1)
    w.come_to((0, 1), (2, 3, 4))
    begun = w.started
    t.wait_until(lambda: time.monotonic() - begun > 1, "a second to pass")
    w.name()
    w.come_to((), (0, 1, 2, 3, 4))
    w.come_to(())
    took = time.monotonic() - begun
    t.true(took < 2.8, f"seconds from the first shrinking answer to the end: {took}")


def test_dies_while_held(t):
    """a held target that ceases to answer is let go before the end"""
    w = World(t, 2, guard="hold: 1h")
    w.name()
    w.come_to((), (0, 1))
    w.origins[1].shut()
    w.come_to((), (0,))


def test_replaced(t):
    """new targets in place of the old ones are taken at once; the old ones are held beside them"""
    w = World(t, 8, guard="hold: 1h")
    w.name(4, 5, 6, 7)
    w.come_to((4, 5, 6, 7))                             # half of eight
    w.name(0, 1, 2, 3)
    w.come_to((0, 1, 2, 3), (4, 5, 6, 7))


def test_off(t):
    """hold: 0s switches it off"""
    w = World(t, 2, guard="hold: 0s")
    w.name()
    t.at_most(w.come_to(()), 1, "seconds")
    t.equal(w.mode(), "live", "mode")


def test_critical(t):
    """being critical is not being gone: such a target is out at once"""
    w = World(t, 1)
    w.consul.set("web", instance(w.origins[0], status="critical"))
    t.wait_until(lambda: list(w.states().values()) == ["unhealthy"], "the target to be unhealthy")
    t.equal(t.get(w.outrider).status, 503, "status")


def test_probed_by_health_check(t):
    """with a health check the probe is that check"""
    w = World(t, 2, guard="hold: 1h", more=", health_check: { path: /ok, interval: 1h }")
    t.wait_until(lambda: all(target["last_check"] for target in w.outrider.service("web")["targets"]), "the first checks")
    w.origins[1].answer("/ok", status=500)
    w.name()
    w.come_to((), (0,))


def test_reload_frees(t):
    """a service that is reloaded to another source takes its targets as they are"""
    w = World(t, 2, guard="hold: 1h")
    w.name()
    w.come_to((), (0, 1))
    config = CONFIG.replace("@guard@", "").replace("source: { registry: consul }", "targets: [ @it@ ]")
    w.outrider.things["it"] = w.origins[1]
    w.outrider.configure(config)
    w.outrider.signal(signal.SIGHUP)
    w.come_to((1,))


main()
