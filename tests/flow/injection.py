#!/usr/bin/env python3
# tests/flow/injection.py - nothing that a client sends breaks out of the field or the line that it stands in.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
listeners: [ { name: main, address: "@main@", trusted_proxies: [127.0.0.0/8], path: { encoded_slash: keep } } ]
services: [ { name: web, targets: [ @origin@ ] }, { name: dead, targets: [ { host: 127.0.0.1, port: 1 } ] } ]
policies: [ request-id: { trust: always } ]
routes:
  - { match: { paths: ["/to/{name}"] }, service: web, rewrite: { path: "/x/{name}/y" } }
  - { match: { paths: ["/a/**"] }, service: web }
  - { match: { paths: ["/dead/**"] }, service: dead }
"""
NASTY = ['","status":200,"x":"', "\\", "\\\"", "'", "<script>", "${jndi:ldap://x}", "%n%s%0a", "\x80\xff\xc3\xa9", "a\tb", "\\u000a",
         "{}[]", "%0d%0aX-Evil: 1", "\\r\\nX-Evil: 1", "\x85\u00ad", "\xe2\x80\xa8"]
BREAKS = ["\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\0", "\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n", "\x0b", "\x1b[2J", "\x7f"]


def evil(request):
    return [f for f in request.fields if "evil" in f[0].lower()]


def test_fields(t):
    """24: bytes that mean something elsewhere stay in their field, at the target and in the log"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    client = t.client(outrider)
    fields = ["User-Agent", "Referer", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-ID",
              "Via", "Cookie", "Trailer", "TE", "Max-Forwards", "X-Any"]
    asked = [(name, value) for name in fields for value in NASTY]
    for name, value in asked:
        t.equal(client.get("/a/b", headers=[(name, value)]).status, 200, f"status with {name}: {value!r}")
        request = origin.requests[-1]
        t.equal((evil(request), request.target), ([], "/a/b"), f"request with {name}: {value!r}")
        if name in ("User-Agent", "X-Any", "Cookie", "Referer"):
            t.equal(request.get(name), value, f"{name} at the target")
    lines = outrider.access_log(len(asked))
    t.equal(len(lines), len(asked), "lines in the log")
    for (name, value), line in zip(asked, lines):
        t.equal((line["status"], line["path"], line["end"], "x" in line), (200, "/a/b", "complete", False), f"line of {name}")
        if name == "Referer" and value.isascii():
            t.equal(line["referer"], value, "referer")


def test_breaks(t):
    """24: bytes that end a field or a line are 400 in any field, and leave one line in the log"""
    needs_seam(t, "its library hides them")
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    n = 0
    for name in ("User-Agent", "X-Forwarded-For", "Forwarded", "X-Request-ID", "Via", "Host", "X-Any"):
        for value in (v for v in BREAKS if not v.startswith("\r\n")):
            client = t.client(outrider)
            host = "" if name == "Host" else "Host: a\r\n"
            client.send(f"GET /a/b HTTP/1.1\r\n{host}{name}: a{value}b\r\n\r\n".encode("latin-1"))
            t.equal(client.response().status, 400, f"status with {name}: {value!r}")
            n += 1
    t.equal(origin.requests, [], "requests at the target")
    t.equal([line["status"] for line in outrider.access_log(n)], [400] * n, "lines in the log")


def test_paths(t):
    """24: of a path nothing gets into fields, other paths or the log"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    client = t.client(outrider)
    good = ["%22,%22status%22:200", "a'b", "%7B%7D", "%25%30%61", "%3Cscript%3E", "%C2%85", "%E2%80%A8", "$%7Bx%7D", "%2F..%2F", "a%20b",
            "HTTP%201.1"]
    for value in good:
        t.equal(client.get(f"/to/{value}").status, 200, f"status of {value}")
        t.equal(origin.requests[-1].target, f"/x/{value}/y".replace("%30%61", "0a"), f"target of {value}")
    for value in ("%0d%0aX-Evil:%201", "a%0a", "%00", "%0D", "%1b", "%7f", "a%5Cb"):
        t.equal(client.get(f"/to/{value}").status, 400, f"status of {value}")
    lines = outrider.access_log(len(good) + 7)
    t.equal([line["path"] for line in lines][:len(good)], [f"/to/{v}".replace("%30%61", "0a") for v in good], "paths in the log")
    for query in ("a=%0d%0aX-Evil:%201", "%00", "'\"" [:1], "a=b&c=%22", "$(x)`"):
        t.equal(client.get("/a/b?" + query).status, 200, f"status of ?{query}")
        t.equal((origin.requests[-1].target, evil(origin.requests[-1])), ("/a/b?" + query, []), f"query {query}")


def test_methods(t):
    """24: a method of strange letters is one member of the line"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin)
    methods = ["!#$%&'*+-.^_`|~", "get", "X" * 24, "\"" [:0] + "a.b"]
    client = t.client(outrider)
    for method in methods:
        t.equal(client.ask(method, "/a/b").status, 200, f"status of {method}")
    t.equal([line["method"] for line in outrider.access_log(len(methods))], methods, "methods in the log")


def test_answers(t):
    """24: of a target's answer nothing breaks out of its fields, nor out of the log"""
    def script(c):
        for request in c.requests():
            value = NASTY[int(request.target.rsplit("/", 1)[1])]
            c.send(head("HTTP/1.1 200 OK", [("X-Any", value), ("Location", value), ("Content-Length", "0")]))
    origin = t.origin(script)
    outrider = t.outrider(CONFIG, origin=origin)
    client = t.client(outrider)
    for i, value in enumerate(NASTY):
        answer = client.get(f"/a/{i}")
        t.equal((answer.get("x-any"), answer.get("location"), evil(answer)), (value, value, []), f"answer with {value!r}")
    t.equal(len(outrider.access_log(len(NASTY))), len(NASTY), "lines in the log")


def test_own_answers(t):
    """24: an error of our own tells of what was asked as data: JSON stays JSON"""
    outrider = t.outrider(CONFIG, origin=t.origin())
    client = t.client(outrider)
    for value in ("x'y", "a|b", "!#$%&", "~", "*"):
        answer = client.get(f"/dead/{value.replace('#', '').replace('%', '')}", headers=[("X-Request-ID", value)])
        problem(t, answer, 502, "connect-refused", "connection_refused")
        t.equal(json.loads(answer.body)["instance"], value, "instance")
    for value in ('a"b', "a\\b", "a b", "a,b", "\xe9", "a\tb", ""):
        answer = client.get("/dead/x", headers=[("X-Request-ID", value)])
        problem(t, answer, 502, "connect-refused", "connection_refused")
        t.true(json.loads(answer.body).get("instance") != value, "an id that is none is replaced")


main()
