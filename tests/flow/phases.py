#!/usr/bin/env python3
# tests/flow/phases.py - either side ends, or half-ends, its connection at any moment of an exchange.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import select
from kit import limit

CONFIG = """
services: [ { name: web, targets: [ @origin@ ], retry: { max_retries: 0 } } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
HEAD = len(ANSWER) - 10
CLIENT_ENDS = {"closes": lambda c: c.close(), "resets": lambda c: c.reset(), "half-closes": lambda c: c.half_close()}


class Patient:
    """A target that sends the first bytes of its answer, and the rest when it is told; and says how its peer ended."""

    def __init__(self, t):
        self.t = t
        self.first = 0
        self.go = threading.Event()
        self.ended = []
        self.cut = []
        self.origin = t.origin(self.script)

    def script(self, c):
        try:
            while c.buffer or c.more():
                self.one(c)
        except (Truncated, Ended):
            self.cut.append(c)
        finally:
            self.ended.append(c)

    def one(self, c):
        request = c.request_head()
        c.body(request)
        first = 0 if request.target == "/plain" else self.first
        if request.target != "/plain":
            c.send(ANSWER[:first])
            while not self.go.is_set():
                if self.t.failed or (select.select([c.sock], [], [], 0.005)[0] and not c.more()):
                    return
        c.send(ANSWER[first:])


def settled(t, outrider, descriptors):
    """Nothing is left of any exchange."""
    t.wait_until(lambda: all(target["inflight"] == 0 for target in outrider.service("web")["targets"]), "nothing in flight")
    t.wait_until(lambda: outrider.descriptors() <= descriptors, f"{outrider.descriptors()} descriptors to be {descriptors}")


def upload(client, sent):
    client.send(client.head("POST", "/", [("Content-Length", "10")]) + b"x" * sent)


# moment -> (what the client has sent when it goes, the bytes of the answer that the target has sent, whether the request
# is whole)
CLIENT_MOMENTS = {
    "before it asked": (lambda c: None, 0, None),
    "in its head": (lambda c: c.send(b"GET / HTTP/1.1\r\nHos"), 0, None),
    "behind its head": (lambda c: upload(c, 0), 0, False),
    "in its body": (lambda c: upload(c, 5), 0, False),
    "waiting": (lambda c: c.request("GET", "/"), 0, True),
    "waiting, behind its body": (lambda c: upload(c, 10), 0, True),
    "in the head of the answer": (lambda c: c.request("GET", "/"), HEAD // 2, True),
    "behind the head of the answer": (lambda c: c.request("GET", "/"), HEAD, True),
    "in the body of the answer": (lambda c: c.request("GET", "/"), HEAD + 5, True),
}


def client_goes(t, end):
    """At every moment. One whose request is whole and that only half-closes gets its answer."""
    patient = Patient(t)
    outrider = t.outrider(CONFIG, origin=patient.origin)
    t.get(outrider, "/plain")
    patient.origin.shut()
    patient.origin.listen()
    descriptors = outrider.descriptors()
    for moment, (ask, first, whole) in CLIENT_MOMENTS.items():
        patient.first = first
        patient.go.clear()
        patient.ended.clear()
        patient.cut.clear()
        connections = len(patient.origin.connections)
        client = t.client(outrider)
        ask(client)
        if whole is not None:
            t.wait_until(lambda: len(patient.origin.connections) > connections, f"{moment}: the request at the target")
        if whole:
            t.wait_until(lambda: outrider.service("web")["targets"][0]["inflight"] == 1, f"{moment}: an exchange")
        if first >= HEAD:
            client.until(b"\r\n\r\n", 1000, "the head of the answer")
        CLIENT_ENDS[end](client)
        if end == "half-closes" and whole:
            patient.go.set()
            got = client.ending(f"{moment}: the answer")[1]
            t.true(got.endswith(b"0123456789"[max(0, first - HEAD):]), f"{moment}: {got!r}")
        elif end == "half-closes":
            how, got = client.ending(f"{moment}: the end")
            t.true(got == b"" or got.startswith(b"HTTP/1.1 4"), f"{moment}: {got!r} ({how})")
        if end == "closes" and first >= HEAD:   # no byte says that it was not a half-close, until one is sent
            patient.go.set()
        elif whole is not None and not (whole and end == "half-closes"):
            t.wait_until(lambda: patient.ended, f"{moment}: the target's connection to end")
            t.equal(len(patient.cut), 0 if whole else 1, f"{moment}: cut requests at the target")
        patient.origin.shut()
        patient.origin.listen()
        settled(t, outrider, descriptors)
    patient.go.set()
    t.equal(t.get(outrider, "/plain").body, b"0123456789", "a good request afterwards")


def test_client_closes(t):
    """the client closes at every moment: the target's connection ends at once, or with the next byte of an answer"""
    client_goes(t, "closes")


def test_client_resets(t):
    """the client resets at every moment: likewise"""
    client_goes(t, "resets")


def test_client_half_closes(t):
    """the client half-closes at every moment: it gets the answer when its request is whole"""
    client_goes(t, "half-closes")


def test_client_between(t):
    """the client goes between two requests: the target's connection is kept for others"""
    for end, leave in CLIENT_ENDS.items():
        origin = t.origin()
        outrider = t.outrider(CONFIG, origin=origin)
        client = t.client(outrider)
        client.get()
        descriptors = outrider.descriptors()
        leave(client)
        t.wait_until(lambda: outrider.descriptors() < descriptors, f"{end}: the client's descriptor to be closed")
        t.equal(t.get(outrider).status, 200, f"{end}: status")
        t.equal(len(origin.connections), 1, f"{end}: connections to the target")


def test_client_while_connecting(t):
    """the client goes while the sidecar is still connecting: it stops connecting"""
    for end in ("closes", "resets"):
        full = t.closing(Full())
        outrider = t.outrider(CONFIG.replace("retry", "timeout: { connect: 60s }, retry"), origin=full)
        client = t.client(outrider)
        client.request("GET", "/")
        t.wait_until(full.connecting, f"{end}: the sidecar to connect")
        descriptors = outrider.descriptors()
        CLIENT_ENDS[end](client)
        t.wait_until(lambda: not full.connecting(), f"{end}: the sidecar to stop that")
        settled(t, outrider, descriptors - 2)


# ---- the target ----

def read_half(c):
    c.until(b"\r\n\r\n", 10000, "head")
    c.exactly(150000, "half of the body")


def until(n):
    def moment(c):
        c.request()
        c.send(ANSWER[:n])
    return moment


LONG = b"x" * 300000
# moment -> (what the target does before it goes, the request's body, what the client gets)
TARGET_MOMENTS = {
    "when it has accepted": (lambda c: None, None, "refused"),
    "behind the head": (lambda c: c.request_head(), LONG, "lost"),
    "in the body": (read_half, LONG, "lost"),
    "instead of an answer": (until(0), None, "lost"),
    "behind an interim answer": (lambda c: (c.request(), c.send(b"HTTP/1.1 103 Early\r\n\r\n")), None, "lost"),
    "behind a byte": (until(1), None, "lost"),
    "in its head": (until(HEAD // 2), None, "lost"),
    "behind its head": (until(HEAD), None, "cut"),
    "in its body": (until(HEAD + 5), None, "cut"),
    "behind its answer": (until(HEAD + 10), None, "whole"),
}
TARGET_ENDS = {"closes": lambda c: c.close(), "resets": lambda c: c.reset(),
               "half-closes": lambda c: (c.half_close(), c.stall())}


def target_goes(t, end):
    """At every moment. The client is told, the connection is never used again, the next request is good."""
    def script(c):
        if c.number % 2:                        # a kept connection that ended costs the next request nothing
            for _ in c.requests():
                c.send(ANSWER)
            return
        doing(c)
        TARGET_ENDS[end](c)
    doing = None
    origin = t.origin(script)
    outrider = t.outrider(CONFIG, origin=origin)
    before = None
    for moment, (doing, body, outcome) in TARGET_MOMENTS.items():
        where = f"{end} {moment}"
        before = before or outrider.descriptors()
        client = t.client(outrider)
        try:
            answer = client.ask("POST" if body else "GET", "/", body=body)
        except (Truncated, Ended) as broken:
            answer = broken
        if outcome == "whole":
            t.equal((answer.status, answer.body), (200, b"0123456789"), where)
        elif outcome == "cut" and not isinstance(answer, http.Response):
            pass                                # seen after the head had gone out
        elif outcome == "refused" and json.loads(answer.body)["code"] == "connect-refused":
            problem(t, answer, 502, "connect-refused", "connection_refused")    # a reset came before the library looked
        else:
            t.true(isinstance(answer, http.Response), f"{where}: {answer}")
            problem(t, answer, 502, "upstream-reset", "connection_terminated")
        t.wait_until(lambda: len(origin.live) == 0, f"{where}: the connection to be dropped")
        t.equal(t.get(outrider).body, b"0123456789", f"{where}: the next answer")
        client.close()
        origin.shut()
        origin.listen()
        settled(t, outrider, before)


def test_target_closes(t):
    """the target closes at every moment: 502 or a cut answer, and the next request is good"""
    target_goes(t, "closes")


def test_target_resets(t):
    """the target resets at every moment: likewise"""
    target_goes(t, "resets")


def test_target_half_closes(t):
    """the target half-closes at every moment: as if it had closed, and the sidecar closes, too"""
    target_goes(t, "half-closes")


def test_target_between(t):
    """the target goes between two requests: the next one gets a fresh connection, a POST as well"""
    for end, leave in TARGET_ENDS.items():
        def script(c):
            c.request()
            c.send(ANSWER)
            leave(c)
        origin = t.origin(script)
        client = t.client(t.outrider(CONFIG, origin=origin))
        for method in ("GET", "POST", "POST", "GET"):
            t.equal(client.ask(method, "/").body, b"0123456789", f"{method} when the target {end}")
            origin.wait_idle()


# ---- while the sidecar stops ----

def test_drain(t):
    """either side goes while the sidecar stops: it ends at once, with 0"""
    for who in ("client", "target"):
        for end in ("closes", "resets"):
            patient = Patient(t)
            leaves = threading.Event()
            origin = patient.origin if who == "client" else t.origin(
                lambda c: (c.request(), leaves.wait(limit.remaining()), TARGET_ENDS[end](c)))
            outrider = t.outrider(CONFIG, origin=origin)
            client = t.client(outrider)
            client.request("GET", "/")
            origin.wait_requests(1)
            outrider.signal(signal.SIGTERM)
            t.wait_until(lambda: outrider.health("/health/ready").status == 503, "the sidecar to stop")
            began = time.monotonic()
            if who == "client":
                CLIENT_ENDS[end](client)
                t.wait_until(lambda: patient.ended, "the target's connection to end")
            else:
                leaves.set()
                problem(t, client.response(), 502, "upstream-reset", "connection_terminated")
            t.equal(outrider.wait(), 0, f"exit code when the {who} {end}")
            if not sanitized():
                t.at_most(time.monotonic() - began, 5, f"seconds to the end when the {who} {end}")


main()
