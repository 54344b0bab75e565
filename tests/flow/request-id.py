#!/usr/bin/env python3
# tests/flow/request-id.py - the policy request-id.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
policies: [ { request-id: {} } ]
services: [ { name: web, targets: [ @origin@ ] }, { name: dead, targets: [ @dead@ ] } ]
routes:
  - { match: { paths: ["/dead"] }, service: dead }
  - { match: { paths: ["/bare"] }, service: web, policies: [ { request-id: off } ] }
  - { match: { paths: ["/x/**"] }, service: web }
"""


def test_made(t):
    """every request gets an id of its own: to the target, to the client, into the log"""
    origin = t.origin()
    outrider = t.outrider(CONFIG, origin=origin, dead=t.closing(Port()))
    client = t.client(outrider)
    ids = []
    for _ in range(20):
        answer = client.get("/x/y")
        ids.append(answer.get("x-request-id"))
        t.true(re.fullmatch(r"[A-Za-z0-9-]{16,64}", ids[-1] or ""), f"id {ids[-1]!r}")
        t.equal(origin.requests[-1].get("x-request-id"), ids[-1], "id at the target")
    t.equal(len(set(ids)), 20, "different ids")
    t.equal([entry["id"] for entry in outrider.access_log(20)], ids, "ids in the log")


def test_kept(t):
    """an id that a trusted client brings is kept"""
    origin = t.origin()
    answer = t.get(t.outrider(CONFIG, origin=origin, dead=t.closing(Port())), "/x/y",
                   headers=[("X-Request-ID", "abc-123_X.7")])
    t.equal((origin.last.all("x-request-id"), answer.all("x-request-id")), (["abc-123_X.7"],) * 2, "ids")


def test_hostile(t):
    """an id that is none is replaced: too long, empty, with blanks or quotes, twice"""
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin, dead=t.closing(Port())))
    for brought in (["x" * 500], [""], ["a b"], ['a"b'], ["a", "b"], ["caf\xe9"]):
        answer = client.get("/x/y", headers=[("X-Request-ID", value) for value in brought])
        got = answer.get("x-request-id")
        t.true(got and got not in brought, f"id {got!r} for {brought}")
        t.equal(origin.requests[-1].all("x-request-id"), [got], "id at the target")


def test_untrusted(t):
    """an id that an untrusted client brings is replaced"""
    needs_seam(t, "it takes no untrusted peers")
    config = 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\n' + CONFIG
    answer = t.get(t.outrider(config, origin=t.origin(), dead=t.closing(Port())), "/x/y",
                   headers=[("X-Request-ID", "mine")])
    t.true(answer.get("x-request-id") not in (None, "mine"), f"id {answer.get('x-request-id')}")


def test_in_errors(t):
    """the id is the instance of a problem"""
    answer = t.get(t.outrider(CONFIG, origin=t.origin(), dead=t.closing(Port())), "/dead")
    document = problem(t, answer, 502, "connect-refused", "connection_refused")
    t.equal(document["instance"], answer.get("x-request-id"), "instance")


def test_off(t):
    """a route can do without"""
    origin = t.origin()
    answer = t.get(t.outrider(CONFIG, origin=origin, dead=t.closing(Port())), "/bare")
    t.equal(answer.all("x-request-id"), [], "id in the answer")


main()
