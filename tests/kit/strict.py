# tests/kit/strict.py - requests that must be refused, each in every way it can arrive.
# SPDX-License-Identifier: Apache-2.0
"""refused() sends each request whole, byte by byte, and behind a good one; always with another request behind it that
nobody may ever see. The answer is one of the given statuses, the connection ends, and the target sees at most the good
request and, where a body is broken, a beginning of the bad one that never comes to its end."""
import select

from . import checks, http
from .client import Client
from .wire import Ended

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n"
GOOD = b"GET /good HTTP/1.1\r\nHost: t.example\r\n\r\n"


def deliver(client, wire, bytewise):
    """A server that has refused may have closed: what is left is not sent."""
    try:
        if not bytewise:
            client.send(wire)
            return
        for i in range(len(wire)):
            client.send(wire[i:i + 1])
            if select.select([client.sock], [], [], 0)[0]:
                return
    except Ended:
        pass


def one(t, outrider, origin, what, wire, statuses, arrival):
    seen = len(origin.requests)
    client = Client(outrider)
    try:
        if arrival == "pipelined":
            deliver(client, GOOD + wire + SMUGGLED, False)
            t.equal(http.read_response(client).status, 200, f"{what}, pipelined: the good request")
        else:
            deliver(client, wire + SMUGGLED, arrival == "bytewise")
        answer = http.read_response(client)
        t.true(answer.status in statuses, f"{what}, {arrival}: status {answer.status}, expected {statuses}")
        how, rest = client.ending(f"{what}, {arrival}: the end of the connection")
        t.equal(rest, b"", f"{what}, {arrival}: bytes after the refusal ({how})")
    except Ended as end:
        t.true(False, f"{what}, {arrival}: {end}, expected {statuses}")
    finally:
        client.close()
    targets = [request.target for request in origin.requests[seen:]]
    t.equal(targets, ["/good"] if arrival == "pipelined" else [], f"{what}, {arrival}: whole requests at the target")


def refused(t, cases, statuses, config=checks.PLAIN):
    """cases: what -> bytes."""
    origin = t.origin()
    outrider = t.outrider(config, origin=origin)
    for arrival in ("whole", "bytewise", "pipelined"):
        for what, wire in cases.items():
            one(t, outrider, origin, what, wire, statuses, arrival)
    t.equal(t.get(outrider).status, 200, "a good request afterwards")


def accepted(t, cases, config=checks.PLAIN):
    """The other side of a rule: these must be served, in every way they can arrive."""
    origin = t.origin()
    outrider = t.outrider(config, origin=origin)
    for bytewise in (False, True):
        for what, wire in cases.items():
            client = Client(outrider)
            deliver(client, wire, bytewise)
            t.equal(http.read_response(client).status, 200, f"{what}: status")
            client.send(GOOD)
            t.equal(http.read_response(client).status, 200, f"{what}: the next request on the connection")
            client.close()
    return origin


def post(*fields, body=b"", version=b"HTTP/1.1"):
    """A POST with these field lines as they stand."""
    return b"POST /bad " + version + b"\r\nHost: t.example\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n" + body


def get(*fields, line=b"GET /bad HTTP/1.1", host=b"Host: t.example"):
    lines = ([host] if host is not None else []) + list(fields)
    return line + b"\r\n" + b"".join(f + b"\r\n" for f in lines) + b"\r\n"
