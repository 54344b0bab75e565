#!/usr/bin/env python3
# tests/flow/expect-continue.py - Expect: 100-continue.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

EXPECT = ("Expect", "100-continue")


def test_continue(t):
    """the client is told to go on, sends its body, and gets the answer"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        client.send(client.head("POST", "/", [("Content-Length", "5"), EXPECT]))
        t.equal(client.until(b"\r\n\r\n", 1000, "interim answer"), b"HTTP/1.1 100 Continue\r\n\r\n", "interim answer")
        client.send(b"12345")
        t.equal(client.response().status, 200, "status")
    t.equal([r.body for r in origin.requests], [b"12345"] * 2, "bodies")


def test_chunked(t):
    """the same with a chunked body"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked"), EXPECT]))
    client.until(b"\r\n\r\n", 1000, "interim answer")
    client.send(chunked(b"12345"))
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.body, b"12345", "body")


def test_refused_before_the_body(t):
    """a request that has no route is refused without its body"""
    client = t.client(t.outrider(PLAIN.replace('"/**"', '"/only"'), origin=t.origin()))
    client.send(client.head("POST", "/other", [("Content-Length", "5"), EXPECT]))
    answer = client.response()
    t.equal(answer.status, 404, "status")
    t.equal([i.status for i in answer.interim], [], "interim answers")


def test_client_does_not_wait(t):
    """a client that sends its body at once is served"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("POST", "/", [("Content-Length", "5"), EXPECT]) + b"12345")
    t.equal(client.response().status, 200, "status")
    t.equal(client.get("/next").status, 200, "the next request")
    t.equal(origin.requests[0].body, b"12345", "body")


def test_target_says_continue(t):
    """100 Continue of the target is no answer to the client"""
    def script(c):
        request = c.request_head()
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.body(request)
        c.respond(201)
        c.stall()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    answer = client.ask("POST", "/", body=b"12345")
    t.equal(answer.status, 201, "status")
    t.at_most(len(answer.interim), 0, "interim answers to a client that did not ask for one")


def test_no_expectation_without_body(t):
    """Expect without a body is not waited for"""
    client = t.client(t.outrider(PLAIN, origin=t.origin()))
    client.send(client.head("GET", "/", [EXPECT]))
    t.equal(client.response().status, 200, "status")


def test_old_client(t):
    """an HTTP/1.0 client gets no interim answer"""
    client = t.client(t.outrider(PLAIN, origin=t.origin()))
    client.send(b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n12345")
    answer = client.response()
    t.equal((answer.status, list(answer.interim)), (200, []), "answer")


def expecting(client, target="/", method="POST", fields=(("Content-Length", "5"),)):
    client.send(client.head(method, target, list(fields) + [EXPECT]))


def told(client):
    return client.until(b"\r\n\r\n", 1000, "interim answer") == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_target_decides(t):
    """the target is asked with the head alone, and its refusal is all that the client gets: no 100, no body"""
    def script(c):
        request = c.request_head()
        t.equal((request.get("expect"), bytes(c.buffer)), ("100-continue", b""), "Expect, and bytes behind the head")
        c.respond(413, body=b"too much")
        t.equal(c.ending("the end")[1], b"", "bytes behind the head")
        ended.append(1)
    for fields in ([("Content-Length", "5")], [("Transfer-Encoding", "chunked")]):
        ended = []
        client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
        expecting(client, fields=fields)
        answer = client.response()
        t.equal((answer.status, answer.body, list(answer.interim)), (413, b"too much", []), "answer")
        client.expect_closed(t)
        t.wait_until(lambda: ended, "the end of the connection to the target")


def waits(t, client):
    """Nothing comes for a moment. Where that moment took so long that nobody need wait for a target any more, what comes is
    not judged: it stays to be read."""
    began = time.monotonic()
    try:
        client.expect_quiet(t, "before the target speaks", 0.2)
    except Failure:
        if time.monotonic() - began < 0.9:
            raise


def test_not_before_the_target(t):
    """100 comes when the target says so, and not before; then the body, and an answer on connections that stay"""
    def script(c):
        while c.buffer or c.more():
            request = c.request_head()
            t.wait_until(lambda: quiet, "a client that waits")
            c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            c.body(request)
            c.respond(201)
    origin, quiet = t.origin(script), []
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(4):
        quiet.clear()
        expecting(client)
        waits(t, client)
        quiet.append(1)
        t.true(told(client), "100 Continue")
        client.send(b"12345")
        t.equal(client.response().status, 201, "status")
    t.equal([r.body for r in origin.requests], [b"12345"] * 4, "at the target")
    t.at_most(len(origin.connections), 2, "connections, of which one may rest while the next request comes")


def test_silent_target(t):
    """a target that says nothing for a second gets the body"""
    def script(c):
        c.body(c.request_head())
        c.respond(201)
        c.stall()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    began = time.monotonic()
    expecting(client)
    t.true(told(client), "100 Continue")
    t.at_least(time.monotonic() - began, 0.9, "seconds")
    client.send(b"12345")
    t.equal(client.response().status, 201, "status")


def test_late_100(t):
    """100 of a target that was slow to say it is no second one to the client"""
    def script(c):
        request = c.request_head()
        c.body(request)
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 2)
        c.respond(201)
        c.stall()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    expecting(client)
    t.true(told(client), "100 Continue")
    client.send(b"12345")
    answer = client.response()
    t.equal((answer.status, list(answer.interim)), (201, []), "answer")


def test_client_does_not_wait_long(t):
    """a body that comes unasked is passed on at once, though the target says nothing"""
    needs_seam(t, "it does not see what comes")

    def script(c):
        c.body(c.request_head())
        c.respond(201)
        c.stall()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    expecting(client)
    client.expect_quiet(t, "before the body", 0.1)
    began = time.monotonic()
    client.send(b"12345")
    t.equal(client.response().status, 201, "status")
    t.at_most(time.monotonic() - began, 0.5, "seconds")


def test_body_is_here(t):
    """a body that came with its head is not asked for: the target gets both, and no Expect"""
    needs_seam(t, "it does not see what came")
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for fields, body in ((("Content-Length", "5"), b"12345"), (("Transfer-Encoding", "chunked"), chunked(b"12345")),
                         (("Content-Length", "5"), b"1"), (("Transfer-Encoding", "chunked"), b"5")):
        client.send(client.head("POST", "/", [fields, EXPECT]) + body)
        if len(body) == 1:
            client.send(b"2345" if body == b"1" else b"\r\n12345\r\n0\r\n\r\n")
        t.equal(client.response().status, 200, "status")
        t.equal((origin.requests[-1].body, origin.requests[-1].all("expect")), (b"12345", []), "at the target")


def test_old_target(t):
    """a target known to be HTTP/1.0 is not asked, and the client need not wait"""
    def script(c):
        for request in c.requests():
            c.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok")
    origin = t.origin(script)
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.get().status, 200, "status")
    began = time.monotonic()
    expecting(client)
    t.true(told(client), "100 Continue")
    t.at_most(time.monotonic() - began, 0.5, "seconds")
    client.send(b"12345")
    t.equal(client.response().status, 200, "status")
    t.equal((origin.last.body, origin.last.all("expect")), (b"12345", []), "at the target")


def test_old_client_is_not_passed_on(t):
    """Expect of HTTP/1.0 does not reach the target"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n12345")
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.all("expect"), [], "Expect at the target")


def test_answer_right_behind_100(t):
    """a target that says 100 and its answer in one breath"""
    def script(c):
        c.request_head()
        c.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
        c.stall()
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    expecting(client)
    answer = client.response()
    t.equal((answer.status, answer.body), (403, b"no"), "answer")
    t.at_most(len(answer.interim), 1, "interim answers")


def test_another_target(t):
    """after a try that failed the next target is asked, and the body is sent once"""
    def dies(c):
        c.request_head()
        c.reset()
    first, second = t.origin(dies), t.origin()
    config = PLAIN.replace("@origin@", "@first@, @second@")
    client = t.client(t.outrider(config, first=first, second=second))
    for _ in range(4):
        expecting(client, method="PUT")
        t.true(told(client), "100 Continue")
        client.send(b"12345")
        t.equal(client.response().status, 200, "status")
    t.equal([(r.body, r.get("expect")) for r in second.requests], [(b"12345", "100-continue")] * 4, "at the second target")
    t.true(first.requests, "the first target was asked")
    t.equal({r.body for r in first.requests}, {b""}, "bodies at the first target")


def test_no_target(t):
    """no target at all: 502 without the body"""
    port = Port()
    port.close()
    client = t.client(t.outrider(PLAIN, origin=port))
    expecting(client)
    answer = client.response()
    t.equal((answer.status, list(answer.interim)), (502, []), "answer")
    client.expect_closed(t)


def test_client_goes(t):
    """a client that goes while it waits lets the target go, too"""
    def script(c):
        c.request_head()
        asked.append(1)
        ended.append(c.stall())
    asked, ended = [], []
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    expecting(client)
    t.wait_until(lambda: asked, "the target to be asked")
    client.reset()
    t.wait_until(lambda: ended, "the end of the connection to the target")


def test_pipelined(t):
    """a request that waits for 100 behind one that is being answered"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("GET", "/one") + client.head("POST", "/two", [("Content-Length", "5"), EXPECT]))
    t.equal(client.response().status, 200, "status of the first")
    t.true(told(client), "100 Continue")
    client.send(b"12345" + client.head("GET", "/three"))
    t.equal([client.response().status, client.response().status], [200, 200], "the rest")
    t.equal([r.target for r in origin.requests], ["/one", "/two", "/three"], "at the target")


def test_many(t):
    """many at once, invited, refused, cut off by the target, and gone themselves: each gets what is its own, and nothing stays"""
    def script(c):
        while c.buffer or c.more():
            request = c.request_head()
            kind = request.target[1:].partition("/")[0]
            if kind == "reset":
                return c.reset()
            if kind == "no":
                return c.respond(403, body=b"no")
            if request.get("expect"):
                c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                c.body(request)
            except (Ended, Truncated):
                return None
            c.respond(200, body=request.target.encode() + request.body)
    origin = t.origin(script)
    outrider = t.outrider(PLAIN, origin=origin)
    t.equal(t.get(outrider, "/yes").status, 200, "one before")
    before = outrider.descriptors()
    for _ in range(5):
        clients = [(kind, n, t.client(outrider)) for n in range(15) for kind in ("yes", "no", "reset", "gone")]
        for kind, n, client in clients:
            expecting(client, f"/{kind}/{n}")
        for kind, n, client in clients:
            if kind == "gone":
                client.reset()
            elif kind == "yes":
                t.true(told(client), "100 Continue")
        for kind, n, client in clients:
            if kind == "yes":
                client.send(b"%05d" % n)
        for kind, n, client in clients:
            if kind == "yes":
                answer = client.response()
                t.equal((answer.status, answer.body), (200, b"/yes/%d%05d" % (n, n)), "invited")
            elif kind != "gone":
                answer = client.response()
                t.equal((answer.status, list(answer.interim)), (403 if kind == "no" else 502, []), kind)
            client.close()
    t.wait_until(lambda: outrider.descriptors() <= before + 20, "descriptors to be given back (kept connections may stay)")
    t.equal(t.get(outrider, "/yes").status, 200, "one afterwards")


main()
