#!/usr/bin/env python3
# tests/flow/limits.py - how much at once: requests and connections of a service, connections of a listener.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def config(limits):
    return f"""
workers: 2
services: [ {{ name: web, targets: [ @origin@ ], limits: {{ {limits} }}, retry: {{ max_retries: 0 }} }} ]
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""


def parked(t, limits, n):
    """n requests that the target holds, and the way to let them go."""
    def park(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"parked")
    released = []
    origin = t.origin().on("/park", park)
    outrider = t.outrider(config(limits), origin=origin)
    clients = [t.client(outrider) for _ in range(n)]
    for client in clients:
        client.request("GET", "/park")
    origin.wait_requests(n)
    return outrider, origin, clients, released


def came(origin):
    """The targets of the requests that the cases send. A stranger may be among the others: a daemon of another test that still
    looks for a target which had this port before."""
    return [request.target for request in origin.requests if request.target in ("/park", "/more", "/waited")]


def test_overloaded(t):
    """above max_requests, with nobody allowed to wait: 503 overloaded, over all workers"""
    outrider, origin, clients, released = parked(t, "max_requests: 3, max_pending: 0", 3)
    for _ in range(8):
        problem(t, t.get(outrider, "/more"), 503, "overloaded", "connection_limit_reached")
    t.equal(came(origin), ["/park"] * 3, "requests at the target")
    released.append(True)
    for client in clients:
        t.equal(client.response().body, b"parked", "answer")
    t.equal(t.get(outrider).status, 200, "status afterwards")


def test_queue(t):
    """a request that waits is served when another has ended"""
    outrider, origin, clients, released = parked(t, "max_requests: 2, max_pending: 5, queue_timeout: 10s", 2)
    waiting = [t.client(outrider) for _ in range(3)]
    for client in waiting:
        client.request("GET", "/waited")
    for client in waiting:
        client.expect_quiet(t, "while the limit is reached", 0.2)
    released.append(True)
    for client in clients:
        t.equal(client.response().body, b"parked", "answer")
    for client in waiting:
        t.equal(client.response().body, b"hello", "answer of one that waited")
    t.equal(came(origin), ["/park"] * 2 + ["/waited"] * 3, "requests at the target")


def test_queue_timeout(t):
    """who waits too long gets 503 queue-timeout"""
    outrider, origin, clients, released = parked(t, "max_requests: 1, max_pending: 5, queue_timeout: 300ms", 1)
    began = time.monotonic()
    problem(t, t.get(outrider, "/more"), 503, "queue-timeout", "connection_limit_reached")
    t.at_least(time.monotonic() - began, 0.29, "seconds")
    released.append(True)
    t.equal(clients[0].response().body, b"parked", "answer")
    t.equal(came(origin), ["/park"], "requests at the target")


def test_full_queue(t):
    """above max_pending: 503 overloaded at once"""
    outrider, origin, clients, released = parked(t, "max_requests: 1, max_pending: 1, queue_timeout: 10s", 1)
    answers = []

    def ask():
        answers.append(t.get(outrider).status)
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    t.wait_until(lambda: len(answers) == 3, "three to be turned away")
    t.equal(answers, [503] * 3, "statuses")
    released.append(True)
    for thread in threads:
        thread.join(remaining())
    t.equal(sorted(answers), [200, 503, 503, 503], "statuses")


def test_client_gone_while_waiting(t):
    """a client that goes while it waits is forgotten"""
    outrider, origin, clients, released = parked(t, "max_requests: 1, max_pending: 2, queue_timeout: 10s", 1)
    for _ in range(5):
        gone = t.client(outrider)
        gone.request("GET", "/gone")
        gone.expect_quiet(t, "while the limit is reached")
        gone.close()
    waiting = t.client(outrider)
    waiting.request("GET", "/waited")
    released.append(True)
    t.equal(waiting.response().status, 200, "status of one that stayed")
    t.lacks([r.target for r in origin.requests[2:]], "/gone", "requests at the target after those of who stayed")


def test_connections(t):
    """max_connections: as many connections to the targets, and no more"""
    def slow(c, request):
        now.append(c)
        most.append(len(now))
        began = time.monotonic()
        t.wait_until(lambda: time.monotonic() - began > 0.05, "a moment")
        now.remove(c)
        c.respond()
    now, most = [], []
    origin = t.origin().on("/slow", slow)
    outrider = t.outrider(config("max_connections: 4, max_pending: 100, queue_timeout: 10s"), origin=origin)
    clients = [t.client(outrider) for _ in range(20)]
    for client in clients:
        client.request("GET", "/slow")
    for client in clients:
        t.equal(client.response().status, 200, "status")
    t.equal(max(most), 4, "most requests at the target at once, of 20")
    t.wait_until(lambda: len(origin.live) <= 4, "no more than 4 connections to be open")


def test_listener(t):
    """max_connections of a listener: those above it are turned away or wait, and those below it are served"""
    text = 'listeners: [ { name: main, address: "@main@", max_connections: 5 } ]\n' + PLAIN
    outrider = t.outrider(text, origin=t.origin())
    clients = [t.client(outrider) for _ in range(5)]
    for client in clients:
        t.equal(client.get().status, 200, "status")
    extra = t.client(outrider)
    try:
        extra.request("GET", "/")
        extra.sock.settimeout(0.5)
        data = extra.sock.recv(65536)
    except (socket.timeout, ConnectionResetError, Ended):
        data = b""
    t.true(data == b"" or b" 503 " in data, f"what the sixth got: {data!r}")
    for client in clients:
        t.equal(client.get().status, 200, "status of those below the limit")
    extra.close()
    for client in clients:
        client.close()
    t.wait_until(lambda: served(outrider), "new connections to be served")


def served(outrider):
    client = Client(outrider)
    try:
        client.request("GET", "/")
        client.sock.settimeout(0.3)
        return client.sock.recv(65536).startswith(b"HTTP/1.1 200 ")
    except (OSError, Ended):
        return False
    finally:
        client.close()


main()
