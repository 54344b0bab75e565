#!/usr/bin/env python3
# tests/flow/target-names.py - targets that are names.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_name(t):
    """a name is resolved, and its address asked"""
    config = """
services: [ { name: web, targets: [ { host: localhost, port: @origin.port@ } ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    outrider = t.outrider(config, origin=t.origin())
    t.equal(t.get(outrider).body, b"hello", "body")
    t.contains(outrider.addresses("web"), f"127.0.0.1:{outrider.things['origin'].port}", "addresses")


def test_unknown_name(t):
    """a name that cannot be resolved is no target; other services do not wait for it"""
    config = """
services:
  - { name: lost, targets: [ { host: no-such-host.invalid, port: 80 } ] }
  - { name: web, targets: [ @origin@ ] }
routes:
  - { match: { paths: ["/lost"] }, service: lost }
  - { match: { paths: ["/**"] }, service: web }
"""
    outrider = t.outrider(config, origin=t.origin())
    t.equal(t.get(outrider).body, b"hello", "the other service")
    problem(t, t.get(outrider, "/lost"), 503, "no-target", "destination_unavailable")
    t.true(outrider.service("lost")["status"] in ("unknown", "unhealthy"), "status of the service")


main()
