#!/usr/bin/env python3
# tests/flow/retry.py - a second try at another target: when it is safe, and never otherwise.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def config(targets, retry="", timeout=""):
    return f"""
workers: 1
services: [ {{ name: web, targets: [ {targets} ]{retry}{timeout} }} ]
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""


def resetting(c):
    c.request()
    c.reset()


def test_refused(t):
    """a refused connection is tried at another target, for every method and with a body"""
    good = t.origin()
    client = t.client(t.outrider(config("@dead@, @good@"), dead=t.closing(Port()), good=good))
    bodies = (None, b"x" * 100, b"x" * 1000000, [b"piece"] * 1000)
    for i, method in enumerate(("GET", "POST", "PUT", "DELETE", "PATCH", "GET", "POST", "PATCH")):
        body = None if method == "GET" else bodies[i % 4]
        t.equal(client.ask(method, f"/{i}", body=body).status, 200, f"status of {method}")
        want = b"" if body is None else b"".join(body) if isinstance(body, list) else body
        t.true(good.requests[-1].body == want, f"body of {method}")
    t.equal(len(good.requests), 8, "requests")


def test_connect_timeout(t):
    """a connection that hangs is tried at another target"""
    good = t.origin()
    outrider = t.outrider(config("@hung@, @good@", timeout=", timeout: { connect: 300ms }"), hung=t.closing(Full()),
                          good=good)
    client = t.client(outrider)
    for _ in range(2):
        t.equal(client.ask("POST", "/", body=b"x").status, 200, "status")


def test_reset_get(t):
    """a GET whose connection is reset before the head is tried again"""
    bad, good = t.origin(resetting), t.origin()
    client = t.client(t.outrider(config("@bad@, @good@"), bad=bad, good=good))
    for i in range(4):
        t.equal(client.get(f"/{i}").status, 200, "status")
    t.at_least(len(bad.requests), 1, "requests that were reset")


def test_reset_methods(t):
    """HEAD, OPTIONS, PUT and DELETE are tried again after a reset; POST and PATCH never"""
    bad, good = t.origin(resetting), t.origin()
    client = t.client(t.outrider(config("@bad@, @good@"), bad=bad, good=good))
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE"):
        for _ in range(2):
            t.equal(client.ask(method, "/").status, 200, f"status of {method}")
    for method in ("POST", "PATCH"):
        before = len(bad.requests) + len(good.requests)
        statuses = [client.ask(method, "/", body=b"once").status for _ in range(2)]
        t.equal(sorted(statuses), [200, 502], f"statuses of {method}")
        t.equal(len(bad.requests) + len(good.requests) - before, 2, f"requests of {method} at both targets")


def test_put_body(t):
    """a PUT is tried again with the same body, if it was kept"""
    bad, good = t.origin(resetting), t.origin()
    client = t.client(t.outrider(config("@bad@, @good@"), bad=bad, good=good))
    body = bytes(range(256)) * 100
    for _ in range(2):
        t.equal(client.ask("PUT", "/", body=body).status, 200, "status")
        t.true(good.requests[-1].body == body, "body")


def test_body_too_large_to_keep(t):
    """a body larger than max_body is not sent twice"""
    def reset_after_body(c):
        c.request()
        c.reset()
    bad, good = t.origin(reset_after_body), t.origin()
    client = t.client(t.outrider(config("@bad@, @good@", ", retry: { max_body: 1KiB }"), bad=bad, good=good))
    statuses = [client.ask("PUT", "/", body=b"x" * 100000).status for _ in range(2)]
    t.equal(sorted(statuses), [200, 502], "statuses")


def test_timeout(t):
    """a GET whose answer does not come in time is tried again; a POST is 504"""
    def hang(c):
        c.request()
        c.stall()
    bad, good = t.origin(hang), t.origin()
    client = t.client(t.outrider(config("@bad@, @good@", timeout=", timeout: { response: 300ms }"), bad=bad,
                                 good=good))
    for _ in range(2):
        t.equal(client.get().status, 200, "status of GET")
    statuses = [client.ask("POST", "/").status for _ in range(2)]
    t.equal(sorted(statuses), [200, 504], "statuses of POST")


def test_number_of_tries(t):
    """max_retries extra tries, and no more"""
    origins = {name: t.origin(resetting) for name in "abcd"}
    for retries in (0, 1, 2):
        for origin in origins.values():
            origin.requests.clear()
        outrider = t.outrider(config("@a@, @b@, @c@, @d@", f", retry: {{ max_retries: {retries} }}"), **origins)
        problem(t, t.get(outrider), 502, "upstream-reset", "connection_terminated")
        t.equal(sum(len(o.requests) for o in origins.values()), retries + 1, f"tries with max_retries: {retries}")
        t.at_most(max(len(o.requests) for o in origins.values()), 1, "tries at one target")


def test_on_status(t):
    """on_status tries again what the target answered so"""
    bad, good = t.origin(), t.origin()
    bad.default.status = 503
    both = config("@bad@, @good@", ", retry: { on_status: [503] }")
    client = t.client(t.outrider(both, bad=bad, good=good))
    for _ in range(2):
        t.equal(client.get().status, 200, "status of GET")
    statuses = [client.ask("POST", "/").status for _ in range(2)]
    t.equal(sorted(statuses), [200, 503], "statuses of POST")


def test_status_is_no_failure_by_default(t):
    """without on_status a target's 503 is passed on"""
    bad = t.origin()
    bad.default.status = 503
    client = t.client(t.outrider(config("@bad@"), bad=bad))
    t.equal([client.get().status for _ in range(3)], [503] * 3, "statuses")
    t.equal(len(bad.requests), 3, "requests")


def test_not_after_the_head(t):
    """nothing is tried again after the head of an answer"""
    def cut(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        c.close()
    a, b = t.origin(cut), t.origin(cut)
    outrider = t.outrider(config("@a@, @b@"), a=a, b=b)
    t.raises((Truncated, Ended), lambda: t.get(outrider), "a cut answer")
    t.equal(len(a.requests) + len(b.requests), 1, "requests")


def test_budget(t):
    """when everything fails, retries stay within their budget"""
    origins = {name: t.origin(resetting) for name in "ab"}
    retry = ", retry: { max_retries: 1, budget: { ratio: 20%, min_per_second: 0 } }"
    client = t.client(t.outrider(config("@a@, @b@", retry), **origins))
    for _ in range(100):
        t.equal(client.get().status, 502, "status")
    tries = sum(len(o.requests) for o in origins.values())
    t.true(100 < tries <= 125, f"{tries} tries for 100 requests")


main()
