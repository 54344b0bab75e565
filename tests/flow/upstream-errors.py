#!/usr/bin/env python3
# tests/flow/upstream-errors.py - what a target can do wrong before its head, and what the client is told.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

ONE = """
services:
  - name: web
    targets: [ @origin@ ]
    timeout: { connect: 300ms, response: 300ms }
    retry: { max_retries: 0 }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def fails(t, script, status, code, error):
    """The client learns it, and the sidecar goes on."""
    origin = t.origin(script)
    client = t.client(t.outrider(ONE, origin=origin))
    for _ in range(2):
        problem(t, client.get("/x"), status, code, error)
    t.equal(len(origin.connections), 2, "connections to the target")


def test_refused(t):
    """502 connect-refused"""
    client = t.client(t.outrider(ONE, origin=t.closing(Port())))
    for _ in range(2):
        problem(t, client.get(), 502, "connect-refused", "connection_refused")


def test_refused_with_body(t):
    """502 connect-refused to a request with a body, and the connection stays in step"""
    client = t.client(t.outrider(ONE, origin=t.closing(Port())))
    for body in (b"x" * 10, b"x" * 300000, [b"x" * 1000] * 50):
        problem(t, client.ask("POST", "/", body=body), 502, "connect-refused", "connection_refused")


def test_connect_timeout(t):
    """504 connect-timeout"""
    answer = t.get(t.outrider(ONE, origin=t.closing(Full())))
    problem(t, answer, 504, "connect-timeout", "connection_timeout")


def test_response_timeout(t):
    """504 upstream-timeout, and the target's connection is ended"""
    def script(c):
        c.request()
        ended.append(c.stall())
    ended = []
    client = t.client(t.outrider(ONE, origin=t.origin(script)))
    for i in range(2):
        problem(t, client.get("/x"), 504, "upstream-timeout", "http_response_timeout")
        t.wait_until(lambda: len(ended) == i + 1, "the target's connection to end")


def test_half_a_head(t):
    """504 upstream-timeout when only half a head comes"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-")
        c.stall()
    fails(t, script, 504, "upstream-timeout", "http_response_timeout")


def test_reset(t):
    """502 upstream-reset when the target resets"""
    def script(c):
        c.request()
        c.reset()
    fails(t, script, 502, "upstream-reset", "connection_terminated")


def test_closed(t):
    """502 upstream-reset when the target closes without an answer"""
    def script(c):
        c.request()
        c.close()
    fails(t, script, 502, "upstream-reset", "connection_terminated")


def test_closed_in_the_head(t):
    """502 upstream-reset when the target closes within its head"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-")
        c.close()
    fails(t, script, 502, "upstream-reset", "connection_terminated")


def test_no_target(t):
    """503 no-target with Retry-After when a service has none"""
    config = """
registries: { files: { type: file, path: "@dir@/targets.yaml" } }
services: [ { name: web, source: { registry: files, service: web } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    answer = t.get(t.outrider(config, files={"targets.yaml": "other: []\n"}))
    problem(t, answer, 503, "no-target", "destination_unavailable")
    t.true((answer.get("retry-after") or "").isdigit(), f"Retry-After: {answer.get('retry-after')}")


def test_weight_zero(t):
    """503 no-target when every target has weight 0"""
    config = """
services: [ { name: web, targets: [ { host: 127.0.0.1, port: @origin.port@, weight: 0 } ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
    problem(t, t.get(t.outrider(config, origin=t.origin())), 503, "no-target", "destination_unavailable")


def test_header_too_large(t):
    """502 response-header-too-large, never a closed connection"""
    for fields in ([("X-Big", "x" * 9000)], [(f"X-{i}", "y" * 50) for i in range(200)]):
        origin = t.origin().answer("/big", b"body", headers=fields)
        client = t.client(t.outrider(ONE, origin=origin))
        problem(t, client.get("/big"), 502, "response-header-too-large", "http_response_header_section_size")
        t.equal(client.get("/small").body, b"hello", "the next request on the same connection")


def test_endless_header(t):
    """502 response-header-too-large before the head ends"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 30000)
        c.stall()
    fails(t, script, 502, "response-header-too-large", "http_response_header_section_size")


main()
