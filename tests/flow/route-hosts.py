#!/usr/bin/env python3
# tests/flow/route-hosts.py - routes by host.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_hosts(t):
    """exact before the longest wildcard before none; case and port do not matter"""
    client = t.client(routed(t, {
        "any": 'match: { paths: ["/**"] }',
        "wide": 'match: { hosts: ["*.example.com"], paths: ["/**"] }',
        "narrow": 'match: { hosts: ["*.api.example.com"], paths: ["/**"] }',
        "exact": 'match: { hosts: ["www.example.com", "two.example.com"], paths: ["/**"] }'}))
    takes(t, client, [({"target": "/", "host": host}, want) for host, want in [
        ("www.example.com", "exact"), ("two.example.com", "exact"), ("WWW.Example.COM", "exact"),
        ("www.example.com:8080", "exact"), ("other.example.com", "wide"), ("api.example.com", "wide"),
        ("v1.api.example.com", "narrow"), ("a.b.api.example.com", "narrow"), ("example.com", "any"), ("else", "any"),
        ("127.0.0.1:80", "any"), ("xexample.com", "any"), ("www.example.com.evil.org", "any")]])


def test_host_none(t):
    """a host that no route has is 404"""
    client = t.client(routed(t, {"one": 'match: { hosts: ["a.example"], paths: ["/**"] }'}))
    takes(t, client, [({"target": "/", "host": "a.example"}, "one"), ({"target": "/", "host": "b.example"}, 404)])


def test_host_before_path(t):
    """the host decides before the path"""
    client = t.client(routed(t, {"exact_path": 'match: { paths: ["/a"] }',
                                 "host": 'match: { hosts: [h.example], paths: ["/**"] }'}))
    takes(t, client, [({"target": "/a", "host": "h.example"}, "host"), ("/a", "exact_path")])


def test_host_falls_through(t):
    """a request that no route of its host takes falls through to the wider ones"""
    client = t.client(routed(t, {"any": 'match: { paths: ["/a"] }',
                                 "host": 'match: { hosts: [h.example], paths: ["/b"] }'}))
    takes(t, client, [({"target": "/a", "host": "h.example"}, "any"), ({"target": "/b", "host": "h.example"}, "host"),
                      ({"target": "/c", "host": "h.example"}, 404)])


def test_absolute_form(t):
    """an absolute-form target replaces Host, for the route and for the target"""
    outrider = routed(t, {"one": 'match: { hosts: [one.example], paths: ["/**"] }',
                          "two": 'match: { hosts: [two.example], paths: ["/**"] }'})
    client = t.client(outrider)
    takes(t, client, [({"target": "http://one.example/p?q", "host": "two.example"}, "one"),
                      ({"target": "http://TWO.example:80", "host": "one.example"}, "two")])
    request = outrider.things["one"].last
    t.equal((request.target, request.get("host")), ("/p?q", "one.example"), "request at the target")
    t.equal(outrider.things["two"].last.target, "/", "an empty path becomes /")


main()
