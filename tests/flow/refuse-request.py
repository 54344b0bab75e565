#!/usr/bin/env python3
# tests/flow/refuse-request.py - what the sidecar refuses by itself, with its status, code and Proxy-Status.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
services: [ { name: web, targets: [ @origin@ ] } ]
routes:
  - { name: api, match: { paths: ["/api/**"], methods: [GET, POST] }, service: web }
"""


def test_no_route(t):
    """404 no-route, and the connection stays"""
    client = t.client(t.outrider(CONFIG, origin=t.origin()))
    for _ in range(2):
        problem(t, client.get("/other"), 404, "no-route", "destination_not_found")
    t.equal(client.get("/api/").status, 200, "a good request on the same connection")


def test_no_route_with_body(t):
    """404 no-route to a request with a body"""
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin))
    problem(t, client.ask("POST", "/other", body=b"x" * 100000), 404, "no-route", "destination_not_found")
    t.equal(origin.requests, [], "requests at the target")


def test_method(t):
    """405 method-not-allowed names the methods in Allow"""
    origin = t.origin()
    answer = t.ask(t.outrider(CONFIG, origin=origin), "DELETE", "/api/x")
    problem(t, answer, 405, "method-not-allowed", "http_request_denied")
    allowed = {method.strip() for method in answer.get("allow").split(",")}
    t.true({"GET", "POST"} <= allowed <= {"GET", "POST", "HEAD", "OPTIONS"}, f"Allow: {answer.get('allow')}")
    t.equal(origin.requests, [], "requests at the target")


def test_bad_request(t):
    """400 bad-request to a path that no server should see, and the problem is told in full"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    problem(t, t.get(outrider, "/api/%00"), 400, "bad-request", "http_request_error")
    t.equal(origin.requests, [], "requests at the target")


def test_bad_framing(t):
    """400 bad-request to a malformed head is told as a problem too"""
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin))
    client.send(b"GET /api/ HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n")
    answer = client.response()
    if has_seam() or answer.get("content-type"):    # else newer versions of the library answer in their own words
        problem(t, answer, 400, "bad-request", "http_request_error")
    t.equal(answer.status, 400, "status")
    client.expect_gone(t)
    t.equal(origin.requests, [], "requests at the target")


def test_uri_too_long(t):
    """414 uri-too-long to a target that fills the head limit"""
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin))
    client.send(client.head("GET", "/api/" + "x" * 9000))
    problem(t, client.response(), 414, "uri-too-long", "http_request_denied")
    client.expect_gone(t)
    t.equal(origin.requests, [], "requests at the target")


def test_header_too_large(t):
    """431 header-too-large to a head above the limit: one large field, many small ones"""
    needs_seam(t, "its library answers in its own words")
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    for fields in ([("X-Big", "x" * 9000)], [(f"X-{i}", "y" * 50) for i in range(200)],
                   [("Cookie", "c=" + "x" * 9000)]):
        client = t.client(outrider)
        client.send(client.head("GET", "/api/", fields))
        problem(t, client.response(), 431, "header-too-large", "http_request_denied")
        client.expect_gone(t)
    t.equal(origin.requests, [], "requests at the target")


def test_endless_head(t):
    """431 comes before the head ends"""
    needs_seam(t, "its library answers in its own words")
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin))
    client.send(b"GET /api/ HTTP/1.1\r\nHost: a\r\nX-Big: " + b"x" * 20000)
    problem(t, client.response(), 431, "header-too-large", "http_request_denied")
    client.expect_gone(t)


def test_version(t):
    """505 version-not-supported, and the connection ends"""
    needs_seam(t, "its library answers in its own words")
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    for version in (b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9"):
        client = t.client(outrider)
        client.send(b"GET /api/ %s\r\nHost: a\r\n\r\n" % version)
        problem(t, client.response(), 505, "version-not-supported", "http_request_error")
        client.expect_gone(t)
    t.equal(origin.requests, [], "requests at the target")


def test_malformed_version(t):
    """what is no version, however it begins, is 400 bad-request"""
    needs_seam(t, "its library answers in its own words")
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    for version in (b"HTTP/01.01", b"HTTP/1.01", b"HTTP/1.20", b"HTTP/2", b"HTTP/20.0", b"HTTP/2.0.0", b"HTTP/9x9"):
        client = t.client(outrider)
        client.send(b"GET /api/ %s\r\nHost: a\r\n\r\n" % version)
        problem(t, client.response(), 400, "bad-request", "http_request_error")
        client.expect_gone(t)
    t.equal(origin.requests, [], "requests at the target")


def test_connect_and_trace(t):
    """CONNECT and TRACE are refused"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for wire in (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
                 b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"):
        client = t.client(outrider)
        client.send(wire)
        answer = client.response()
        t.true(answer.status in (400, 405, 501), f"status {answer.status} to {wire[:7]}")
    t.equal(origin.requests, [], "requests at the target")


main()
