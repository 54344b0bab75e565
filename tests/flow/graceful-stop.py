#!/usr/bin/env python3
# tests/flow/graceful-stop.py - TERM: what is in flight ends well.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def parked(t, more=""):
    """A daemon with one request at the target that waits for release."""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow but whole")
    released = []
    origin = t.origin().on("/slow", slow)
    outrider = t.outrider(more + PLAIN, origin=origin)
    client = t.client(outrider)
    client.request("GET", "/slow")
    origin.wait_requests(1)
    return outrider, origin, client, released


def refused(outrider):
    return not is_open(outrider)


def test_idle(t):
    """an idle daemon ends with 0, and idle connections are closed"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    client = t.client(outrider)
    client.get()
    quiet = t.client(outrider)
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    client.expect_closed(t, "the connection that was used")
    quiet.expect_closed(t, "the connection that was never used")


def test_nobody(t):
    """a daemon without connections ends at once, without the half second that it would give them"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    t.get(outrider)
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    outrider.wait()
    t.at_most(time.monotonic() - began, 0.45, "seconds to the end")


def test_one_more(t):
    """a connection that was quiet when the stop began may send one more request, and a new one its first"""
    outrider, origin, parked_client, released = parked(t)
    clients = [t.client(outrider) for _ in range(4)]
    for client in clients[2:]:
        client.get()
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: refused(outrider), "new connections to be refused")
    for client in clients:
        answer = client.get()
        t.equal((answer.status, answer.get("connection")), (200, "close"), "answer")
        client.expect_closed(t, "the connection")
    released.append(True)
    parked_client.response()


def test_head_on_its_way(t):
    """a request whose head is still coming when the stop begins is answered"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    needs_seam(t, "the library does not tell of a head before its first line is whole")
    client, quiet = t.client(outrider), t.client(outrider)
    client.send(b"GET /")
    t.equal(t.get(outrider).status, 200, "a request, while the other one has come so far")
    outrider.signal(signal.SIGTERM)
    quiet.expect_closed(t, "the connection that said nothing")
    client.send(b" HTTP/1.1\r\nHost: t.example\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    t.equal(outrider.wait(), 0, "exit code")


def test_unread(t):
    """a request that nobody has read when the time of quiet connections is over is answered"""
    outrider = t.outrider("workers: 1\n" + PLAIN, origin=t.origin())
    client = t.client(outrider)
    for _ in range(10):
        client.get()
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: refused(outrider), "new connections to be refused")
    outrider.signal(signal.SIGSTOP)
    client.request("GET", "/")
    began = time.monotonic()
    t.wait_until(lambda: time.monotonic() - began > 0.6, "the half second to be over")
    outrider.signal(signal.SIGCONT)
    t.equal(client.response().status, 200, "status")
    t.equal(outrider.wait(), 0, "exit code")


def test_short_deadline(t):
    """a deadline shorter than that half second is kept, and quiet connections end before it"""
    outrider = t.outrider("shutdown: { deadline: 200ms }\n" + PLAIN, origin=t.origin())
    client = t.client(outrider)
    client.get()
    outrider.signal(signal.SIGTERM)
    client.expect_closed(t, "the quiet connection")
    t.equal(outrider.wait(), 0, "exit code")
    t.lacks(outrider.stderr(), "cut at the deadline", "log")


def test_in_flight(t):
    """a request in flight is answered whole, then its connection is closed; new connections are refused meanwhile"""
    outrider, origin, client, released = parked(t)
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: refused(outrider), "new connections to be refused")
    t.equal(outrider.process.poll(), None, "exit code while a request is in flight")
    released.append(True)
    answer = client.response()
    t.equal((answer.status, answer.body), (200, b"slow but whole"), "answer")
    client.expect_gone(t)
    t.equal(outrider.wait(), 0, "exit code")


def test_not_ready(t):
    """while it drains it is not ready, and still live"""
    outrider, origin, client, released = parked(t)
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "readiness to go")
    t.equal(outrider.health("/health/live").status, 200, "liveness")
    released.append(True)
    client.response()


def test_streaming(t):
    """a download in flight goes on to its end"""
    def script(c):
        c.request()
        c.send(head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + chunk(b"one"))
        t.wait_until(lambda: stopped, "the stop to begin")
        c.send(chunk(b"two") + b"0\r\n\r\n")
        c.stall()
    stopped = []
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    client = t.client(outrider)
    client.request("GET", "/")
    client.response_head()
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: refused(outrider), "new connections to be refused")
    stopped.append(True)
    rest = client.until(b"0\r\n\r\n", 1000, "the rest of the answer")
    t.equal(rest, chunked(b"one", b"two"), "body")
    t.equal(outrider.wait(), 0, "exit code")


def test_backlog(t):
    """connections made before the stop are served"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    outrider.signal(signal.SIGSTOP)
    clients = [t.client(outrider) for _ in range(20)]
    for client in clients:
        client.request("GET", "/")
    outrider.signal(signal.SIGTERM)
    outrider.signal(signal.SIGCONT)
    for client in clients:
        t.equal(client.response().status, 200, "status")
    t.equal(outrider.wait(), 0, "exit code")


def test_backlog_beyond_the_limit(t):
    """connections made before the stop are served also when they waited for max_connections"""
    config = 'listeners: [ { name: main, address: "@main@", max_connections: 2 } ]\n' + PLAIN
    outrider = t.outrider("workers: 1\n" + config, origin=t.origin())
    first = [t.client(outrider) for _ in range(2)]
    for client in first:
        client.get()
    waiting = [t.client(outrider) for _ in range(5)]
    for client in waiting:
        client.request("GET", "/")
    t.wait_until(lambda: "max_connections" in outrider.stderr(), "the limit to be reached")
    outrider.signal(signal.SIGTERM)
    for client in waiting:
        t.equal(client.response().status, 200, "status")
    t.equal(first[0].get().get("connection"), "close", "Connection on one that was there")
    t.equal(outrider.wait(), 0, "exit code")


def test_second_term(t):
    """a second TERM does not wait"""
    outrider, origin, client, released = parked(t)
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: refused(outrider), "the stop to begin")
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    outrider.wait()
    t.at_most(time.monotonic() - began, 5, "seconds to the end")
    client.expect_gone(t)
    released.append(True)


def test_deadline(t):
    """what is in flight at the deadline is cut, and the end is still clean"""
    outrider, origin, client, released = parked(t, "shutdown: { deadline: 500ms }\n")
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 10, "seconds to the end")
    t.at_least(time.monotonic() - began, 0.4, "seconds to the end")
    how, rest = client.ending("the client's connection to end")
    t.lacks(rest, b"slow but whole", "bytes to the client")
    released.append(True)


def test_interrupt(t):
    """INT does not wait for what is in flight"""
    outrider, origin, client, released = parked(t)
    began = time.monotonic()
    outrider.signal(signal.SIGINT)
    outrider.wait()
    t.at_most(time.monotonic() - began, 5, "seconds to the end")
    released.append(True)


def test_under_load(t):
    """twenty stops under load: no request of clients that keep their connections is lost, with no delay"""
    start_clock(60)
    outrider = t.outrider("workers: 2\n" + PLAIN, origin=t.origin())
    for stop in range(20):
        if stop > 0:
            outrider.stopped = False
            outrider.start()
        load = Load(t, outrider, 8, fresh=2)
        outrider.signal(signal.SIGTERM)
        t.equal(outrider.wait(), 0, "exit code")
        for thread in load.threads:
            thread.join(remaining())
        t.equal(load.failed, [], f"failed requests at stop {stop}, of {load.answers}")


main()
