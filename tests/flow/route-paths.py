#!/usr/bin/env python3
# tests/flow/route-paths.py - routes by path.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_kinds(t):
    """exact before template before regex before prefix"""
    client = t.client(routed(t, {
        "all": 'match: { paths: ["/**"] }',
        "users": 'match: { paths: ["/users/**"] }',
        "regex": 'match: { paths: ["~^/users/[0-9]+$", "~^/regex/.*x$"] }',
        "template": 'match: { paths: ["/users/{id}/posts", "/t/*"] }',
        "exact": 'match: { paths: ["/users/me/posts", "/users/7/posts", "/t/one"] }'}))
    takes(t, client, [
        ("/", "all"), ("/else", "all"), ("/users", "users"), ("/users/", "users"), ("/users/a/b/c", "users"),
        ("/users/42", "regex"), ("/users/42/", "users"), ("/regex/abcx", "regex"), ("/regex/abc", "all"),
        ("/users/42/posts", "template"), ("/t/x", "template"), ("/t/x/y", "all"), ("/t/", "all"), ("/t", "all"),
        ("/users/me/posts", "exact"), ("/users/7/posts", "exact"), ("/t/one", "exact"), ("/users/me/posts/", "users"),
        ("/usersx", "all"), ("/users/me/posts?x=1", "exact")])


def test_longest_prefix(t):
    """a literal segment beats a named one, from the left; the longer prefix beats the shorter"""
    client = t.client(routed(t, {
        "short": 'match: { paths: ["/a/**"] }',
        "long": 'match: { paths: ["/a/b/**"] }',
        "named": 'match: { paths: ["/a/{x}/c/**"] }',
        "left": 'match: { paths: ["/p/{x}/q"] }',
        "right": 'match: { paths: ["/p/r/{x}"] }'}))
    takes(t, client, [("/a/x", "short"), ("/a/b/x", "long"), ("/a/b", "long"), ("/a/z/c/d", "named"),
                      ("/a/b/c/d", "long"), ("/p/r/q", "right"), ("/p/s/q", "left")])


def test_exact_details(t):
    """a trailing slash and case matter"""
    client = t.client(routed(t, {"one": 'match: { paths: ["/a/b"] }'}))
    takes(t, client, [("/a/b", "one"), ("/a/b/", 404), ("/A/b", 404), ("/a", 404), ("/a/b/c", 404)])


def test_regex_order(t):
    """regular expressions are tried in the order of the file"""
    client = t.client(routed(t, {"first": 'match: { paths: ["~^/r/a.*"] }',
                                 "second": 'match: { paths: ["~^/r/.*z$"] }'}))
    takes(t, client, [("/r/abz", "first"), ("/r/bz", "second"), ("/r/b", 404)])


def test_regex_limit(t):
    """an expression that backtracks without end costs a bounded time"""
    outrider = routed(t, {"trap": 'match: { paths: ["~^/x/(a+)+$"] }', "rest": 'match: { paths: ["/**"] }'})
    client = t.client(outrider)
    began = time.monotonic()
    takes(t, client, [("/x/" + "a" * 60 + "!", "rest"), ("/x/aaa", "trap")])
    t.at_most(time.monotonic() - began, 10, "seconds")


def test_all_in_file_order(t):
    """of two equal routes the first in the file is taken"""
    client = t.client(routed(t, {"first": 'match: { paths: ["/a/**"] }',
                                 "second": 'match: { paths: ["/a/**", "/b"] }'}))
    takes(t, client, [("/a/x", "first"), ("/b", "second")])


def test_disabled(t):
    """a disabled route is not there"""
    client = t.client(routed(t, {"off": 'match: { paths: ["/a"] }, enabled: false',
                                 "all": 'match: { paths: ["/**"] }'}))
    takes(t, client, [("/a", "all")])


def test_many_routes(t):
    """of 2000 routes each request takes its own"""
    origin = t.origin()
    lines = "".join(f'  - {{ name: r{i}, match: {{ paths: ["/m/{i}/**"] }}, service: web, '
                    f'rewrite: {{ path: "/took/{i}" }} }}\n' for i in range(2000))
    client = t.client(t.outrider("services: [ { name: web, targets: [ @origin@ ] } ]\nroutes:\n" + lines,
                                 origin=origin))
    for i in (0, 1, 999, 1000, 1999):
        client.get(f"/m/{i}/x")
        t.equal(origin.requests[-1].target, f"/took/{i}", "target")
    t.equal(client.get("/m/2000/x").status, 404, "status")


main()
