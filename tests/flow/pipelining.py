#!/usr/bin/env python3
# tests/flow/pipelining.py - several requests in one write.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_gets(t):
    """answers come in the order of the requests"""
    origin = t.origin()
    for i in range(10):
        origin.answer(f"/{i}", f"answer {i}".encode())
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"".join(client.head("GET", f"/{i}") for i in range(10)))
    t.equal([client.response().text() for _ in range(10)], [f"answer {i}" for i in range(10)], "answers")


def test_slow_first(t):
    """a slow first answer is not overtaken"""
    def slow(c, request):
        t.wait_until(lambda: released, "the case to go on")
        c.respond(body=b"slow")
    released = []
    origin = t.origin().on("/slow", slow)
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("GET", "/slow") + client.head("GET", "/fast"))
    origin.wait_requests(1)
    client.expect_quiet(t, "before the first answer")
    released.append(True)
    t.equal([client.response().text() for _ in range(2)], ["slow", "hello"], "answers")


def test_bodies(t):
    """bodies, counted and chunked, are told from the requests behind them"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    inner = b"GET /inner HTTP/1.1\r\nHost: a\r\n\r\n"
    client.send(client.head("POST", "/a", [("Content-Length", len(inner))]) + inner +
                client.head("GET", "/b") +
                client.head("POST", "/c", [("Transfer-Encoding", "chunked")]) + chunked(inner, inner) +
                client.head("HEAD", "/d") + client.head("GET", "/e"))
    for method in ("POST", "GET", "POST", "HEAD", "GET"):
        t.equal(client.response(method).status, 200, f"status of {method}")
    t.equal([(r.target, r.body) for r in origin.requests],
            [("/a", inner), ("/b", b""), ("/c", inner * 2), ("/d", b""), ("/e", b"")], "requests at the target")


def test_split_everywhere(t):
    """three requests in one stream, split at every byte"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    wire = (client.head("GET", "/1") + client.head("POST", "/2", [("Content-Length", "3")]) + b"abc" +
            client.head("POST", "/3", [("Transfer-Encoding", "chunked")]) + chunked(b"de"))
    for at in range(1, len(wire)):
        client.send_split(wire, at)
        t.equal([client.response().status for _ in range(3)], [200] * 3, f"statuses when split at {at}")
    t.equal([(r.target, r.body) for r in origin.requests], [("/1", b""), ("/2", b"abc"),
                                                            ("/3", b"de")] * (len(wire) - 1),
            "requests at the target")


def test_after_close(t):
    """what follows a request with Connection: close is not answered"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("GET", "/last", [("Connection", "close")]) + client.head("GET", "/after"))
    t.equal(client.response().status, 200, "status")
    client.expect_gone(t)
    t.equal([r.target for r in origin.requests], ["/last"], "requests at the target")


def test_own_errors_between(t):
    """answers of the sidecar's own keep their place"""
    client = t.client(t.outrider(PLAIN.replace('"/**"', '"/a"'), origin=t.origin()))
    client.send(client.head("GET", "/a") + client.head("GET", "/b") + client.head("GET", "/a"))
    t.equal([client.response().status for _ in range(3)], [200, 404, 200], "statuses")


def test_many(t):
    """a thousand requests in one stream"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    wire = b"".join(client.head("GET", f"/{i}") for i in range(1000))
    writer = threading.Thread(target=client.send, args=(wire,), daemon=True)
    writer.start()
    for _ in range(1000):
        t.equal(client.response().status, 200, "status")
    writer.join(remaining())
    t.equal([r.target for r in origin.requests], [f"/{i}" for i in range(1000)], "requests at the target")


main()
