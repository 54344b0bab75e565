#!/usr/bin/env python3
# tests/flow/register-faults.py - every call that registers, renews, looks and takes away, and everything that can go wrong with it.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

HUGE = 40 << 20                         # more than any answer may have


def stall(c):
    c.stall()
    return "close"


def reset(c):
    c.reset()
    return "close"


def cut(c):
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
    return "close"


def huge(c):
    try:
        c.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % HUGE)
        for _ in range(HUGE >> 16):
            c.send(b" " * 65536)
    except (Ended, OSError):
        pass
    return "close"


# What is known to have happened to the call is another question: an agent that answers 200 has done it, whatever its body says.
FAULTS = {"broken": lambda c: c.respond(500, [], b"boom"), "forbidden": lambda c: c.respond(403, [], b"Permission denied"),
          "garbage": lambda c: c.respond(200, [], b"{{{"), "nonsense": lambda c: c.send(b"SSH-2.0-x\r\n") or "close",
          "empty": lambda c: c.respond(200, [], b""), "cut": cut, "reset": reset, "stall": stall, "huge": huge}


class Crowd:
    """A daemon with a registry for each fault, of one kind, and one that is as it should be; one registration in each."""
    def __init__(self, t, kind):
        start_clock(100)
        self.t, self.kind = t, kind
        self.registries = {name: (Consul if kind == "consul" else Etcd)(t) for name in [*FAULTS, "good"]}
        self.app = t.origin(name="app")
        names = list(self.registries)
        text = "\n".join([
            "node: { name: n1 }",
            "shutdown: { deregister_wait: 25s }",
            "registries:",
            *(f'  {name}: {{ type: {kind}, address: "@{name}.url@" }}' for name in names),
            "services: [ { name: app, targets: [ @app@ ] } ]",
            'routes: [ { match: { paths: ["/**"] }, service: app } ]',
            "register:",
            *(f"  - {{ registry: {name}, name: web, port: 8443, address: 192.0.2.1 }}" for name in names)]) + "\n"
        self.text, self.outrider = text, None

    def start(self):
        self.outrider = self.t.outrider(self.text, app=self.app, **self.registries)

    def is_there(self, name):
        registry = self.registries[name]
        if self.kind == "consul":
            return registry.status("web-n1-8443") == "passing"
        value = registry.value("/services/web/n1-8443")
        return value is not None and value["state"] == "passing"

    def wait_there(self, names=None):
        for name in names or self.registries:
            self.t.wait_until(lambda: self.is_there(name), f"what is registered at {name}")

    def break_calls(self, call):
        """From now on each but the good one answers this call with its fault; returns how often each was asked."""
        asked = {name: 0 for name in FAULTS}

        def breaking(name, fault):
            def agent(c, said):
                if said.word != call:
                    return None
                asked[name] += 1
                return fault(c) or "done"

            def handler(c, *_):
                asked[name] += 1
                return fault(c)
            return agent if self.kind == "consul" and call != "look" else handler
        for name, fault in FAULTS.items():
            registry = self.registries[name]
            if self.kind == "etcd":
                registry.on(call, breaking(name, fault))
            elif call == "look":
                registry.on("web", breaking(name, fault))
            else:
                registry.agent = breaking(name, fault)
        return asked

    def mend(self, call):
        for name in FAULTS:
            registry = self.registries[name]
            if self.kind == "etcd":
                registry.on(call, None)
            elif call == "look":
                registry.on("web", None)
            else:
                registry.agent = None

    def others_go_on(self):
        self.t.equal(self.t.get(self.outrider).status, 200, "a request meanwhile")
        self.t.true(self.is_there("good"), "what is registered at the good one")


def breaks_from_start(t, kind, call):
    w = Crowd(t, kind)
    asked = w.break_calls(call)
    w.start()
    w.wait_there(["good"])
    before = w.outrider.peak_kib()
    t.wait_until(lambda: all(asked.values()), f"each to be asked once: {asked}")
    w.others_go_on()
    if not sanitized():
        t.at_most((w.outrider.peak_kib() - before) / 1024, 100, "MiB for answers without an end")
    w.mend(call)
    w.wait_there()


def breaks_later(t, kind, call):
    w = Crowd(t, kind)
    w.start()
    w.wait_there()
    asked = w.break_calls(call)
    t.wait_until(lambda: all(asked.values()), f"each to be asked once: {asked}")
    w.others_go_on()
    w.mend(call)
    if kind == "consul":
        for name in w.registries:
            w.registries[name].forget()
    else:
        for name in w.registries:
            w.registries[name].lose_leases()
    w.wait_there()


def breaks_at_stop(t, kind, call):
    w = Crowd(t, kind)
    w.start()
    w.wait_there()
    asked = w.break_calls(call)
    began = time.monotonic()
    w.outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: not w.is_there("good"), "the good one to hear of it")
    t.wait_until(lambda: all(asked.values()), f"each to be asked once: {asked}")
    w.mend(call)
    t.equal(w.outrider.wait(), 0, "exit code")
    t.say(f"{time.monotonic() - began:.1f} s")
    for name in w.registries:
        if name not in ("empty", "garbage", "huge", "cut", "nonsense"):     # these say 200, or may have done it
            t.true(not w.is_there(name), f"nothing left at {name}")


def test_consul_register(t):
    """Consul: whatever is wrong with the answer to a registration, the others are registered, and this one afterwards"""
    breaks_from_start(t, "consul", "service/register")


def test_consul_renewal(t):
    """Consul: likewise a renewal"""
    breaks_later(t, "consul", "check/update")


def test_consul_deregister(t):
    """Consul: likewise the last word, and the stop ends"""
    breaks_at_stop(t, "consul", "service/deregister")


def test_consul_look(t):
    """Consul: likewise the look whether others still find it"""
    breaks_at_stop(t, "consul", "look")


def test_etcd_grant(t):
    """etcd: whatever is wrong with the answer to a grant, the others are registered, and this one afterwards"""
    breaks_from_start(t, "etcd", "/v3/lease/grant")


def test_etcd_put(t):
    """etcd: likewise the key"""
    breaks_from_start(t, "etcd", "/v3/kv/txn")


def test_etcd_renewal(t):
    """etcd: likewise a renewal"""
    breaks_later(t, "etcd", "/v3/lease/keepalive")


def test_etcd_revoke(t):
    """etcd: likewise the end of the lease, and the stop ends"""
    breaks_at_stop(t, "etcd", "/v3/lease/revoke")


def test_etcd_look(t):
    """etcd: likewise the look whether others still find it"""
    breaks_at_stop(t, "etcd", "/v3/kv/range")


main()
