#!/usr/bin/env python3
# tests/flow/loops.py - Via: a request that comes back to its listener goes no further.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

TWO = """
listeners: [ { name: main, address: "@main@" }, { name: other, address: "@other.host@:@other.port@" } ]
services:
  - { name: web, targets: [ @origin@ ] }
  - { name: other, targets: [ @other@ ] }
routes:
  - { name: out, listeners: [main], match: { paths: ["/**"] }, service: other }
  - { name: in, listeners: [other], match: { paths: ["/**"] }, service: web }
"""


def own_name(origin, client):
    client.get("/")
    return origin.requests[-1].get("via").split(" ")[1]


def test_itself(t):
    """a listener that is its own target answers 508, after one round"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    outrider.configure(PLAIN.replace("@origin@", f"{{ host: {outrider.host}, port: {outrider.port} }}"))
    outrider.signal(signal.SIGHUP)
    t.wait_until(lambda: t.get(outrider).status == 508, "the reload")
    answer = t.ask(outrider, "POST", "/round", body=b"body")
    problem(t, answer, 508, "loop-detected", "proxy_loop_detected")

    def rounds():
        return [line["status"] for line in outrider.access_log() if line["path"] == "/round"]
    t.wait_until(lambda: len(rounds()) >= 2, "two lines in the access log")
    t.equal(rounds(), [508, 508], "rounds it made")


def test_hairpin(t):
    """through one listener to another one of the same process is no loop"""
    origin, other = t.origin(), Port()
    outrider = t.outrider(TWO, origin=origin, other=other)
    answer = t.get(outrider, "/x")
    t.equal((answer.status, answer.body), (200, b"hello"), "answer")
    names = [v.split(" ")[1] for v in ", ".join(origin.last.all("via")).split(", ")]
    t.equal((len(names), len(set(names))), (2, 2), f"names in Via: {names}")


def test_found_wherever_it_stands(t):
    """all fields and members of Via are looked at; comments and other places are not"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    us = own_name(origin, client)
    seen = len(origin.requests)
    for fields in (["1.1 " + us], ["1.1 a, HTTP/1.0 " + us], ["1.1 a", "1.1 b (c, d), 1.1 " + us.upper()],
                   ["1.1 " + us + " (comment)", "1.1 z"], ["1.1 a (", "1.1 " + us], ["1.1 a (b, 1.1 " + us], [",,1.1\t" + us]):
        t.equal(client.get("/", headers=[("Via", v) for v in fields]).status, 508, f"status of {fields}")
    t.equal(len(origin.requests), seen, "requests at the target")
    for fields in (["1.1 a (" + us + ")"], ["1.1 a (b, 1.1 " + us + ")"], ["1.1 x" + us, us + " a"], ["1.1 a"] * 50):
        t.equal(client.get("/", headers=[("Via", v) for v in fields]).status, 200, f"status of {fields}")
        t.equal(origin.requests[-1].all("via")[:-1], fields, "Via that came goes on as it is")


def test_name_says_nothing(t):
    """the name in Via is a token without host, address or listener, another one in every process, the same after a reload"""
    names = set()
    for _ in range(2):
        origin = t.origin()
        outrider = t.outrider(PLAIN, origin=origin)
        client = t.client(outrider)
        name = own_name(origin, client)
        t.true(re.fullmatch(r"outrider-[0-9a-f]{12}", name), name)
        names.add(name)
        outrider.configure(PLAIN.replace('"/**"', '"/new/**", "/**"'))
        outrider.signal(signal.SIGHUP)
        t.wait_until(lambda: "generation 2" in outrider.stderr() or "reload" in outrider.stderr(), "the reload")
        t.equal(own_name(origin, t.client(outrider)), name, "name after a reload")
    t.equal(len(names), 2, "names of two processes")


def test_of_no_use_to_others(t):
    """whoever sends our name in Via stops only that request"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    client = t.client(outrider)
    us = own_name(origin, client)
    for _ in range(3):
        t.equal(client.get("/", headers=[("Via", "1.1 " + us)]).status, 508, "status")
        t.equal(client.get("/").status, 200, "the next one on the connection")


def test_answers(t):
    """answers say Via to clients that take the sidecar for their proxy, behind what came; to others as they came"""
    origin = t.origin().answer("/via", b"body", headers=[("Via", "1.0 inner (x)")])
    origin.on("/old", lambda c, request: c.send(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"))
    client = t.client(t.outrider(PLAIN, origin=origin))
    us = own_name(origin, client)
    for target, want in (("/", []), ("/via", ["1.0 inner (x)"]), ("http://t.example/", ["1.1 " + us]),
                         ("http://t.example/via", ["1.0 inner (x)", "1.1 " + us]), ("http://t.example/old", ["1.0 " + us])):
        t.equal(client.get(target).all("via"), want, f"Via of {target}")


main()
