#!/usr/bin/env python3
# tests/flow/body-timeout.py - a request body that stops coming.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

CONFIG = """
listeners: [ { name: main, address: "@main@", body_timeout: 400ms } ]
""" + PLAIN


def stops(t, framing, part):
    def script(c):
        request = c.request_head()
        try:
            c.body(request)
            whole.append(request)
        except Truncated:
            cut.append(True)
    whole, cut = [], []
    origin = t.origin(script)
    client = t.client(t.outrider(CONFIG, origin=origin))
    client.send(client.head("POST", "/", [framing]) + part)
    problem(t, client.response(), 408, "request-timeout", "http_request_error")
    client.expect_gone(t)
    t.wait_until(lambda: len(cut) == len(origin.connections), "the target's connection to end")
    t.equal(whole, [], "whole requests at the target")


def test_counted(t):
    """a counted body that stops is 408, and the target never sees it whole"""
    stops(t, ("Content-Length", "100"), b"x" * 50)


def test_chunked(t):
    """a chunked body that stops is 408, and the target never sees it whole"""
    stops(t, ("Transfer-Encoding", "chunked"), chunk(b"x" * 50))


def test_nothing(t):
    """a body of which nothing comes is 408"""
    stops(t, ("Content-Length", "100"), b"")


def test_slow_but_moving(t):
    """a body whose pieces come in time is served, however long it takes in all"""
    origin = t.origin()
    client = t.client(t.outrider(CONFIG, origin=origin))
    client.send(client.head("POST", "/", [("Content-Length", "8")]))
    for i in range(8):
        began = time.monotonic()
        t.wait_until(lambda: time.monotonic() - began > 0.15, "a moment")
        client.send(b"%d" % i)
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.body, b"01234567", "body")


def test_slow_target_is_not_the_clients_fault(t):
    """a target that does not read makes no 408"""
    def script(c):
        request = c.request_head()
        began = time.monotonic()
        t.wait_until(lambda: time.monotonic() - began > 1, "a second, more than the body deadline")
        c.body(request, lambda piece: None)
        c.respond(body=b"read late")
    client = t.client(t.outrider(CONFIG, origin=t.origin(script, receive_buffer=16384)))
    writer = threading.Thread(target=client.request, args=("POST", "/"), kwargs={"body": bytes(16 << 20)},
                              daemon=True)
    writer.start()
    answer = client.response()
    writer.join(remaining())
    t.equal((answer.status, answer.body), (200, b"read late"), "answer")


main()
