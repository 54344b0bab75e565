#!/usr/bin/env python3
# tests/flow/refuse-targets.py - 7: targets that servers read in different ways, in every way they can arrive.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

TARGET = (b"!$%&'()*+,-./:;=?@[]^_`{|}~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
ADMIN = """
services: [ { name: web, targets: [ @origin@ ] }, { name: closed, targets: [ @closed@ ] } ]
routes:
  - { match: { paths: ["/admin", "/admin/**"] }, service: closed }
  - { match: { paths: ["/**"] }, service: web }
"""


def lines(targets):
    return {repr(target): strict.get(line=b"GET " + target + b" HTTP/1.1") for target in targets}


def test_any_byte(t):
    """7: no byte stands in a target that has no place there: first, within a path, in a query"""
    needs_seam(t, "what its library hides cannot be refused")
    odd = [byte for byte in range(256) if byte not in TARGET]
    strict.refused(t, lines([text % byte for byte in odd for text in (b"%c/bad", b"/b%cad", b"/bad?a=%cb")
                             if not (byte == 0x20 and text[0] == 0x25)]), (400, 505), step=strict.SWEEP)


def test_encoded(t):
    """7: encoded controls, slashes, backslashes and broken encodings in a path are 400, and the connection goes on"""
    targets = [b"/a%%%02xb" % byte for byte in [*range(32), 0x7f, 0x2f, 0x5c]]
    targets += [b"/a%%%02Xb" % byte for byte in (0x0a, 0x0d, 0x2f, 0x5c, 0x7f)]
    targets += [b"/%", b"/%4", b"/%zz", b"/%4z", b"/%z4", b"/%%41", b"/%-1", b"/% 41".replace(b" ", b"+"), b"/%u0041", b"/%0", b"/a%",
                b"/..;/a", b"/a/..;x=1/b", b"/a/.;/b", b"/a/%2e%2e;/b", b"/a/.%2e;x/b", b"/a/%2e;/b", b"/a/..%3b/b", b"/a/..%3B",
                b"/a/.%3bx", b"/%2e%2e%3b/", b"/..%2fa", b"/%2e%2e%2fa", b"/..%5ca", b"/%2e%2e%5ca", b"/a/..%00/b", b"/a%00.html",
                b"/a%0d%0aX:%20y", b"/a%0aSet-Cookie:x", b"/%2F", b"/a%2f..%2fb", b"/%2fa", b"/a%2f"]
    strict.answered(t, lines(targets), (400,))


def test_never_the_admin_route(t):
    """7: however the path to a route is written, it is that route, or 400: never another one"""
    hits = []

    def closed(c):
        for request in c.requests():
            hits.append(request.target)
            c.respond(403, body=b"closed")
    writings = [b"/admin", b"//admin", b"///admin", b"/./admin", b"/x/../admin", b"/x/%2e%2e/admin", b"/x/.%2e/admin", b"/x/%2E./admin",
                b"/%61dmin", b"/%61%64%6d%69%6e", b"/admin/", b"/admin//", b"/admin/.", b"/admin/x/..", b"/x/y/../../admin",
                b"/../admin", b"/../../admin", b"/.//admin", b"//x/..//admin", b"/admin/%2e", b"/admin?", b"/admin?x=/../y",
                b"http://t.example/admin", b"http://t.example//admin", b"http://t.example/x/../admin", b"http://other.example/%61dmin",
                b"HTTP://T.EXAMPLE/admin", b"https://t.example/admin", b"/admin/x%2e%2e", b"/admin/;x", b"/admin/x;y=z/..",
                b"/x;y/../admin", b"/..a/../admin", b"/.../../admin", b"/%2e/admin", b"/%2e%2e/admin", b"/x/./../admin"]
    outrider = t.outrider(ADMIN, origin=t.origin(name="public"), closed=t.origin(closed))
    for target in writings:
        client = t.client(outrider)
        client.send(strict.get(line=b"GET " + target + b" HTTP/1.1"))
        t.equal(client.response().body, b"closed", f"answer to {target!r}")
        client.close()
    for target in (b"/Admin", b"/adm", b"/x/admin/..", b"/%2561dmin", b"/admin%23", b"/x?/admin", b"/admin%3f", b"/admi%6e%2e"):
        client = t.client(outrider)
        client.send(strict.get(line=b"GET " + target + b" HTTP/1.1"))
        t.equal(client.response().body, b"public", f"answer to {target!r}")
        client.close()
    for target in (b"/x/..;/admin", b"/x%2f..%2fadmin", b"/%5cadmin", b"/x/..%00/admin", b"/\\admin", b"/admin#", b"/x/#/../admin"):
        client = t.client(outrider)
        client.send(strict.get(line=b"GET " + target + b" HTTP/1.1"))
        t.equal(client.response().status, 400, f"status of {target!r}")
        client.close()
    t.equal(len(hits), len(writings), "requests that took the closed route")


main()
