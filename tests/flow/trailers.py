#!/usr/bin/env python3
# tests/flow/trailers.py - fields behind a body, in both directions; TE.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

GOOD = [("X-Checksum", "abc"), ("x-empty", ""), ("grpc-status", "0"), ("grpc-message", "a b, c"), ("ETag", '"1"'),
        ("X-Checksum", "again")]
# framing and routing among them are refused by the strict check: refuse-chunks.py
BAD = [("Authorization", "Basic x"), ("Set-Cookie", "a=b"), ("Cookie", "a=b"), ("Content-Type", "a/b"),
       ("Content-Encoding", "gzip"), ("Cache-Control", "no-store"), ("Expect", "100-continue"), ("Max-Forwards", "0"),
       ("If-Match", "*"), ("Range", "bytes=0-"), ("TE", "gzip"), ("Trailer", "x"), ("Via", "1.1 evil"),
       ("X-Forwarded-For", "6.6.6.6"), ("X_Forwarded_For", "6.6.6.6"), ("X-Real-IP", "6.6.6.6"),
       ("X-Consumer-Username", "root"), ("X-Remote-User", "root"), ("Keep-Alive", "timeout=1"), ("Proxy-Connection", "x"),
       ("Location", "/x"), ("Vary", "*"), ("Age", "1"), ("Date", "x"), ("Expires", "0")]


def send(client, fields, trailers, target="/"):
    client.send(client.head("POST", target, list(fields) + [("Transfer-Encoding", "chunked")])
                + chunked(b"one", b"two", trailers=trailers))


def test_request(t):
    """trailers of a request stand behind its body at the target, in order, and nowhere else"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        send(client, [], GOOD)
        t.equal(client.response().status, 200, "status")
        t.equal((origin.requests[-1].body, origin.requests[-1].trailers), (b"onetwo", GOOD), "at the target")
        t.lacks(origin.requests[-1].names(), "x-checksum", "fields at the target")
    send(client, [], [])
    t.equal(client.response().status, 200, "status of one without")
    t.equal(origin.requests[-1].trailers, [], "trailers of one without")
    t.equal(len(origin.connections), 1, "connections to the target")


def test_request_bytewise(t):
    """trailers of a request that come byte by byte"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("POST", "/", [("Transfer-Encoding", "chunked")]))
    for byte in chunked(b"one", trailers=GOOD):
        client.send(bytes([byte]))
    t.equal(client.response().status, 200, "status")
    t.equal(origin.last.trailers, GOOD, "trailers at the target")


def test_request_filtered(t):
    """5: trailers that frame, route, authenticate, control or say who asks go no further"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for field in BAD:
        send(client, [], [("X-Before", "1"), field, ("X-After", "2")])
        t.equal(client.response().status, 200, f"status with {field}")
        t.equal(origin.requests[-1].trailers, [("X-Before", "1"), ("X-After", "2")], f"trailers with {field}")
        t.lacks([f for f in origin.requests[-1].fields], field, "fields at the target")


def test_request_named(t):
    """9: trailers that Connection names end here"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    send(client, [("Connection", "keep-alive, x-mine"), ("Trailer", "X-Mine, X-Theirs, Content-Length")],
         [("X-Mine", "1"), ("X-Theirs", "2")])
    t.equal(client.response().status, 200, "status")
    t.equal((origin.last.trailers, origin.last.get("trailer")), ([("X-Theirs", "2")], "X-Theirs"), "at the target")


def test_request_again(t):
    """trailers go along when a request is sent again"""
    def dies(c):
        c.request()
        c.reset()

    def answers(c):
        for _ in c.requests():
            c.respond()
    origin = t.origin(dies, answers)
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("PUT", "/", [("Transfer-Encoding", "chunked")]) + chunked(b"one", trailers=GOOD))
    t.equal(client.response().status, 200, "status")
    t.equal([r.trailers for r in origin.requests], [GOOD, GOOD], "trailers at the target")


def test_announced(t):
    """Trailer is passed on with the names that are; a counted body has none"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for said, want in ((["X-Checksum, ETag"], ["X-Checksum, ETag"]), (["X-A", "X-B,,X-C"], ["X-A, X-B, X-C"]),
                       (["Host, Authorization, X-Real-IP"], []), (["Set-Cookie, X-A"], ["X-A"]), ([""], [])):
        send(client, [("Trailer", v) for v in said], GOOD)
        t.equal(client.response().status, 200, f"status with {said}")
        t.equal(origin.requests[-1].all("trailer"), want, f"Trailer of {said}")
    t.equal(client.ask("POST", "/", headers=[("Trailer", "X-A")], body=b"counted").status, 200, "a counted body")
    t.equal(origin.last.all("trailer"), [], "Trailer of a counted body")


def answering(t, fields, trailers):
    def script(c):
        for _ in c.requests():
            c.send(head("HTTP/1.1 200 OK", list(fields) + [("Transfer-Encoding", "chunked")])
                   + chunked(b"one", b"two", trailers=trailers))
    return t.client(t.outrider(PLAIN, origin=t.origin(script)))


def test_answer(t):
    """trailers of an answer stand behind its body at the client, with Trailer as far as it is true"""
    client = answering(t, [("Trailer", "X-Checksum, Set-Cookie"), ("Trailer", "grpc-status")], GOOD)
    for _ in range(2):
        answer = client.get()
        t.equal((answer.body, answer.trailers), (b"onetwo", GOOD), "answer")
        t.equal(answer.get("trailer"), "X-Checksum, grpc-status", "Trailer")
        t.lacks(answer.names(), "x-checksum", "fields at the client")


def test_answer_filtered(t):
    """5: trailers of an answer that frame, authenticate or control go no further"""
    framing = [("Content-Length", "3"), ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("Upgrade", "h2c")]
    client = answering(t, [], BAD[:1] + framing + GOOD[:1] + BAD[1:])
    answer = client.get()
    t.equal((answer.body, answer.trailers), (b"onetwo", GOOD[:1]), "answer")
    t.equal(client.get().body, b"onetwo", "the next answer on the connection")


def test_answer_named(t):
    """9: trailers of an answer that its Connection names end here"""
    client = answering(t, [("Connection", "x-mine"), ("Trailer", "x-mine")], [("X-Mine", "1"), ("X-Theirs", "2")])
    answer = client.get()
    t.equal((answer.trailers, answer.all("trailer")), ([("X-Theirs", "2")], []), "trailers")


def test_answer_to_an_old_client(t):
    """an HTTP/1.0 client gets neither trailers nor Trailer"""
    client = answering(t, [("Trailer", "X-Checksum")], GOOD)
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    answer = client.response()
    t.equal((answer.framing, answer.body, answer.trailers, answer.all("trailer")), ("close", b"onetwo", [], []), "answer")


def test_te(t):
    """TE: trailers goes on, with the Connection that belongs to it; other codings are between two hops"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for fields, want in (
            ([("TE", "trailers"), ("Connection", "TE")], (["trailers"], ["TE"])),
            ([("TE", "gzip;q=0.5, Trailers"), ("Connection", "keep-alive, te")], (["trailers"], ["TE"])),
            ([("TE", "trailers")], ([], [])), ([("TE", "gzip"), ("Connection", "TE")], ([], [])),
            ([("TE", ""), ("Connection", "TE")], ([], [])), ([("Connection", "TE")], ([], []))):
        t.equal(client.get("/", headers=fields).status, 200, f"status of {fields}")
        t.equal((origin.requests[-1].all("te"), origin.requests[-1].all("connection")), want, f"{fields} at the target")
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
    t.equal(client.response().status, 200, "status to HTTP/1.0")
    t.equal(origin.requests[-1].all("te"), [], "TE of HTTP/1.0")


main()
