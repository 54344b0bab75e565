#!/usr/bin/env python3
# tests/flow/bodiless.py - HEAD, 204 and 304: no body, and the connection stays in step.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_head(t):
    """HEAD has the fields of the answer and no body"""
    origin = t.origin().answer("/doc", b"0123456789", headers=[("ETag", '"1"')])
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(3):
        answer = client.ask("HEAD", "/doc")
        t.equal((answer.status, answer.get("content-length"), answer.get("etag")), (200, "10", '"1"'), "answer")
        client.expect_quiet(t, "after a HEAD")
    t.equal(client.get("/doc").body, b"0123456789", "GET on the same connection")
    t.equal([r.method for r in origin.requests], ["HEAD"] * 3 + ["GET"], "methods at the target")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_head_chunked(t):
    """HEAD of a chunked answer has no body"""
    needs_seam(t, "its library ends the connection after such an answer")
    def handler(c, request):
        c.send(head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
    origin = t.origin().on("/c", handler)
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.ask("HEAD", "/c").status, 200, "status")
    client.expect_quiet(t, "after a HEAD")
    t.equal(client.get("/next").body, b"hello", "GET on the same connection")


def test_head_without_length(t):
    """HEAD of an answer without a length has no body, and none is invented"""
    needs_seam(t, "its library says Content-Length: 0")
    def handler(c, request):
        c.send(head("HTTP/1.1 200 OK", [("X-A", "b")]))
    origin = t.origin().on("/n", handler)
    client = t.client(t.outrider(PLAIN, origin=origin))
    answer = client.ask("HEAD", "/n")
    t.equal((answer.status, answer.get("x-a")), (200, "b"), "answer")
    t.lacks(answer.all("content-length"), "0", "Content-Length")
    t.equal(client.get("/next").body, b"hello", "GET on the same connection")


def test_204(t):
    """204 has no body and no length"""
    origin = t.origin().answer("/none", status=204, headers=[("X-A", "b")])
    client = t.client(t.outrider(PLAIN, origin=origin))
    for method in ("GET", "DELETE", "POST"):
        answer = client.ask(method, "/none")
        t.equal((answer.status, answer.get("x-a"), answer.body), (204, "b", b""), method)
    t.equal(client.get("/next").body, b"hello", "GET on the same connection")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_205(t):
    """205 has no content, whatever the target puts behind it, and says so"""
    def script(c):
        for request in c.requests():
            kind = request.target
            if kind == "/next":
                c.respond(200, body=b"hello")
                continue
            fields = {"/counted": [("Content-Length", "4")], "/chunked": [("Transfer-Encoding", "chunked")],
                      "/zero": [("Content-Length", "0")], "/close": []}[kind]
            c.send(head("HTTP/1.1 205 Reset Content", fields + [("X-A", "b")]))
            if kind != "/zero":
                c.send(chunked(b"body") if kind == "/chunked" else b"body")
                return
    origin = t.origin(script)
    client = t.client(t.outrider(PLAIN, origin=origin))
    for target in ("/zero", "/counted", "/chunked", "/close"):
        for method in ("POST", "HEAD") if target == "/zero" else ("POST",):
            answer = client.ask(method, target)
            t.equal((answer.status, answer.get("content-length"), answer.get("x-a"), answer.body), (205, "0", "b", b""),
                    f"{method} {target}")
        client.expect_quiet(t, f"after {target}")
        t.equal(client.get("/next").body, b"hello", f"the next one after {target}")


def test_304(t):
    """304 has no body, with and without a length"""
    needs_seam(t, "its library ends the connection after such an answer")
    def with_length(c, request):
        c.send(head("HTTP/1.1 304 Not Modified", [("Content-Length", "10"), ("ETag", '"1"')]))

    def without(c, request):
        c.send(head("HTTP/1.1 304 Not Modified", [("ETag", '"1"')]))
    origin = t.origin().on("/with", with_length).on("/without", without)
    client = t.client(t.outrider(PLAIN, origin=origin))
    for target in ("/with", "/without", "/with"):
        answer = client.get(target, headers=[("If-None-Match", '"1"')])
        t.equal((answer.status, answer.get("etag"), answer.body), (304, '"1"', b""), target)
        client.expect_quiet(t, "after a 304")
    t.equal(client.get("/next").body, b"hello", "GET on the same connection")
    t.equal(origin.requests[0].get("if-none-match"), '"1"', "the condition is passed on")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_own_error_to_head(t):
    """an error of the sidecar's own to HEAD has no body"""
    client = t.client(t.outrider(PLAIN.replace('"/**"', '"/only"'), origin=t.origin()))
    t.equal(client.ask("HEAD", "/nowhere").status, 404, "status")
    client.expect_quiet(t, "after a HEAD")
    t.equal(client.get("/only").body, b"hello", "GET on the same connection")


main()
