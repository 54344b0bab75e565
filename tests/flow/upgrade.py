#!/usr/bin/env python3
# tests/flow/upgrade.py - another protocol on the client's connection (RFC 9110 7.8): what passes, and what never does.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

ASK = [("Connection", "Upgrade"), ("Upgrade", "chat/1")]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat/1\r\nConnection: Upgrade\r\n\r\n"


def config(upgrade):
    return f"""
services: [ {{ name: web, upgrade: {upgrade}, targets: [ @origin@ ] }} ]
routes: [ {{ name: all, match: {{ paths: ["/**"] }}, service: web }} ]
"""


def switched(t, script, more="", ask=ASK, text=PLAIN, early=b""):
    """A client whose upgrade was granted, and what the daemon and the target are; script gets the target's end."""
    def target(c):
        c.request()
        c.send(SWITCH + early)
        script(c)
    origin = t.origin(target)
    outrider = t.outrider(more + text, origin=origin)
    client = t.client(outrider)
    client.request("GET", "/", ask)
    answer = client.response()
    t.equal((answer.status, answer.get("upgrade")), (101, "chat/1"), "the answer to the upgrade")
    t.contains([v.lower() for v in answer.all("connection")], "upgrade", "Connection")
    return outrider, origin, client


def echo(c):
    """Whatever comes goes back, and the end as well."""
    while c.buffer or c.fill("bytes to be echoed"):
        c.send(c.take(len(c.buffer)))
    c.half_close()


def test_passes(t):
    """an upgrade is passed on, and what both sides say then passes unchanged"""
    outrider, origin, client = switched(t, echo)
    t.equal((origin.last.get("connection"), origin.last.get("upgrade")), ("Upgrade", "chat/1"), "fields at the target")
    for piece in (b"\0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 100):
        client.send(piece)
        t.equal(client.exactly(len(piece), "the echo"), piece, "the echo")
    client.half_close()
    t.equal(client.ending(), ("closed", b""), "the end")
    line = outrider.access_log(1)[0]
    t.equal((line["status"], line["end"], line["bytes_in"], line["bytes_out"]), (101, "complete", 25623, 25623), "log")


def test_early_client(t):
    """25: what a client sends behind its request waits for the 101, and is the tunnel's then"""
    def script(c):
        request = c.request()
        t.equal(c.buffer, b"", "bytes behind the request, before the 101")
        t.wait_until(lambda: sent, "the early bytes to be on their way")
        c.send(SWITCH)
        t.equal(c.exactly(len(EARLY), "the early bytes"), EARLY, f"behind {request.target}")
        c.send(b"done")
    sent = []
    origin = t.origin(script)
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("GET", "/", ASK) + EARLY[:9])
    origin.wait_requests(1)
    client.send(EARLY[9:])
    sent.append(True)
    t.equal(client.response().status, 101, "status")
    t.equal(client.ending(), ("closed", b"done"), "the rest")
    t.equal(len(origin.requests), 1, "requests at the target")


EARLY = b"GET /not-a-request HTTP/1.1\r\nHost: x\r\n\r\n"


def test_early_target(t):
    """what a target sends right behind its 101 is the tunnel's"""
    outrider, origin, client = switched(t, echo, early=b"hello" * 1000)
    t.equal(client.exactly(5000, "the early bytes"), b"hello" * 1000, "early bytes")
    client.half_close()
    t.equal(client.ending(), ("closed", b""), "the end")


def test_split(t):
    """the request, the 101 and what follows, cut at every byte"""
    wire = SWITCH + b"after"

    def script(c):
        c.request()
        c.send_split(wire, c.number % len(wire))
        t.equal(c.exactly(4, "from the client"), b"ping", "from the client")
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    asked = None
    for at in range(len(wire)):
        client = Client(outrider)
        asked = client.head("GET", "/", ASK) + b"ping"
        client.send_split(asked, at * len(asked) // len(wire))
        t.equal(client.response().status, 101, f"status, cut at {at}")
        t.equal(client.ending(), ("closed", b"after"), f"the rest, cut at {at}")
        client.close()
    client = t.client(outrider)
    client.send_bytewise(asked)
    t.equal(client.response().status, 101, "status, byte by byte")


def test_refused(t):
    """25: an upgrade that the target refuses opens no tunnel: the connection goes on, with what was sent early"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(client.head("GET", "/one", ASK) + client.head("GET", "/two"))
    for path in ("/one", "/two", "/three"):
        if path == "/three":
            client.request("GET", path, ASK)
        answer = client.response()
        t.equal((answer.status, answer.body, answer.get("upgrade")), (200, b"hello", None), f"answer to {path}")
    t.equal([r.target for r in origin.requests], ["/one", "/two", "/three"], "requests at the target")
    t.at_most(len(origin.connections), 2, "connections to the target, which are used again after a turn's rest")


def test_other_statuses(t):
    """a 426 and a 400 are answers like others"""
    def script(c):
        for request in c.requests():
            c.respond(int(request.target[1:]), [("Upgrade", "chat/2"), ("Connection", "Upgrade")], b"no")
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    for status in (426, 400, 200):
        answer = client.get(f"/{status}", ASK)
        t.equal((answer.status, answer.body), (status, b"no"), "answer")


NEVER = {
    "h2c": [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")],
    "H2C": [("Connection", "upgrade"), ("Upgrade", "H2C")],
    "h2c-14": [("Connection", "upgrade"), ("Upgrade", "h2c-14")],
    "HTTP/2.0": [("Connection", "upgrade"), ("Upgrade", "HTTP/2.0")],
    "http": [("Connection", "upgrade"), ("Upgrade", "http")],
    "TLS/1.0": [("Connection", "upgrade"), ("Upgrade", "TLS/1.0")],
    "no token": [("Connection", "upgrade"), ("Upgrade", "a b, \"c\", d/e/f, /g, h/")],
    "no Connection": [("Upgrade", "chat/1")],
    "no Upgrade": [("Connection", "Upgrade")],
    "the last request": [("Connection", "Upgrade, close"), ("Upgrade", "chat/1")],
}


def test_required(t):
    """a 426 names what the target does and may pass, and nothing else"""
    needs_seam(t, "an answer with two Connection fields")

    def script(c):
        for _ in c.requests():
            c.respond(426, [("Upgrade", "h2c, chat/2"), ("Upgrade", "chat/3"), ("Connection", "Upgrade")], b"no")
    origin = t.origin(script)
    for key, want in (("any", ["chat/2, chat/3"]), ("none", [])):
        client = t.client(t.outrider(config(key), origin=origin))
        for fields in ([], [("Connection", "close")]):
            answer = client.get("/", fields)
            t.equal((answer.status, answer.all("upgrade")), (426, want), "answer")
            t.equal([v.lower() for v in answer.all("connection")], ["close"] * len(fields) + ["upgrade"] * len(want),
                    "Connection")


def test_never(t):
    """25: another HTTP, TLS, and what is not asked for properly is not passed on"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    for what, fields in NEVER.items():
        t.equal(t.get(outrider, headers=fields).status, 200, f"{what}: status")
        for name in ("upgrade", "connection", "http2-settings"):
            t.equal(origin.last.all(name), [], f"{what}: {name} at the target")


def test_list(t):
    """of a list only what may pass does, and a target may choose among it"""
    def script(c):
        c.request()
        c.send(SWITCH + b"chosen")
    origin = t.origin(script)
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.request("GET", "/", [("Connection", "upgrade"), ("Upgrade", "h2c, chat/1"), ("Upgrade", "TLS/1.2, chat/2")])
    t.equal(client.response().get("upgrade"), "chat/1", "chosen")
    t.equal(client.ending(), ("closed", b"chosen"), "the rest")
    t.equal(origin.last.all("upgrade"), ["chat/1, chat/2"], "Upgrade at the target")


def test_http10(t):
    """25: HTTP/1.0 has no upgrades"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    t.equal(client.ask("GET", "/", ASK, version="HTTP/1.0").status, 200, "status")
    t.equal(origin.last.all("upgrade"), [], "Upgrade at the target")


def test_body(t):
    """a request with a body is not upgraded: it is answered, and the connection goes on"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for body in (b"counted", [b"chunked"]):
        t.equal(client.ask("POST", "/", ASK, body).status, 200, "status")
        t.equal((origin.last.all("upgrade"), origin.last.body), ([], b"".join(body) if isinstance(body, list) else body),
                "at the target")


def test_key(t):
    """`upgrade: none` passes none on, `websocket` nothing else"""
    for key in ("none", "websocket"):
        origin = t.origin()
        outrider = t.outrider(config(key), origin=origin)
        t.equal(t.get(outrider, headers=ASK).status, 200, f"{key}: status")
        t.equal(origin.last.all("upgrade"), [], f"{key}: Upgrade at the target")
    t.get(outrider, headers=[("Connection", "Upgrade"), ("Upgrade", "chat/1, WebSocket")])
    t.equal(origin.last.all("upgrade"), ["WebSocket"], "Upgrade at the target")


WRONG = {
    "another protocol": b"HTTP/1.1 101 S\r\nUpgrade: chat/2\r\nConnection: upgrade\r\n\r\n",
    "one more protocol": b"HTTP/1.1 101 S\r\nUpgrade: chat/1, chat/2\r\nConnection: upgrade\r\n\r\n",
    "no Upgrade": b"HTTP/1.1 101 S\r\nConnection: upgrade\r\n\r\n",
    "an empty Upgrade": b"HTTP/1.1 101 S\r\nUpgrade:\r\nConnection: upgrade\r\n\r\n",
    "two of them": b"HTTP/1.1 101 S\r\nUpgrade: chat/1\r\nUpgrade: chat/1\r\nConnection: upgrade\r\n\r\n",
    "no Connection": b"HTTP/1.1 101 S\r\nUpgrade: chat/1\r\n\r\n",
    "a length": b"HTTP/1.1 101 S\r\nUpgrade: chat/1\r\nConnection: upgrade\r\nContent-Length: 4\r\n\r\nbody",
    "a length of nothing": b"HTTP/1.1 101 S\r\nUpgrade: chat/1\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n",
    "a coding": b"HTTP/1.1 101 S\r\nUpgrade: chat/1\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n",
}


def test_wrong_answers(t):
    """18: a 101 that is not what was asked for is 502, and the target's connection is dropped"""
    def script(c):
        c.request()
        c.send(wrong)
        t.equal(c.stall() in ("closed", "reset"), True, "the end of the target's connection")
    outrider = t.outrider("defaults: { service: { retry: { max_retries: 0 } } }\n" + PLAIN, origin=t.origin(script))
    for what, wrong in WRONG.items():
        client = t.client(outrider)
        answer = client.get("/", ASK)
        t.equal(answer.status, 502, f"{what}: status")
        problem(t, answer, 502, "upstream-protocol", "http_protocol_error")


def test_unasked(t):
    """25: a 101 that nobody asked for is 502, also when only what is not passed on was asked for"""
    def script(c):
        c.request()
        c.send(SWITCH)
        c.stall()
    outrider = t.outrider(PLAIN, origin=t.origin(script))
    for headers in ([], [("Upgrade", "chat/1")], NEVER["h2c"]):
        problem(t, t.get(outrider, headers=headers), 502, "upstream-protocol", "http_protocol_error")


def test_after_103(t):
    """a 101 behind an interim answer opens the tunnel, too"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + SWITCH)
        echo(c)
    client = t.client(t.outrider(PLAIN, origin=t.origin(script)))
    client.request("GET", "/", ASK)
    t.equal(client.response().status, 101, "status")
    client.send(b"ping")
    t.equal(client.exactly(4, "the echo"), b"ping", "the echo")


def test_policy_fields(t):
    """policies see the request and the 101: fields of theirs are in both"""
    outrider, origin, client = switched(t, echo, more="policies: [ request-id: {} ]\n")
    t.true(origin.last.get("x-request-id"), "an id at the target")
    client.half_close()
    t.equal(client.ending(), ("closed", b""), "the end")


main()
