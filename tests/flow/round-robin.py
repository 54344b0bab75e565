#!/usr/bin/env python3
# tests/flow/round-robin.py - targets in turn, exactly.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def config(targets, more="", workers="auto"):
    return f"""
workers: {workers}
services: [ {{ name: web, targets: [ {targets} ]{more} }} ]
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""


def three(t):
    return {name: t.origin(name=name) for name in "abc"}


def turns(t, outrider, n, clients=1):
    """The names of the targets in the order in which they were asked."""
    connections = [t.client(outrider) for _ in range(clients)]
    return "".join(connections[i % clients].get().text() for i in range(n))


def test_order(t):
    """three targets are asked in their order, over and over"""
    got = turns(t, t.outrider(config("@a@, @b@, @c@"), **three(t)), 30)
    t.true(got in "abc" * 12, f"order {got}")


def test_order_of_many_clients(t):
    """the order is the process's: it holds over clients and workers"""
    got = turns(t, t.outrider(config("@a@, @b@, @c@", workers=4), **three(t)), 60, clients=7)
    t.true(got in "abc" * 22, f"order {got}")


def test_named(t):
    """balancer: round_robin is the default by its name"""
    got = turns(t, t.outrider(config("@a@, @b@, @c@", ", balancer: round_robin"), **three(t)), 9)
    t.true(got in "abc" * 5, f"order {got}")


def test_busy(t):
    """the order does not depend on how long answers take"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"b")
    released = []
    origins = three(t)
    origins["b"].on("/slow", slow)
    outrider = t.outrider(config("@a@, @b@, @c@"), **origins)
    client = t.client(outrider)
    while client.get("/").text() != "a":
        pass
    parked = t.client(outrider)
    parked.request("GET", "/slow")
    origins["b"].wait_requests(1)
    t.wait_until(lambda: any(r.target == "/slow" for r in origins["b"].requests), "the slow request at b")
    got = turns(t, outrider, 9)
    t.true(got in "abc" * 5, f"order {got}")
    released.append(True)
    t.equal(parked.response().text(), "b", "slow answer")


def test_shares(t):
    """different weights: exact shares, spread smoothly"""
    origins = three(t)
    targets = ", ".join(f"{{ host: 127.0.0.1, port: @{name}.port@, weight: {weight} }}"
                        for name, weight in (("a", 5), ("b", 1), ("c", 1)))
    got = turns(t, t.outrider(config(targets), **origins), 70)
    t.equal({name: got.count(name) for name in "abc"}, {"a": 50, "b": 10, "c": 10}, f"shares of {got}")
    for at in range(0, 70, 7):
        t.equal("".join(sorted(got[at:at + 7])), "aaaaabc", f"turn {at // 7} of {got}")
    t.lacks(got, "aaaaaa", "more than five of a in a row: smooth")


def test_weight_zero(t):
    """weight 0 takes no traffic"""
    origins = three(t)
    targets = "@a@, { host: 127.0.0.1, port: @b.port@, weight: 0 }, @c@"
    got = turns(t, t.outrider(config(targets), **origins), 20)
    t.equal({name: got.count(name) for name in "abc"}, {"a": 10, "b": 0, "c": 10}, f"shares of {got}")


main()
