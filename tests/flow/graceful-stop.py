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
    try:
        Client(outrider).close()
        return False
    except ConnectionRefusedError:
        return True


def test_idle(t):
    """an idle daemon ends with 0, and idle connections are closed"""
    outrider = t.outrider(PLAIN, origin=t.origin())
    client = t.client(outrider)
    client.get()
    quiet = t.client(outrider)
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    client.expect_gone(t, "the connection that was used")
    quiet.expect_gone(t, "the connection that was never used")


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
    """a stop under load cuts no answer in the middle"""
    def ask():
        while True:
            try:
                client = Client(outrider)
                while True:
                    client.request("GET", "/", body=None)
                    answer = client.response()
                    answers.append(answer.body)
                    if "close" in [v.lower() for v in answer.all("connection")]:
                        break
            except Truncated as error:
                cut.append(error)
                return
            except (Ended, OSError):            # refused, or closed between two answers
                if outrider.process.poll() is not None or refused(outrider):
                    return
    answers, cut = [], []
    outrider = t.outrider("workers: 2\n" + PLAIN, origin=t.origin().answer("/", b"x" * 50000))
    threads = [threading.Thread(target=ask, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    t.wait_until(lambda: len(answers) > 200, "some answers")
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    for thread in threads:
        thread.join(remaining())
    t.equal((cut, {len(body) for body in answers}), ([], {50000}), "cut answers and sizes of whole ones")


main()
