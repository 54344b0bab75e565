#!/usr/bin/env python3
# tests/flow/options.py - OPTIONS, Max-Forwards, Expect, https targets: what an intermediary answers itself.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

ROUTES = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes:
  - { name: some, match: { paths: ["/some/**"], methods: [GET, OPTIONS] }, service: web }
  - { name: all, match: { paths: ["/all/**"] }, service: web }
"""
UNTRUSTED = 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\n' + PLAIN


def own(t, answer, what):
    t.equal((answer.status, answer.get("content-length"), answer.body), (200, "0", b""), what)
    t.equal(answer.get("content-type"), None, f"{what}: Content-Type")


def test_asterisk(t):
    """OPTIONS * is answered by the sidecar, whatever the routes; so is an absolute form without a path"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for target in ("*", "http://t.example", "http://other.example:81"):
        own(t, client.ask("OPTIONS", target), target)
    t.equal(client.ask("OPTIONS", "*", body=b"a body").status, 200, "with a body")
    t.equal(origin.requests, [], "requests at the target")
    for target in ("/", "http://t.example/", "http://t.example?q"):
        t.equal(client.ask("OPTIONS", target).body, b"hello", target)


def test_asterisk_old_client(t):
    """OPTIONS * of HTTP/1.0 without Host"""
    client = t.client(t.outrider(PLAIN, origin=t.origin()))
    client.send(b"OPTIONS * HTTP/1.0\r\n\r\n")
    own(t, client.response(), "answer")


def test_no_path(t):
    """an absolute form without a path is / to other methods; with a query alone, too"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for target, want in (("http://a.example", "/"), ("http://a.example?x=y", "/?x=y"), ("HTTP://a.example/b", "/b")):
        t.equal(client.get(target, host="b.example").status, 200, f"status of {target}")
        t.equal((origin.requests[-1].target, origin.requests[-1].get("host")), (want, "a.example"), target)


def test_max_forwards_zero(t):
    """OPTIONS with Max-Forwards: 0 is answered by the sidecar, with Allow where the route says it"""
    origin = t.origin()
    client = t.client(t.outrider(ROUTES, origin=origin))
    for zero in ("0", "00"):
        answer = client.ask("OPTIONS", "/some/x", headers=[("Max-Forwards", zero)])
        own(t, answer, "answer")
        t.equal(answer.get("allow"), "GET, OPTIONS, HEAD", "Allow")
        answer = client.ask("OPTIONS", "/all/x", headers=[("Max-Forwards", zero)], body=b"body")
        own(t, answer, "answer")
        t.equal(answer.get("allow"), None, "Allow of a route for all methods")
    t.equal(client.ask("OPTIONS", "/none", headers=[("Max-Forwards", "0")]).status, 404, "no route")
    t.equal(origin.requests, [], "requests at the target")


def test_max_forwards_counts(t):
    """OPTIONS with Max-Forwards goes on with one less"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for said, want in (("1", "0"), ("7", "6"), ("010", "9"), ("99999999999", "999")):
        t.equal(client.ask("OPTIONS", "/", headers=[("Max-Forwards", said)]).status, 200, f"status of {said}")
        t.equal(origin.requests[-1].get("max-forwards"), want, f"{said} at the target")


def test_max_forwards_malformed(t):
    """Max-Forwards that is no number, or there twice, is 400 for OPTIONS"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for fields in (["-1"], ["+1"], ["1.5"], ["x"], [""], ["1, 2"], ["1", "1"], ["99999999999999999999999"]):
        answer = t.ask(outrider, "OPTIONS", "/", headers=[("Max-Forwards", v) for v in fields])
        problem(t, answer, 400, "bad-request", "http_request_error")
    t.equal(origin.requests, [], "requests at the target")


def test_max_forwards_of_others(t):
    """Max-Forwards of other methods is none of our business"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for method in ("GET", "POST", "DELETE", "SEARCH"):
        for value in ("0", "1", "x"):
            t.equal(client.ask(method, "/", headers=[("Max-Forwards", value)]).status, 200, f"{method} with {value}")
            t.equal(origin.requests[-1].get("max-forwards"), value, f"{method} with {value} at the target")


def test_trace(t):
    """25: TRACE is 405 with Allow, with any Max-Forwards, and tells nobody what it carried"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for forwards in ([], [("Max-Forwards", "0")], [("Max-Forwards", "5")]):
        answer = client.ask("TRACE", "/", headers=forwards + [("Cookie", "secret")])
        problem(t, answer, 405, "method-not-allowed", "http_request_denied")
        t.contains(answer.get("allow") or "", "GET", "Allow")
        t.lacks(answer.get("allow"), "TRACE", "Allow")
        t.lacks(answer.body, b"secret", "body")
    t.equal(origin.requests, [], "requests at the target")


def test_https_target(t):
    """an https target in clear text is 421 to strangers, and the application's business to trusted peers"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.get("https://t.example/x").status, 200, "status for a trusted peer")
    t.equal((origin.last.target, origin.last.get("host"), origin.last.get("x-forwarded-proto")),
            ("/x", "t.example", "http"), "request at the target")
    needs_seam(t, "it takes no untrusted peers")
    outrider = t.outrider(UNTRUSTED, origin=origin)
    for method, target in (("GET", "https://t.example/x"), ("GET", "HTTPS://t.example"), ("OPTIONS", "https://t.example"),
                           ("POST", "https://t.example:443/?q")):
        problem(t, t.ask(outrider, method, target), 421, "misdirected-request", "http_request_denied")
    t.equal(t.get(outrider, "http://t.example/y").status, 200, "an http target")
    t.equal(len(origin.requests), 2, "requests at the target")


def test_expectations(t):
    """Expect that is not 100-continue is 417, at once and without the body"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for fields in (["200-ok"], ["100-continue, x=y"], ["100-continue", "x"], ["100-continue;a"], ["100 continue"]):
        client = t.client(outrider)
        client.send(client.head("POST", "/", [("Content-Length", "5")] + [("Expect", v) for v in fields]))
        answer = client.response()
        problem(t, answer, 417, "expectation-failed", "http_request_error")
        t.equal(list(answer.interim), [], "interim answers")
        client.expect_closed(t)
        answer = t.ask(outrider, "GET", "/", headers=[("Expect", v) for v in fields])
        t.equal(answer.status, 417, f"{fields} without a body")
    t.equal(origin.requests, [], "requests at the target")


def test_expectations_that_are_none(t):
    """Expect of HTTP/1.0, and an empty one, are ignored and not passed on"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.get("/", headers=[("Expect", "")]).status, 200, "an empty one")
    client.send(b"POST / HTTP/1.0\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n1")
    t.equal(client.response().status, 200, "HTTP/1.0")
    for request in origin.requests:
        t.lacks(request.names(), "expect", "fields at the target")


main()
