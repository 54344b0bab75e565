#!/usr/bin/env python3
# tests/flow/route-conditions.py - routes by method, header and query; listeners.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_methods(t):
    """a route with methods beats one without, and another method falls through"""
    client = t.client(routed(t, {"any": 'match: { paths: ["/**"] }',
                                 "write": 'match: { paths: ["/**"], methods: [POST, PUT] }'}))
    takes(t, client, [("/a", "any"), ({"target": "/a", "method": "POST"}, "write"),
                      ({"target": "/a", "method": "PUT"}, "write"), ({"target": "/a", "method": "DELETE"}, "any")])


def test_405_or_404(t):
    """405 only if nothing but the method failed"""
    client = t.client(routed(t, {"a": 'match: { paths: ["/a"], methods: [GET] }',
                                 "b": 'match: { paths: ["/a"], methods: [PUT], headers: { x-k: v } }'}))
    takes(t, client, [({"target": "/a", "method": "DELETE"}, 405), ({"target": "/b", "method": "DELETE"}, 404)])
    answer = client.ask("DELETE", "/a")
    t.equal("PUT" in answer.get("allow"), False, "a method whose other conditions fail is not allowed")


def test_head_goes_where_get_goes(t):
    """a route for GET takes HEAD (RFC 9110 9.3.2), unless another for the same path names it"""
    names = {"get": 'match: { paths: ["/a", "/b"], methods: [GET] }', "heads": 'match: { paths: ["/b"], methods: [HEAD] }',
             "others": 'match: { paths: ["/**"] }'}
    client = t.client(routed(t, names))
    takes(t, client, [("/a", "get"), ("/b", "get"), ("/c", "others")])
    for target, want in (("/a", "get"), ("/b", "heads"), ("/c", "others")):
        t.equal(client.ask("HEAD", target).get("content-length"), str(len(want)), f"the length of the answer of {want}")
    client = t.client(routed(t, {"get": 'match: { paths: ["/a"], methods: [GET] }'}))
    t.equal(client.ask("POST", "/a").get("allow"), "GET, HEAD", "Allow")


def test_headers(t):
    """headers: a value, a regex, present"""
    client = t.client(routed(t, {
        "none": 'match: { paths: ["/**"] }',
        "value": 'match: { paths: ["/**"], headers: { X-Version: "2" } }',
        "regex": 'match: { paths: ["/**"], headers: { x-canary: "~^(1|true)$" } }',
        "present": 'match: { paths: ["/**"], headers: { x-debug: null } }'}))

    def asked(*headers):
        return {"target": "/", "headers": headers}
    takes(t, client, [
        (asked(), "none"), (asked(("x-version", "2")), "value"), (asked(("X-VERSION", "2")), "value"),
        (asked(("x-version", "22")), "none"), (asked(("x-canary", "true")), "regex"), (asked(("x-canary", "10")),
            "none"),
        (asked(("x-debug", "")), "present"), (asked(("x-debug", "anything")), "present")])


def test_more_conditions_win(t):
    """more conditions beat fewer, and all of them must hold"""
    client = t.client(routed(t, {
        "one": 'match: { paths: ["/**"], headers: { x-a: "1" } }',
        "two": 'match: { paths: ["/**"], headers: { x-a: "1", x-b: "1" } }',
        "mixed": 'match: { paths: ["/**"], headers: { x-a: "1", x-b: "1" }, query: { q: "1" } }'}))
    a, b = ("x-a", "1"), ("x-b", "1")
    takes(t, client, [
        ({"target": "/", "headers": [a]}, "one"), ({"target": "/", "headers": [a, b]}, "two"),
        ({"target": "/?q=1", "headers": [a, b]}, "mixed"), ({"target": "/?q=2", "headers": [a, b]}, "two"),
        ({"target": "/", "headers": [b]}, 404)])


def test_header_twice(t):
    """11: of a field that stands twice, or is a list, every value is looked at: none evades a route"""
    client = t.client(routed(t, {
        "open": 'match: { paths: ["/**"] }',
        "guarded": 'match: { paths: ["/**"], headers: { x-role: "admin" } }',
        "regex": 'match: { paths: ["/**"], headers: { x-tag: "~^b[0-9]$" } }',
        "whole": 'match: { paths: ["/**"], headers: { x-pair: "a, b" } }'}))

    def asked(name, *values):
        return {"target": "/", "headers": [(name, value) for value in values]}
    takes(t, client, [
        (asked("x-role", "admin"), "guarded"), (asked("x-role", "user"), "open"),
        (asked("x-role", "admin", "user"), "guarded"), (asked("x-role", "user", "admin"), "guarded"),
        (asked("x-role", "user, admin"), "guarded"), (asked("x-role", "admin,user"), "guarded"),
        (asked("x-role", "", "user", " , admin ,"), "guarded"), (asked("x-role", "administrator, user"), "open"),
        (asked("X-ROLE", "a", "b", "c", "d", "admin"), "guarded"), (asked("x-role", '"a, admin"'), "open"),
        (asked("x-tag", "a1", "b2"), "regex"), (asked("x-tag", "a1, b2"), "regex"), (asked("x-tag", "a1, b22"), "open"),
        (asked("x-pair", "a, b"), "whole"), (asked("x-pair", "a", "b"), "open")])


def test_query(t):
    """query parameters: a value, a regex, present"""
    client = t.client(routed(t, {
        "none": 'match: { paths: ["/**"] }',
        "value": 'match: { paths: ["/**"], query: { beta: "1" } }',
        "regex": 'match: { paths: ["/**"], query: { v: "~^[0-9]+$" } }',
        "present": 'match: { paths: ["/**"], query: { debug: null } }'}))
    takes(t, client, [
        ("/", "none"), ("/?beta=1", "value"), ("/?x=y&beta=1&z", "value"), ("/?beta=2", "none"),
        ("/?alphabeta=1", "none"),
        ("/?v=42", "regex"), ("/?v=x", "none"), ("/?debug", "present"), ("/?debug=", "present"), ("/?Debug", "none")])


def test_listeners(t):
    """a route holds for the listeners it names"""
    config = """
listeners: [ { name: main, address: "@main@" }, { name: second, address: "@second@" } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes:
  - { match: { paths: ["/both"] }, service: web }
  - { match: { paths: ["/main"] }, service: web, listeners: [main] }
  - { match: { paths: ["/second"] }, service: web, listeners: [second] }
"""
    second = t.closing(Port())
    outrider = t.outrider(config, origin=t.origin(), second=second.host + ":" + str(second.port))
    for where, statuses in ((outrider, (200, 200, 404)), (second, (200, 404, 200))):
        t.equal(tuple(t.get(where, target).status for target in ("/both", "/main", "/second")), statuses, "statuses")


def test_preflight(t):
    """a preflight takes the route of the method it asks for"""
    client = t.client(routed(t, {"read": 'match: { paths: ["/a"], methods: [GET] }',
                                 "write": 'match: { paths: ["/a"], methods: [PUT, OPTIONS] }'}))
    for method, want in (("PUT", "write"), ("GET", "read")):
        answer = client.ask("OPTIONS", "/a", headers=[("Origin", "http://x.example"),
                                                     ("Access-Control-Request-Method", method)])
        t.equal(answer.text(), want, f"route of a preflight for {method}")


main()
