#!/usr/bin/env python3
# tests/flow/hostile-answers.py - hundreds of broken answers, cut everywhere: 502, and nobody sees a byte of them.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import asyncio
from kit import answers, limit, swarm

CONFIG = """
workers: 1
services:
  - { name: fresh, targets: [ @origin@ ], keep_alive: { max_idle: 0 } }
  - { name: kept, targets: [ @origin@ ] }
routes:
  - { match: { paths: ["/fresh/**"] }, service: fresh }
  - { match: { paths: ["/kept/**"] }, service: kept }
"""
EDGE = 400                              # beyond that many bytes, cut only here and there
GAP = 0.001                             # between two pieces: long enough that they are read one by one


def cuts(data, every):
    """Where to split it."""
    places = list(range(1, min(len(data), EDGE))) + list(range(EDGE, len(data), 997))
    return places if every else places[len(data) % (5 * limit.EVERY)::5 * limit.EVERY]


class Hostile:
    """One daemon, one target: /MODE/good gets an answer of its own, /MODE/bad/KEY what the table says."""

    def __init__(self, t):
        self.t = t
        self.target = t.closing(swarm.Target(self.reply))
        self.outrider = t.outrider(CONFIG, origin=self.target)
        self.count = 0
        self.plans = {}                 # key -> (pieces, ends)
        self.reused = {}                # key -> whether it was asked for on a connection that had served
        self.tainted = set()

    def reply(self, connection, head):
        path = head.split(b" ")[1].decode()
        kind, key = path.split("/")[2:4]
        self.t.true(connection not in self.tainted, f"a request ({path}) on the connection of a broken answer")
        if kind == "good":
            body = b"good " + key.encode()
            connection.send(b"HTTP/1.1 200 OK\r\nX-Key: %s\r\nContent-Length: %d\r\n\r\n%s" %
                            (key.encode(), len(body), body))
            return
        pieces, ends, taints = self.plans[key]
        self.reused[key] = connection.served > 1
        if taints:
            self.tainted.add(connection)
        asyncio.get_running_loop().create_task(self.write(connection, pieces, ends))

    async def write(self, connection, pieces, ends):
        for i, piece in enumerate(pieces):
            if i > 0:
                await asyncio.sleep(GAP if len(pieces) == 2 else 0)
            if connection.end is not None:
                return
            connection.send(piece)
        if ends:
            connection.close()

    def key(self):
        self.count += 1
        return f"k{self.count}"

    async def good(self, peer, mode):
        key = self.key()
        answer = await peer.ask(f"GET /{mode}/good/{key} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        self.t.equal((answer.status, answer.body, answer.get("x-key")), (200, b"good " + key.encode(), key),
            "the good answer")
        self.t.lacks(answer.raw_head, b"EVIL", "the good answer")

    async def ask(self, peer, mode, what, plan):
        """The answer to a bad request, on a connection as the mode says; or how it broke."""
        method = "HEAD" if what.startswith("HEAD: ") else "GET"
        for _ in range(20):
            if peer.end is not None:
                peer = await swarm.Peer.to(self.outrider)
            await self.good(peer, mode)
            key = self.key()
            self.plans[key] = plan
            try:
                answer = await peer.ask(f"{method} /{mode}/bad/{key} HTTP/1.1\r\nHost: h\r\n\r\n".encode(), method)
                if answer.get("connection") == "close":
                    await peer.gone
            except (Ended, Truncated, BadMessage) as broken:
                answer = broken
            if self.reused.get(key) == (mode == "kept"):
                return peer, answer
        self.t.true(False, f"{what}: never on a {mode} connection")

    async def all(self, jobs, worker, width):
        """Each of `width` clients takes the next job until none is left."""
        async def client():
            peer = await swarm.Peer.to(self.outrider)
            for job in queue:
                peer = await worker(peer, *job)
                if peer.end is not None:
                    peer = await swarm.Peer.to(self.outrider)
            peer.close()
        await self.target.start()
        queue = iter(jobs)
        await asyncio.gather(*(client() for _ in range(width)))
        for connection in self.tainted:                 # every one of them was dropped
            await connection.gone


def jobs_of(table, every=SLOW):
    """Whole, byte by byte, and split in two; over fresh and over kept connections."""
    for number, (what, entry) in enumerate(table.items()):
        data = entry[1] if isinstance(entry[0], str) else entry[0]
        for at, mode in enumerate(("fresh", "kept")):
            yield mode, what, [data]
            yield mode, what, [data[i:i + 1] for i in range(min(len(data), EDGE))] + [data[EDGE:]]
            for i, cut in enumerate(cuts(data, every)):
                if every or (i + number) % 2 == at:
                    yield mode, what, [data[:cut], data[cut:]]


def code_of(answer):
    return json.loads(answer.body)["code"] if answer.body else ""


def judge(t, kind, where, answer):
    if kind in ("head", "large"):
        t.true(isinstance(answer, http.Response), f"{where}: {answer}")
        want = "upstream-protocol" if kind == "head" else "response-header-too-large"
        t.equal((answer.status, code_of(answer)), (502, want), where)
        error = "http_protocol_error" if kind == "head" else "http_response_header_section_size"
        problem(t, answer, 502, want, error)
    elif kind == "body":
        t.true(isinstance(answer, (Truncated, Ended)) or answer.status == 502, f"{where}: a whole answer: {answer!r}")
        seen = answer.message.body if isinstance(answer, Truncated) else b""
        t.lacks(seen, b"EVIL", where)
    else:
        t.true(isinstance(answer, http.Response), f"{where}: {answer}")
        t.lacks(answer.raw_head + answer.body, b"EVIL", where)
        if answer.status == 502 and answer.body:
            problem(t, answer, 502, "upstream-protocol", "http_protocol_error")


def table(t, kinds, width):
    """A broken answer of these kinds, in every way it can come."""
    start_clock(300 if SLOW else 3 * limit.LIMIT)
    chosen = {what: entry for what, entry in answers.HOSTILE.items() if entry[0] in kinds}
    h = Hostile(t)

    async def one(peer, mode, what, pieces):
        where = f"{what}, {mode}, in {len(pieces)} pieces, the first {len(pieces[0])} bytes"
        peer, answer = await h.ask(peer, mode, what, (pieces, False, True))
        judge(t, chosen[what][0], where, answer)
        if chosen[what][0] == "behind":                 # the rest may still be on its way
            await asyncio.gather(*(c.gone for c in h.tainted))
            h.tainted.clear()
        return peer
    swarm.run(t, h.all(jobs_of(chosen), one, width))
    t.note(f"{h.count} exchanges")


def test_before_the_request(t):
    """18: what a target says before it was asked is nobody's answer"""
    full = t.closing(Full())
    outrider = t.outrider(CONFIG.replace("max_idle: 0 }", "max_idle: 0 }, timeout: { connect: 60s }"), origin=full)
    client = t.client(outrider)
    client.request("GET", "/fresh/x")
    ours = t.wait_until(full.connecting, "the sidecar to connect")
    outrider.signal(signal.SIGSTOP)                     # its kernel goes on connecting
    t.wait_until(lambda: outrider.state() == "T", "the sidecar to sleep")
    full.sock.settimeout(limit.remaining())
    peers = []
    while not peers or peers[-1].getpeername()[1] not in ours:
        peers.append(full.sock.accept()[0])
    peers[-1].sendall(answers.EVIL)
    outrider.signal(signal.SIGCONT)
    answer = client.response()
    for peer in peers:
        peer.close()
    t.lacks(answer.raw_head + answer.body, b"EVIL", "answer")
    problem(t, answer, 502, "upstream-protocol", "http_protocol_error")


def test_how_many(t):
    """18: the table has more than 200 broken answers and more than 60 odd ones"""
    t.at_least(len(answers.HOSTILE), 200, "broken answers")
    t.at_least(len(answers.LEGAL), 60, "odd answers")


def test_heads(t):
    """18: heads that break the rules are 502, however they are cut, and the next answer is clean"""
    table(t, ("head",), 24)


def test_large(t):
    """18: heads that are too large are 502 response-header-too-large, however they are cut"""
    table(t, ("large",), 8)


def test_bodies(t):
    """18: broken chunks and trailers never make a whole answer, however they are cut"""
    table(t, ("body",), 24)


def test_behind(t):
    """18: bytes behind an answer are nobody's, however they come"""
    table(t, ("behind",), 1)


def test_legal(t):
    """odd answers that break no rule pass as they are, however they are cut"""
    start_clock(300 if SLOW else 3 * limit.LIMIT)
    h = Hostile(t)

    async def one(peer, mode, what, pieces):
        data, status, body, ends = answers.LEGAL[what]
        peer, answer = await h.ask(peer, mode, what, (pieces, ends, False))
        where = f"{what}, {mode}, in {len(pieces)} pieces, the first {len(pieces[0])} bytes"
        t.true(isinstance(answer, http.Response), f"{where}: {answer}")
        t.equal((answer.status, answer.body), (status, body), where)
        return peer
    swarm.run(t, h.all(jobs_of(answers.LEGAL), one, 24))


main()
