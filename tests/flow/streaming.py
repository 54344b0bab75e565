#!/usr/bin/env python3
# tests/flow/streaming.py - bytes flow on while a message is still being sent.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_upload(t):
    """the target has the first piece of a body before the client has sent the last"""
    def script(c):
        request = c.request_head()
        got = bytearray()
        for piece in iter(lambda: c.exactly(4, "a piece"), b"stop"):
            got += piece
            seen.append(bytes(got))
        c.respond(200, body=bytes(got))
        t.equal(request.length, 16, "length")
    seen = []
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.send(client.head("POST", "/", [("Content-Length", "16")]))
    for i in range(1, 4):
        client.send(b"%04d" % i)
        t.wait_until(lambda: len(seen) == i, f"piece {i} at the target")
    client.send(b"stop")
    t.equal(client.response().body, b"000100020003", "answer")


def test_chunked_upload(t):
    """each chunk of an upload is passed on when it comes"""
    def script(c):
        request = c.request_head()
        c.body(request, seen.append)
        c.respond()
    seen = []
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked")]))
    for i in range(1, 4):
        client.send(chunk(b"%04d" % i))
        t.wait_until(lambda: len(b"".join(seen)) == 4 * i, f"chunk {i} at the target")
    client.send(b"0\r\n\r\n")
    t.equal((client.response().status, b"".join(seen)), (200, b"000100020003"), "status and body")


def events(t, headers, write, end):
    """The client reads each piece before the target writes the next: nothing may be held back."""
    def script(c):
        c.request()
        c.send(head("HTTP/1.1 200 OK", headers))
        for i in range(5):
            c.send(write(b"data: %d\n\n" % i))
            t.wait_until(lambda: len(seen) == i + 1, f"event {i} at the client")
        c.send(end)
        c.close()
    seen = []
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.request("GET", "/events")
    answer = client.response(sink=seen.append)
    t.equal(b"".join(seen), b"".join(b"data: %d\n\n" % i for i in range(5)), "events")
    return answer


def test_events_chunked(t):
    """each chunk of an answer is passed on when it comes"""
    events(t, [("Transfer-Encoding", "chunked"), ("Content-Type", "text/event-stream")], chunk, b"0\r\n\r\n")


def test_events_counted(t):
    """each piece of a counted answer is passed on when it comes"""
    answer = events(t, [("Content-Length", "45")], lambda data: data, b"")
    t.equal(answer.length, 45, "length")


def test_events_to_the_end(t):
    """each piece of an answer that ends with its connection is passed on when it comes"""
    events(t, [("Content-Type", "text/event-stream")], lambda data: data, b"")


def test_head_first(t):
    """the head of an answer is passed on before its body comes"""
    def script(c):
        c.request()
        c.send(head("HTTP/1.1 200 OK", [("Content-Length", "4")]))
        t.wait_until(lambda: heads, "the head at the client")
        c.send(b"late")
        c.close()
    heads = []
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.request("GET", "/")
    answer = client.response_head()
    heads.append(answer)
    t.equal((answer.status, client.exactly(4, "body")), (200, b"late"), "answer")


main()
