#!/usr/bin/env python3
# tests/flow/forwarded.py - X-Forwarded-*, Forwarded and Via.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

TRUSTING = """
listeners: [ { name: main, address: "@main@", trusted_proxies: [127.0.0.0/8] } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def parameters(value):
    """A Forwarded element as a dict."""
    return {k.strip().lower(): v.strip().strip('"') for k, v in (p.split("=", 1) for p in value.split(";"))}


def test_added(t):
    """the target learns client, host, scheme and port"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    t.get(outrider, host="asked.example")
    request = origin.last
    t.equal(request.get("x-forwarded-for"), "127.0.0.1", "X-Forwarded-For")
    t.equal(request.get("x-forwarded-host"), "asked.example", "X-Forwarded-Host")
    t.equal(request.get("x-forwarded-proto"), "http", "X-Forwarded-Proto")
    t.equal(request.get("x-forwarded-port"), str(outrider.port), "X-Forwarded-Port")
    got = parameters(request.get("forwarded"))
    t.equal({k: got.get(k) for k in ("for", "host", "proto")}, {"for": "127.0.0.1", "host": "asked.example",
                                                                "proto": "http"},
            f"Forwarded: {request.get('forwarded')}")


def test_via(t):
    """Via is appended to, never replaced"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.get()
    own = origin.requests[-1].get("via")
    t.true(re.fullmatch(r"1\.1 [!#-'*+\-.0-9A-Z^-z|~]+( \(.*\))?", own or ""), f"Via: {own!r}")
    client.get("/", headers=[("Via", "1.0 other")])
    t.equal(", ".join(origin.requests[-1].all("via")), f"1.0 other, {own}", "Via")
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    client.response()
    t.equal(origin.requests[-1].get("via"), own.replace("1.1", "1.0", 1), "Via of an HTTP/1.0 request")


def test_not_believed(t):
    """10: what a client says of itself is not believed, nor passed on under another spelling"""
    needs_seam(t, "it takes no untrusted peers")
    origin = t.origin()
    lies = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Port", "443"), ("Forwarded", "for=6.6.6.6;proto=https"), ("X-Real-IP", "6.6.6.6"),
            ("X_Forwarded_For", "6.6.6.6"), ("X-Forwarded_For", "6.6.6.6"), ("X_Forwarded_Proto", "https"),
            ("X_Real_IP", "6.6.6.6")]
    config = 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\n' + PLAIN
    t.get(t.outrider(config, origin=origin), headers=lies)
    whole = origin.last.raw_head.decode("latin-1")
    for lie in ("6.6.6.6", "evil.example", "https"):
        t.lacks(whole, lie, "head at the target")
    t.equal(origin.last.get("x-forwarded-for"), "127.0.0.1", "X-Forwarded-For")


def test_not_believed_on_loopback(t):
    """10: X-Forwarded-For is believed of trusted_proxies only, and by default there are none"""
    origin = t.origin()
    t.get(t.outrider(PLAIN, origin=origin), headers=[("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")])
    t.lacks(origin.last.raw_head.decode("latin-1"), "6.6.6.6", "head at the target")


def test_believed(t):
    """a trusted proxy's chain is kept and appended to"""
    origin = t.origin()
    t.get(t.outrider(TRUSTING, origin=origin), headers=[("X-Forwarded-For", "9.9.9.9"),
                                                        ("X-Forwarded-Proto", "https"),
                                                        ("X-Forwarded-Host", "front.example")])
    request = origin.last
    t.equal(", ".join(request.all("x-forwarded-for")), "9.9.9.9, 127.0.0.1", "X-Forwarded-For")
    t.equal(request.get("x-forwarded-proto"), "https", "X-Forwarded-Proto")
    t.equal(request.get("x-forwarded-host"), "front.example", "X-Forwarded-Host")


def test_client_address(t):
    """the client is the first from the right that is not trusted"""
    origin = t.origin()
    outrider = t.outrider(TRUSTING, origin=origin)
    t.get(outrider, headers=[("X-Forwarded-For", "1.1.1.1, 9.9.9.9, 127.0.0.7")])
    t.equal(outrider.access_log(1)[0]["client"], "9.9.9.9", "client in the access log")


main()
