#!/usr/bin/env python3
# tests/flow/rewrite.py - the path that the target gets to see.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def seen(t, rewrite, targets, paths='["/**"]'):
    """Pairs of (asked, what the target sees)."""
    config = f"""
services: [ {{ name: web, targets: [ @origin@ ] }} ]
routes: [ {{ match: {{ paths: {paths} }}, service: web, rewrite: {{ {rewrite} }} }} ]
"""
    origin = t.origin()
    client = t.client(t.outrider(config, origin=origin))
    for asked, want in targets:
        t.equal(client.get(asked).status, 200, f"status of {asked}")
        t.equal(origin.requests[-1].target, want, f"target of {asked}")


def test_strip_prefix(t):
    """strip_prefix takes whole segments from the front"""
    seen(t, "strip_prefix: /api", [("/api/users", "/users"), ("/api/", "/"), ("/api", "/"), ("/apis/x", "/apis/x"),
                                   ("/other", "/other"), ("/api/api/x", "/api/x"), ("/api?q=/api", "/?q=/api")])


def test_prefix(t):
    """prefix is put before the path"""
    seen(t, "prefix: /v1", [("/users", "/v1/users"), ("/", "/v1/"), ("/a?b=c", "/v1/a?b=c")])


def test_both(t):
    """strip_prefix first, then prefix"""
    seen(t, "strip_prefix: /api, prefix: /v1", [("/api/users?x=%2F", "/v1/users?x=%2F"), ("/api/a/b/", "/v1/a/b/")])


def test_segments(t):
    """strip_segments takes that many"""
    seen(t, "strip_segments: 2", [("/a/b/c/d", "/c/d"), ("/a/b/", "/"), ("/a/b", "/"), ("/a", "/"),
                                  ("/a/b/c?q", "/c?q")])


def test_path(t):
    """path replaces the whole path, and may name segments"""
    seen(t, 'path: "/users/{id}/of/{org}"', [("/o/7/u/42?q=1", "/users/42/of/7?q=1"),
                                             ("/o/a%20b/u/c", "/users/c/of/a%20b")],
         '["/o/{org}/u/{id}"]')


def test_no_decoding(t):
    """a rewrite decodes nothing again"""
    seen(t, "strip_prefix: /api", [("/api/a%20b/%25", "/a%20b/%25"), ("/api/%252e%252e/x", "/%252e%252e/x")])


def test_host(t):
    """the Host sent: preserve, target, or a value"""
    for host, want in (("preserve", "asked.example"), ("target", "127.0.0.1:@port@"),
                       ("fixed.example", "fixed.example")):
        origin = t.origin()
        config = f"""
services: [ {{ name: web, targets: [ @origin@ ], host: {host} }} ]
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""
        t.get(t.outrider(config, origin=origin), host="asked.example")
        t.equal(origin.last.all("host"), [want.replace("@port@", str(origin.port))], f"Host with host: {host}")


main()
