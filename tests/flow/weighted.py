#!/usr/bin/env python3
# tests/flow/weighted.py - balancer: weighted.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def shares(t, weights, n, balancer="weighted"):
    origins = {name: t.origin(name=name) for name in weights}
    targets = ", ".join(f"{{ host: 127.0.0.1, port: @{name}.port@, weight: {weight} }}" for name,
                        weight in weights.items())
    config = f"""
services: [ {{ name: web, targets: [ {targets} ], balancer: {balancer} }} ]
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""
    client = t.client(t.outrider(config, **origins))
    return "".join(client.get().text() for _ in range(n))


def test_exact(t):
    """each round of as many requests as the sum of weights has the exact shares"""
    got = shares(t, {"a": 3, "b": 2, "c": 1}, 60)
    for at in range(0, 60, 6):
        t.equal("".join(sorted(got[at:at + 6])), "aaabbc", f"round {at // 6} of {got}")


def test_smooth(t):
    """a heavy target's turns are spread, not bunched"""
    got = shares(t, {"a": 4, "b": 2, "c": 2}, 64)
    t.lacks(got, "aaa", f"three of a in a row in {got}")


def test_as_object(t):
    """the balancer may be written as an object"""
    got = shares(t, {"a": 1, "b": 1}, 10, "{ type: weighted }")
    t.equal((got.count("a"), got.count("b")), (5, 5), f"shares of {got}")


def test_unequal_by_far(t):
    """1 in 100 is 1 in 100"""
    got = shares(t, {"a": 99, "b": 1}, 200)
    t.equal(got.count("b"), 2, "requests to b of 200")


main()
