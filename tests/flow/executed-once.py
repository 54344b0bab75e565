#!/usr/bin/env python3
# tests/flow/executed-once.py - what may not be repeated is not repeated, and is not lost without need either.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import asyncio
import random
import select
from kit import limit, swarm


def config(targets="@origin@", more=""):
    return f"""
workers: 1
services: [ {{ name: web, targets: [ {targets} ]{more} }} ]
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
"""


PART_OF_AN_ANSWER = {
    "a byte": b"H",
    "half a status line": b"HTTP/1.1 20",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Length",
    "all of a head but its end": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r",
    "an interim answer": b"HTTP/1.1 103 Early\r\n\r\n",
}


def test_never_after_a_byte(t):
    """20: after a byte of an answer nothing is sent again, whatever the method"""
    for what, part in PART_OF_AN_ANSWER.items():
        for how in ("close", "reset"):
            def script(c):
                c.request()
                c.send(part)
                getattr(c, how)()
            a, b = t.origin(script), t.origin(script)
            outrider = t.outrider(config("@a@, @b@"), a=a, b=b)
            for method in ("GET", "PUT", "POST"):
                before = len(a.requests) + len(b.requests)
                problem(t, t.ask(outrider, method, "/"), 502, "upstream-reset", "connection_terminated")
                t.equal(len(a.requests) + len(b.requests) - before, 1, f"{method}: requests after {what} and {how}")


def test_never_after_a_byte_in_time(t):
    """20: nor when the rest of it does not come in time"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 200 OK\r\nContent-")
        c.stall()
    a, b = t.origin(script), t.origin(script)
    outrider = t.outrider(config("@a@, @b@", ", timeout: { response: 300ms }"), a=a, b=b)
    problem(t, t.get(outrider), 504, "upstream-timeout", "http_response_timeout")
    t.equal(len(a.requests) + len(b.requests), 1, "requests")


def warm(t, outrider, origin, n):
    """n kept connections."""
    clients = [t.client(outrider) for _ in range(n)]
    barrier.clear()
    for client in clients:
        client.request("GET", "/warm")
    t.wait_until(lambda: len([r for r in origin.requests if r.target == "/warm"]) >= n, "all of them at the target")
    barrier.set()
    for client in clients:
        t.equal(client.response().status, 200, "status")


barrier = threading.Event()


def dies_when_used_again(t, executed, how="close"):
    """Answers the first request of a connection, and reads the second without answering it."""
    def script(c):
        for i, request in enumerate(c.requests()):
            if i > 0:
                executed.append(request)
                getattr(c, how)()
                return
            if request.target == "/warm":
                barrier.wait(limit.remaining())
            else:
                executed.append(request)
            c.respond(body=b"fresh")
    return script


def test_kept_and_dead(t):
    """20: a GET on a kept connection that dies goes once more, on a fresh one, however many are kept"""
    for how in ("close", "reset"):
        executed = []
        origin = t.origin(dies_when_used_again(t, executed, how))
        outrider = t.outrider(config(more=", retry: { max_retries: 1 }"), origin=origin)
        warm(t, outrider, origin, 5)
        for method, body in (("GET", None), ("PUT", b"x" * 1000)):
            answer = t.ask(outrider, method, "/", body=body)
            t.equal((answer.status, answer.body), (200, b"fresh"), f"{method}: answer")
        t.equal([r.method for r in executed], ["GET", "GET", "PUT", "PUT"], "executions")


def test_kept_and_dead_post(t):
    """20: a POST on a kept connection that dies after reading it is 502, and was executed once"""
    for how in ("close", "reset"):
        for method, body in (("POST", b"x"), ("POST", b"x" * 300000), ("PATCH", [b"a", b"b"]), ("LINK", None),
            ("post", b"")):
            executed = []
            origin = t.origin(dies_when_used_again(t, executed, how))
            outrider = t.outrider(config(), origin=origin)
            warm(t, outrider, origin, 3)
            problem(t, t.ask(outrider, method, "/", body=body), 502, "upstream-reset", "connection_terminated")
            t.equal(len(executed), 1, f"executions of {method}")


def test_no_retries(t):
    """20: max_retries: 0 is meant, on kept connections too"""
    executed = []
    origin = t.origin(dies_when_used_again(t, executed))
    outrider = t.outrider(config(more=", retry: { max_retries: 0 }"), origin=origin)
    warm(t, outrider, origin, 1)
    problem(t, t.get(outrider), 502, "upstream-reset", "connection_terminated")
    t.equal(len(executed), 1, "executions")


def test_half_a_body(t):
    """20: a target that goes in the middle of a body: PUT once more with all of it, POST never"""
    def half(c):
        request = c.request_head()
        seen.append(request)
        for piece in c.pieces(1000, "half of the body"):
            pass
        c.reset()
    seen = []
    bad, good = t.origin(half), t.origin()
    outrider = t.outrider(config("@bad@, @good@"), bad=bad, good=good)
    client = t.client(outrider)
    body = bytes(range(256)) * 200
    for _ in range(2):
        t.equal(client.ask("PUT", "/", body=body).status, 200, "status of PUT")
        t.true(good.requests[-1].body == body, "its body")
    t.at_least(len(seen), 1, "halves")
    outcomes = []
    for _ in range(2):
        before = len(seen) + len(good.requests)
        outcomes.append(t.ask(outrider, "POST", "/", body=body).status)
        t.equal(len(seen) + len(good.requests) - before, 1, "targets that saw the POST")
    t.equal(sorted(outcomes), [200, 502], "statuses of POST")


def ends_after_one(t, how, executed):
    """Answers one request; when `go` is set, ends the connection or speaks unasked. Later ones are plain."""
    go, done = threading.Event(), threading.Event()

    def first(c):
        executed.append(c.request())
        c.respond(body=b"done")
        go.wait(limit.remaining())
        if how == "byte":
            c.send(b"H")
        else:
            getattr(c, how)()
        done.set()
        if how == "byte":
            c.stall()

    def later(c):
        for request in c.requests():
            executed.append(request)
            c.respond(body=b"done")
    return t.origin(first, later), go, done


REQUESTS = (("GET", None), ("POST", None), ("POST", b"x" * 100), ("PATCH", [b"a", b"b"]), ("POST", b"x" * 50000))


def test_ended_before_it_was_sent(t):
    """20: a kept connection that ended before the request was sent costs nobody a request, whatever the method"""
    for how in ("close", "reset", "byte"):
        for method, body in REQUESTS:
            executed = []
            origin, go, done = ends_after_one(t, how, executed)
            outrider = t.outrider(config(more=", retry: { max_retries: 0 }"), origin=origin)
            client = t.client(outrider)
            t.equal(client.get("/first").status, 200, "status")
            outrider.signal(signal.SIGSTOP)             # it sleeps: the request comes first, and then the end
            t.wait_until(lambda: outrider.state() == "T", "the sidecar to sleep")
            client.request(method, "/", body=body)
            go.set()
            t.wait_until(done.is_set, "the target to be done with its connection")
            outrider.signal(signal.SIGCONT)
            answer = client.response(method)
            t.equal((answer.status, answer.body), (200, b"done"), f"{method} after {how}")
            t.equal([r.method for r in executed], ["GET", method], f"executions of {method} after {how}")


def moment(t, seconds):
    began = time.monotonic()
    t.wait_until(lambda: time.monotonic() - began > seconds, "a moment")


def test_patience(t):
    """20: a POST does not go on a connection that is nearly as old as those the target has ended"""
    def impatient(c):
        while c.buffer or select.select([c.sock], [], [], 1)[0]:
            if not c.buffer and not c.more():
                return
            c.request()
            c.respond(body=b"done")
    origin = t.origin(impatient)
    outrider = t.outrider(config(), origin=origin)
    client = t.client(outrider)
    client.get("/learn")
    origin.wait_idle()                                  # the target has ended it
    client.ask("POST", "/a", body=b"x")
    moment(t, 0.9)
    client.ask("POST", "/b", body=b"x")
    young = time.monotonic()
    client.ask("POST", "/c", body=b"x")
    t.equal([r.connection for r in origin.requests[:3]], [0, 1, 2], "connections")
    if time.monotonic() - young < 0.4:
        t.equal(origin.requests[3].connection, 2, "connection of the one that followed at once")
    moment(t, 0.9)
    used = len(origin.connections)
    t.equal(client.get("/d").status, 200, "status of a GET, which may go on an old one")
    t.at_most(len(origin.connections) - used, 1, "connections opened for it")


def test_on_status(t):
    """20: on_status sends again what may be repeated, and a POST never"""
    bad, good = t.origin(), t.origin()
    bad.default.status = 503
    outrider = t.outrider(config("@bad@, @good@", ", retry: { on_status: [503] }"), bad=bad, good=good)
    for method, body in (("PUT", b"x"), ("DELETE", None), ("POST", b"x"), ("PATCH", b"x"), ("LINK", None)):
        before = len(bad.requests) + len(good.requests)
        statuses = sorted(t.ask(outrider, method, "/", body=body).status for _ in range(2))
        may = method in ("PUT", "DELETE")
        t.equal(statuses, [200, 200] if may else [200, 503], f"statuses of {method}")
        t.at_most(len(bad.requests) + len(good.requests) - before, 4 if may else 2, f"requests of {method}")


# ---- the storm ----

ROUNDS = 2000 if not SLOW else 40000


class Stormy:
    """A target that ends connections at random: before it reads, between reading and answering, in its answer,
        behind it."""

    def __init__(self, t, rng):
        self.target = t.closing(swarm.Target(self.reply))
        self.rng = rng
        self.executed = {}              # target of the request -> how often
        self.cut = set()                # those whose answer was held back or cut

    def reply(self, connection, head):
        name = head.split(b" ")[1].decode()
        self.executed[name] = self.executed.get(name, 0) + 1
        loop, what = asyncio.get_running_loop(), self.rng.random()
        if what < 0.03:                                 # read it, and go
            self.cut.add(name)
            (connection.close if what < 0.015 else connection.reset)()
            return
        body = name.encode()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        if what < 0.10:
            connection.close()
        elif what < 0.60:                               # while the next one may be on its way
            loop.call_later(self.rng.random() * 0.004, connection.close if what < 0.4 else connection.reset)


def storm(t, method, rounds, more=""):
    """(statuses by name, what the target executed)"""
    rng = random.Random(int(os.environ.get("OUTRIDER_TEST_SEED", "20261120")))
    stormy = Stormy(t, rng)
    outrider = t.outrider(config(more=more), origin=stormy.target)
    statuses, names = {}, iter(f"/{i}" for i in range(rounds))

    async def client():
        peer = await swarm.Peer.to(outrider)
        for name in names:
            answer = await peer.ask(f"{method} {name} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            statuses[name] = answer.status
            if answer.status == 200:
                t.equal(answer.body, name.encode(), "the body of the answer")
            if rng.random() < 0.2:
                await asyncio.sleep(rng.random() * 0.004)
        peer.close()

    async def all_of_it():
        await stormy.target.start()
        await asyncio.gather(*(client() for _ in range(16)))
    start_clock(300 if SLOW else 2 * limit.LIMIT)
    swarm.run(t, all_of_it())
    t.equal(len(statuses), rounds, "answers")
    return statuses, stormy


def test_storm_of_posts(t):
    """20: thousands of POSTs on connections that end at random: none is executed twice, few are lost"""
    statuses, stormy = storm(t, "POST", ROUNDS)
    t.equal({n for n, times in stormy.executed.items() if times > 1}, set(), "executed twice")
    good = {n for n, status in statuses.items() if status == 200}
    t.equal({status for status in statuses.values()} - {200, 502}, set(), "statuses")
    t.equal(good - set(stormy.executed), set(), "answered and not executed")
    t.equal(good & stormy.cut, set(), "answered though the target did not")
    lost = [n for n, status in statuses.items() if status != 200 and n not in stormy.cut]
    t.at_most(len(lost), ROUNDS // 5, "POSTs that met the end of their connection on the way")


def test_storm_of_gets(t):
    """20: thousands of GETs on connections that end at random: every one is answered"""
    statuses, stormy = storm(t, "GET", ROUNDS, ", retry: { max_retries: 3, budget: { min_per_second: 100000 } }")
    t.equal({n: status for n, status in statuses.items() if status != 200}, {}, "not answered")
    t.equal(set(statuses) - set(stormy.executed), set(), "not executed")


main()
