#!/usr/bin/env python3
# tests/flow/websocket.py - WebSockets (RFC 6455) through the sidecar.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

from kit.tls import Authority, behind
from kit.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, accept, close_payload, connect, echo, frame

GOING_AWAY = 1001
DRAIN = "shutdown: { deadline: 400ms }\n" + PLAIN


def opened(t, script, text=PLAIN, **options):
    outrider = t.outrider(text, origin=t.origin(script))
    client = t.client(outrider, **options)
    answer, socket_ = connect(client)
    t.equal(answer.status, 101, "status")
    return outrider, client, socket_


def test_messages(t):
    """messages of every length pass unchanged, also in parts with pings between them"""
    outrider, client, socket_ = opened(t, echo)
    for n in (0, 1, 125, 126, 65535, 65536, 1 << 20):
        payload = os.urandom(n)
        socket_.send(BINARY, payload)
        t.true(socket_.message() == (BINARY, payload), f"{n} bytes come back")
    client.send_bytewise(socket_.frame(TEXT, b"in ", fin=False) + socket_.frame(PING, b"?") +
                         socket_.frame(CONTINUATION, b"two"))
    t.equal((socket_.receive(), socket_.message()), ((PONG, True, b"?"), (TEXT, b"in two")), "pong and message")
    socket_.send(CLOSE, close_payload(1000))
    t.equal(socket_.closed(), (1000, []), "the Close")


def test_close_codes(t):
    """a Close passes with its code, and the connections end"""
    outrider = t.outrider(PLAIN, origin=t.origin(echo))
    for code in (1000, 1008, 3000, 4999):
        client = t.client(outrider)
        socket_ = connect(client)[1]
        socket_.send(CLOSE, close_payload(code, b"why"))
        t.equal(socket_.closed(), (code, []), f"Close {code}")
        client.half_close()
        client.expect_closed(t)
    t.equal({line["end"] for line in outrider.access_log(4)}, {"complete"}, "ends in the log")


def test_subprotocol(t):
    """what the handshake says beside the upgrade passes, in both directions"""
    def script(c):
        request = c.request()
        asked.append((request.get("sec-websocket-protocol"), request.get("sec-websocket-version"), request.get("origin")))
        accept(c, request, [("Sec-WebSocket-Protocol", "b"), ("Set-Cookie", "a=b")])
        c.stall()
    asked = []
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    answer, _ = connect(client, headers=[("Sec-WebSocket-Protocol", "a, b"), ("Origin", "http://o.example")])
    t.equal((answer.get("sec-websocket-protocol"), answer.get("set-cookie")), ("b", "a=b"), "fields of the answer")
    t.equal(asked, [("a, b", "13", "http://o.example")], "fields at the target")
    client.reset()


def test_refused(t):
    """a handshake that the target refuses is an answer like any other"""
    origin = t.origin().answer("/", b"no", status=403)
    client = t.client(t.outrider(PLAIN, origin=origin))
    for _ in range(2):
        answer, socket_ = connect(client)
        t.equal((answer.status, answer.body, socket_), (403, b"no", None), "answer")


WRONG = {
    "another key's": "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
    "none": "", "an empty one": "Sec-WebSocket-Accept:\r\n", "two": "Sec-WebSocket-Accept: {0}\r\nSec-WebSocket-Accept: {0}\r\n",
}


def test_wrong_accept(t):
    """25: a 101 that does not prove that it is meant for this WebSocket opens no tunnel"""
    def script(c):
        request = c.request()
        own = websocket.accept_of(request.get("sec-websocket-key"))
        c.send(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + wrong.format(own).encode() + b"\r\n")
        c.stall()
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    for what, wrong in WRONG.items():
        answer, _ = connect(t.client(outrider))
        t.equal(answer.status, 502, f"{what}: status")
        problem(t, answer, 502, "upstream-protocol", "http_protocol_error")


def heard_by_target(c, into):
    """Answers nothing; what it hears, up to the end."""
    socket_ = accept(c, c.request())
    into.append(socket_.closed())
    socket_.send(CLOSE, close_payload(1000))


def test_drain(t):
    """at the deadline of a drain both sides get a Close with 1001, masked to the target and not to the client"""
    heard = []
    outrider, client, socket_ = opened(t, lambda c: heard_by_target(c, heard), DRAIN)
    socket_.send(TEXT, b"before")
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "readiness to go")
    socket_.send(TEXT, b"during")
    t.equal(socket_.closed(), (GOING_AWAY, []), "what the client hears")
    t.equal(client.ending(), ("closed", b""), "the client's connection")
    t.equal(outrider.wait(), 0, "exit code")
    t.wait_until(lambda: heard, "the Close at the target")
    t.equal(heard, [(GOING_AWAY, [(TEXT, b"before"), (TEXT, b"during")])], "what the target hears")


def test_drain_second_term(t):
    """a second TERM says so at once"""
    heard = []
    outrider, client, socket_ = opened(t, lambda c: heard_by_target(c, heard))
    outrider.signal(signal.SIGTERM)
    t.wait_until(lambda: outrider.health("/health/ready").status == 503, "readiness to go")
    outrider.signal(signal.SIGTERM)
    t.equal(socket_.closed(), (GOING_AWAY, []), "what the client hears")
    t.equal(outrider.wait(), 0, "exit code")


def test_drain_in_frame(t):
    """in the middle of a frame nothing is put: the end of the stream instead; the other direction gets its Close"""
    def script(c):
        socket_ = accept(c, c.request())
        socket_.send(TEXT, b"whole")
        c.send(frame(BINARY, bytes(1000))[:500])
        t.equal(socket_.closed(), (GOING_AWAY, []), "what the target hears")
        heard.append(True)
    heard = []
    outrider, client, socket_ = opened(t, script, DRAIN)
    t.equal(socket_.message(), (TEXT, b"whole"), "message")
    t.equal(client.exactly(500, "half a frame"), frame(BINARY, bytes(1000))[:500], "half a frame")
    outrider.signal(signal.SIGTERM)
    t.equal(client.ending(), ("closed", b""), "what the client hears")
    t.wait_until(lambda: heard, "the Close at the target")
    t.equal(outrider.wait(), 0, "exit code")


def test_drain_after_close(t):
    """behind a Close nothing is put"""
    def script(c):
        socket_ = accept(c, c.request())
        socket_.send(CLOSE, close_payload(1000))
        heard.append(c.ending())
    heard = []
    outrider, client, socket_ = opened(t, script, DRAIN)
    t.equal(socket_.closed(), (1000, []), "what the client hears")
    client.send(socket_.frame(CLOSE, close_payload(1000)))
    outrider.signal(signal.SIGTERM)
    t.equal(client.ending(), ("closed", b""), "what the client hears behind it")
    t.equal(outrider.wait(), 0, "exit code")
    t.wait_until(lambda: heard, "the end at the target")
    t.equal(len(heard[0][1]), 8, "bytes that the target hears: the client's Close")


def test_drain_slow_reader(t):
    """a client that reads nothing does not hold up the end"""
    def script(c):
        accept(c, c.request())
        try:
            while True:
                c.send(frame(BINARY, bytes(60000)))
        except (Ended, OSError):
            pass
    outrider, client, socket_ = opened(t, script, DRAIN, receive_buffer=8192)
    began = time.monotonic()
    outrider.signal(signal.SIGTERM)
    t.equal(outrider.wait(), 0, "exit code")
    t.at_most(time.monotonic() - began, 10, "seconds to the end")


def test_tls(t):
    """a target behind TLS: messages, and the Close of a drain"""
    authority, seen, heard = Authority(t), [], []

    def script(c):
        socket_ = accept(c, c.request())
        for _ in range(3):
            socket_.send(*socket_.message())
        heard.append(socket_.closed())
    origin = t.origin(behind(authority.server(), seen, script))
    outrider = t.outrider(f"""
shutdown: {{ deadline: 400ms }}
services:
  - name: web
    protocol: https
    targets: [ @origin@ ]
    tls: {{ ca: {authority.path("ca.crt")}, server_name: web.internal }}
routes: [ {{ match: {{ paths: ["/**"] }}, service: web }} ]
""", origin=origin)
    client = t.client(outrider)
    socket_ = connect(client)[1]
    for n in (0, 20000, 300000):
        payload = os.urandom(n)
        socket_.send(BINARY, payload)
        t.true(socket_.message() == (BINARY, payload), f"{n} bytes come back")
    outrider.signal(signal.SIGTERM)
    t.equal(socket_.closed(), (GOING_AWAY, []), "what the client hears")
    t.equal(outrider.wait(), 0, "exit code")
    t.wait_until(lambda: heard, "the Close at the target")
    t.equal(heard, [(GOING_AWAY, [])], "what the target hears")


main()
