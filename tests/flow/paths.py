#!/usr/bin/env python3
# tests/flow/paths.py - one normalised path: matched, and forwarded; dangerous spellings refused.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

NORMALISED = [
    ("/a/b", "/a/b"), ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/a/b/..", "/a/"), ("/a/b/.", "/a/b/"),
    ("/../../x", "/x"),
    ("/a//b", "/a/b"), ("//a///b//", "/a/b/"), ("/%61%2D%7e", "/a-~"), ("/a/%2e%2e/b", "/b"), ("/a/%2E/b", "/a/b"),
    ("/a/.%2e/b", "/b"), ("/caf%C3%A9", "/caf%C3%A9"), ("/caf%c3%a9", "/caf%C3%A9"), ("/a%20b", "/a%20b"),
    ("/a%25b", "/a%25b"),
    ("/a/%252e%252e/b", "/a/%252e%252e/b"), ("/a;v=1/b", "/a;v=1/b"), ("/a:@!$&'()*+,=b", "/a:@!$&'()*+,=b"),
    ("/a?x=/../%2e%2e//", "/a?x=/../%2e%2e//"), ("/a?", "/a?"), ("/?a=%00", "/?a=%00"), ("/a/..b/c..", "/a/..b/c.."),
    ("/.../a", "/.../a"), ("/a?x=y?z", "/a?x=y?z")]
REFUSED = ["/%00", "/a%00b", "/a%5Cb", "/a%5c..%5cb", "/a\\b", "/a%2Fb", "/a%2fb", "/a%01b", "/a%0d%0ab", "/a%7f",
           "/a%", "/a%4",
           "/a%zz", "/..;/a", "/a/..;x=1/b", "/a/.;/b", "/a/%2e%2e;/b", "/a#b", "/a%09b"]


def test_forwarded(t):
    """a path is normalised once, and that is what the target sees"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for asked, want in NORMALISED:
        t.equal(client.get(asked).status, 200, f"status of {asked}")
        t.equal(origin.requests[-1].target, want, f"target of {asked}")


def test_matched(t):
    """the normalised path is what routes are matched by"""
    client = t.client(routed(t, {"admin": 'match: { paths: ["/admin/**"] }', "public": 'match: { paths: ["/**"] }'}))
    takes(t, client, [("/admin/x", "admin"), ("/public/../admin/x", "admin"), ("//admin/x", "admin"),
                      ("/%61dmin/x", "admin"),
                      ("/./admin/x", "admin"), ("/public/%2e%2e/admin/x", "admin"), ("/admin/../x", "public"),
                      ("/%2561dmin/x", "public"), ("/ADMIN/x", "public")])


def test_refused(t):
    """7: paths that servers read in different ways are 400, and reach nobody"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for asked in REFUSED:
        t.equal(t.get(outrider, asked).status, 400, f"status of {asked!r}")
    t.equal([r.target for r in origin.requests], [], "targets seen by the target")


def test_high_bytes(t):
    """7: bytes above 127 in a target are 400"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n")
    t.equal(client.response().status, 400, "status")
    t.equal(origin.requests, [], "requests at the target")


def test_encoded_slash_kept(t):
    """encoded_slash: keep leaves %2F as it is, matched and forwarded"""
    config = """
listeners: [ { name: main, address: "@main@", path: { encoded_slash: keep } } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/one/{x}", "/two/*/z"] }, service: web } ]
"""
    origin = t.origin()
    client = t.client(t.outrider(config, origin=origin))
    for asked, want in (("/one/a%2Fb",) * 2, ("/one/a%2fb", "/one/a%2Fb"), ("/two/a%2Fb/z",) * 2,
                        ("/one/..%2Fadmin",) * 2):
        t.equal(client.get(asked).status, 200, f"status of {asked}")
        t.equal(origin.requests[-1].target, want, f"target of {asked}")
    t.equal(client.get("/one/a/b").status, 404, "two segments")
    t.equal(client.get("/one/%5C").status, 400, "a backslash")


def test_semicolon_refused(t):
    """semicolon: reject refuses parameters of segments"""
    config = """
listeners: [ { name: main, address: "@main@", path: { semicolon: reject } } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    client = t.client(t.outrider(config, origin=t.origin()))
    takes(t, client, [("/a", "hello"), ("/a?b;c", "hello"), ("/a;b", 400)])


def test_slashes_kept(t):
    """merge_slashes: false keeps empty segments"""
    config = """
listeners: [ { name: main, address: "@main@", path: { merge_slashes: false } } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    origin = t.origin()
    client = t.client(t.outrider(config, origin=origin))
    client.get("/a//b")
    t.equal(origin.last.target, "/a//b", "target")


def test_asterisk(t):
    """* is for OPTIONS alone (options.py); with another method it is 400"""
    t.equal(t.client(t.outrider(PLAIN, origin=t.origin())).ask("GET", "*").status, 400, "GET *")


REWRITES = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes:
  - { match: { paths: ["/strip/**"] }, service: web, rewrite: { strip_prefix: /strip } }
  - { match: { paths: ["/cut/**"] }, service: web, rewrite: { strip_segments: 2 } }
  - { match: { paths: ["/put/**"] }, service: web, rewrite: { strip_prefix: /put, prefix: /v1 } }
  - { match: { paths: ["/whole/{a}/{b}"] }, service: web, rewrite: { path: "/to/{b}/{a}" } }
"""


def test_rewritten(t):
    """7: a rewrite works on the normalised path, and what comes out of it is normal, too"""
    origin = t.origin()
    client = t.client(t.outrider(REWRITES, origin=origin))
    for asked, want in (
            ("/strip/a/../b", "/b"), ("/strip/%2e/a", "/a"), ("/strip//a", "/a"), ("/strip", "/"), ("/strip/", "/"),
            ("/x/../strip/a", "/a"), ("/strip/x/../../strip/y", "/y"), ("/cut/a/b", "/b"), ("/cut/a", "/"), ("/cut//a//b", "/b"),
            ("/cut/a/../b/c", "/c"), ("/put/a", "/v1/a"), ("/put/%2e%2e/put/a", "/v1/a"), ("/put", "/v1"),
            ("/whole/x/y", "/to/y/x"), ("/whole/x/..%2e", "/to/.../x"), ("/whole/x/%252e%252e", "/to/%252e%252e/x"),
            ("/whole/z/../x/y", "/to/y/x"), ("/strip/a?b=/../c", "/a?b=/../c")):
        t.equal(client.get(asked).status, 200, f"status of {asked}")
        t.equal(origin.requests[-1].target, want, f"target of {asked}")
    seen = len(origin.requests)
    for asked, want in (("/strip/..", 404), ("/strip/%2e%2e/a", 404), ("/put/../a", 404), ("/whole/x/%2F", 400),
                        ("/whole/x/..;a", 400), ("/whole/x/..", 404), ("/whole/%2e%2e/x/y", 404)):
        t.equal(client.get(asked).status, want, f"status of {asked}")
    t.equal(len(origin.requests), seen, "requests at the target")


main()
