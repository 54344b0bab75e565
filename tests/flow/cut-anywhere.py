#!/usr/bin/env python3
# tests/flow/cut-anywhere.py - a message that is cut after any of its bytes never looks whole on the other side.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

import asyncio
from kit import limit, swarm

CONFIG = """
workers: 1
services:
  - name: web
    targets: [ @origin@ ]
    retry: { max_retries: 0 }
    keep_alive: { max_idle: 0 }
    timeout: { idle_stream: 300ms }
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""
OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {                             # framing -> the whole of it, the bytes of its head, its body
    "counted": (OK + b"Content-Length: 20\r\n\r\n", b"0123456789abcdefghij"),
    "chunked": (OK + b"Transfer-Encoding: chunked\r\n\r\n", chunked(b"01234", b"56789", b"abcdefghij")),
    "with trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n",
                      chunked(b"0123456789", b"abcdefghij", trailers=[("X-T", "a")])),
    "to the end": (OK + b"X-A: b\r\n\r\n", b"0123456789abcdefghij"),
    "of HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\n", b"0123456789abcdefghij"),
}
BODY = b"0123456789abcdefghij"
CLIENTS = {
    "HTTP/1.1": b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n",
    "HTTP/1.0": b"GET /%d HTTP/1.0\r\nHost: h\r\n\r\n",
    "HTTP/1.0 kept": b"GET /%d HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
}


async def in_parallel(width, jobs, worker):
    queue = iter(jobs)

    async def one():
        for job in queue:
            await worker(*job)
    await asyncio.gather(*(one() for _ in range(width)))


def judge(t, where, framing, at, how, answer):
    head, body = ANSWERS[framing]
    whole = at == len(head) + len(body)
    unknowable = framing in ("to the end", "of HTTP/1.0") and at >= len(head) and how == "close"
    if isinstance(answer, http.Response) and answer.status == 502:
        t.true(not (unknowable or (whole and how == "close")), f"{where}: 502")
        return
    if isinstance(answer, http.Response):
        t.true(at >= len(head), f"{where}: status {answer.status} out of half a head")
        t.true(whole and framing not in ("to the end", "of HTTP/1.0") or unknowable,
               f"{where}: a whole answer: {answer.body!r}")
        t.equal(answer.body, BODY[:at - len(head)] if unknowable else BODY, f"{where}: body")
        return
    t.true(not (unknowable or (whole and how == "close")), f"{where}: {answer}")
    seen = answer.message.body if isinstance(answer, Truncated) else b""
    t.true(BODY.startswith(seen), f"{where}: {seen!r}")


def answers_cut(t, hows, frozen=False):
    """Every framing, cut after every byte, for every kind of client."""
    plans = {}

    def reply(connection, head):
        data, how = plans[int(head.split(b" ")[1][1:])]
        connection.send(data)
        if how == "close":
            connection.close()
        elif how == "reset":
            connection.reset()
        elif how == "later":
            asyncio.get_running_loop().call_later(0.01, connection.reset)
    target = t.closing(swarm.Target(reply))
    outrider = t.outrider(CONFIG, origin=target)

    async def one(client, framing, at, how):
        number = len(plans)
        plans[number] = (b"".join(ANSWERS[framing])[:at], how)
        peer = await swarm.Peer.to(outrider)
        try:
            answer = await peer.ask(CLIENTS[client] % number)
        except (Truncated, Ended) as broken:
            answer = broken
        judge(t, f"{framing} for {client}, {how} after {at} bytes", framing, at, how, answer)
        peer.close()
    jobs = [(client, framing, at, how) for client in CLIENTS for framing, (head, body) in ANSWERS.items() for how in hows
            for at in range(len(head) if frozen else 0, len(head) + len(body) + (0 if frozen else 1))]
    start_clock(2 * limit.LIMIT)

    async def all_of_it():
        await target.start()
        await in_parallel(16, jobs, one)
    swarm.run(t, all_of_it())


def test_target_goes(t):
    """19: an answer that is cut by FIN or RST after any byte is never whole, for clients of HTTP/1.1 and 1.0"""
    answers_cut(t, ("close", "reset", "later"))


def test_target_freezes(t):
    """19: nor one that stops coming"""
    answers_cut(t, ("freeze",), True)


def test_slow_old_client(t):
    """19: and a long answer that ends with the connection comes whole, however slowly it is read"""
    piece = bytes(range(256)) * 256
    origin = t.origin().answer("/long", [piece] * 64)
    outrider = t.outrider(PLAIN, origin=origin)
    for more in (b"", b"Connection: keep-alive\r\n"):
        client = t.client(outrider, receive_buffer=4096)
        client.send(b"GET /long HTTP/1.0\r\nHost: h\r\n" + more + b"\r\n")
        answer = client.response_head()
        t.equal(answer.framing, "close", "framing")
        moment = time.monotonic()
        t.wait_until(lambda: time.monotonic() - moment > 0.3, "everything to be full")
        http.read_body(client, answer, "answer")
        t.true(answer.body == piece * 64, f"{len(answer.body)} bytes of {len(piece) * 64}")


class Collector(swarm.Target):
    """Keeps what comes, answers what is whole."""

    def __init__(self):
        super().__init__(None)
        self.seen = {}                  # target of the request -> "whole", "cut"

    def read(self, connection):
        self.look(connection)

    def look(self, connection):
        if b"\r\n\r\n" not in connection.buffer:
            return
        try:
            request = http.read_request(swarm.Recorded(connection.buffer, connection.end))
        except swarm.Pending:
            return
        except (Truncated, Ended):
            self.seen[connection.buffer.split(b" ")[1].decode()] = "cut"
            return
        self.seen[request.target] = "whole"
        del connection.buffer[:]
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


UPLOADS = {
    "counted": (b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n", BODY),
    "counted PUT": (b"PUT /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n", BODY),
    "counted, of HTTP/1.0": (b"POST /%d HTTP/1.0\r\nHost: h\r\nContent-Length: 20\r\n\r\n", BODY),
    "chunked": (b"POST /%d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                chunked(b"01234", b"56789", b"abcdefghij")),
    "with trailers": (b"POST /%d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                      chunked(b"0123456789", b"abcdefghij", trailers=[("X-T", "a")])),
}


def test_client_goes(t):
    """19: an upload that is cut by FIN, RST or a half-close after any byte is never whole at the target"""
    target = t.closing(Collector())
    outrider = t.outrider(CONFIG, origin=target)
    count = iter(range(1 << 30))

    async def one(upload, at, how, wait):
        head, body = UPLOADS[upload]
        number = next(count)
        peer = await swarm.Peer.to(outrider)
        peer.send(head % number + body[:at])
        if wait:
            while not any(b"/%d " % number in c.buffer for c in target.connections):
                await asyncio.sleep(0.001)
        if how == "half":
            peer.transport.write_eof()
            await peer.gone
        else:
            (peer.close if how == "close" else peer.reset)()
            await peer.gone
    jobs = [(upload, at, how, wait) for upload, (_, body) in UPLOADS.items() for at in range(len(body))
            for how in ("close", "reset", "half") for wait in (True, False)]
    start_clock(2 * limit.LIMIT)

    async def all_of_it():
        await target.start()
        await in_parallel(8, jobs, one)
        for connection in target.connections:
            await connection.gone
            target.look(connection)
    swarm.run(t, all_of_it())
    t.equal({name for name, what in target.seen.items() if what == "whole"}, set(), "whole requests at the target")
    t.at_least(len(target.seen), len(jobs) // 2, "cut requests at the target")


main()
