# tests/suites/duties/fields.py - fields of one connection, fields that say who passed a message on, Expect, Upgrade.
# SPDX-License-Identifier: Apache-2.0
import re

from kit import Ended, http


def only(origin):
    return origin.wait_requests(1)[0]


def options(message):
    """What Connection names."""
    return [o.strip().lower() for v in message.all("connection") for o in v.split(",")]


def test_connection_names_fields(t):
    """RFC 9110 7.6.1: fields that Connection names are taken out of a request"""
    client, origin = t.through()
    client.get(headers=[("Connection", "X-Hop, x-other"), ("X-Hop", "1"), ("X-Other", "2"), ("X-End", "3")])
    names = only(origin).names()
    t.true("x-hop" not in names and "x-other" not in names, f"fields {names}")
    t.true("x-end" in names, f"fields {names}")


def test_connection_names_fields_of_answer(t):
    """RFC 9110 7.6.1: fields that Connection names are taken out of an answer"""
    client, origin = t.through()
    origin.answer("/", b"x", headers=[("Connection", "X-Hop"), ("X-Hop", "1"), ("X-End", "3")])
    answer = client.get()
    t.lacks(answer.names(), "x-hop", "fields")
    t.equal(answer.get("x-end"), "3", "X-End")


def test_connection_itself(t):
    """RFC 9110 7.6.1: Connection is the proxy's own, or not there"""
    client, origin = t.through()
    client.get(headers=[("Connection", "x-unheard-of, keep-alive")])
    t.lacks(options(only(origin)), "x-unheard-of", "options at the origin")


def test_close_of_client(t):
    """RFC 9110 7.6.1: the client's close ends the client's connection; the answer is whole"""
    client, origin = t.through()
    origin.answer("/", b"y" * 100000)
    answer = client.get(headers=[("Connection", "close")])
    t.equal(len(answer.body), 100000, "length of the body")


def test_close_of_target(t):
    """RFC 9112 9.3: a target that says close does not end the client's connection with a cut"""
    client, origin = t.through()
    origin.on("/", lambda c, r: c.respond(200, [("Connection", "close")], b"bye") or "close")
    for _ in range(3):
        answer = client.get()
        t.equal(answer.body, b"bye", "body")
        if "close" in options(answer):
            client = t.client(client.sock.getpeername())


def test_keep_alive_field(t):
    """RFC 9110 7.6.1: Keep-Alive goes no further, either way"""
    client, origin = t.through()
    origin.answer("/", b"x", headers=[("Connection", "keep-alive"), ("Keep-Alive", "timeout=77")])
    answer = client.get(headers=[("Connection", "keep-alive"), ("Keep-Alive", "timeout=66")])
    t.lacks(only(origin).all("keep-alive"), "timeout=66", "Keep-Alive at the origin")
    t.lacks(answer.all("keep-alive"), "timeout=77", "Keep-Alive at the client")


def test_proxy_connection(t):
    """RFC 9110 7.6.1: Proxy-Connection goes no further"""
    client, origin = t.through()
    client.get(headers=[("Proxy-Connection", "keep-alive")])
    t.lacks(only(origin).names(), "proxy-connection", "fields at the origin")


def test_te(t):
    """RFC 9110 10.1.4: TE reaches the target only beside Connection: TE"""
    client, origin = t.through()
    client.get(headers=[("Connection", "TE"), ("TE", "trailers, gzip;q=0.5")])
    values = only(origin).all("te")
    t.true(not values or "te" in options(only(origin)), f"TE: {values}, Connection: {options(only(origin))}")
    t.true(all("gzip" not in v for v in values), f"a coding that the proxy does not decode: {values}")


def test_via_request(t):
    """RFC 9110 7.6.3: a request that goes on says Via, with the version it came in"""
    client, origin = t.through()
    client.get()
    t.true(re.search(r"(^|,)\s*(HTTP/)?1\.1 \S+", ", ".join(only(origin).all("via"))), f"Via: {only(origin).all('via')}")


def test_via_http10(t):
    """RFC 9110 7.6.3: Via says 1.0 of a request that came in HTTP/1.0"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.0\r\nHost: t.example\r\n\r\n")
    client.response()
    t.true(re.match(r"(HTTP/)?1\.0 \S+", ", ".join(only(origin).all("via"))), f"Via: {only(origin).all('via')}")


def test_via_appended(t):
    """RFC 9110 7.6.3: our name comes behind those that are there"""
    client, origin = t.through()
    client.get(headers=[("Via", "1.0 fred, 1.1 p.example.net")])
    got = ", ".join(only(origin).all("via"))
    t.true(re.fullmatch(r"1\.0 fred, 1\.1 p\.example\.net, (HTTP/)?1\.1 \S.*", got), f"Via: {got}")


def test_via_answer_kept(t):
    """RFC 9110 7.6.3: an answer's Via is not lost"""
    client, origin = t.through()
    origin.answer("/", b"x", headers=[("Via", "1.0 behind")])
    got = ", ".join(client.get().all("via"))
    t.true(got.startswith("1.0 behind"), f"Via: {got}")


def test_unknown_expectation(t):
    """RFC 9110 10.1.1: an expectation nobody knows is 417, or goes on unchanged"""
    client, origin = t.through()
    answer = client.get(headers=[("Expect", "the-unexpected")])
    if answer.status == 200:
        t.equal(only(origin).get("expect"), "the-unexpected", "Expect at the origin")
    else:
        t.equal(answer.status, 417, "status")


def test_expect_continue(t):
    """RFC 9110 10.1.1: 100-continue brings 100 or a final answer before the body is sent"""
    def script(c):
        request = c.request_head()
        if request.get("expect"):                   # passed on: then the target's 100 is
            c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        t.equal(c.body(request), b"12345", "body")
        c.respond(200)
    client, _ = t.through(script)
    client.send(client.head("POST", "/", [("Content-Length", "5"), ("Expect", "100-continue")]))
    line = client.until(b"\r\n\r\n", 1000, "interim answer")
    t.true(line.startswith(b"HTTP/1.1 100"), f"first answer {line!r}")
    client.send(b"12345")
    t.equal(client.response("POST").status, 200, "status")


def test_expect_final_answer(t):
    """RFC 9110 10.1.1: a target's final answer instead of 100 reaches the client, and nothing else does"""
    def script(c):
        c.request_head()
        c.respond(403, [("Connection", "close")], b"no")
        c.ending()
    client, _ = t.through(script)
    client.send(client.head("POST", "/", [("Content-Length", "500"), ("Expect", "100-continue")]))
    head = http.read_response_head(client, "POST")
    http.read_body(client, head, "answer")
    t.equal((head.status, head.body), (403, b"no"), "answer")


def test_no_interim_for_http10(t):
    """RFC 9110 15.2: an HTTP/1.0 client never gets 1xx"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        c.respond(200, body=b"final")
    client, _ = t.through(script)
    client.send(b"POST / HTTP/1.0\r\nHost: t.example\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nxx")
    answer = client.response("POST")
    t.equal((list(answer.interim), answer.status, answer.body), ([], 200, b"final"), "interim, status, body")


def test_interim_goes_on(t):
    """RFC 9110 15.2: a 1xx that the proxy did not ask for goes on to an HTTP/1.1 client"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        c.respond(200, body=b"final")
    client, _ = t.through(script)
    answer = client.get()
    t.equal((answer.status, answer.body), (200, b"final"), "final answer")
    t.equal([(i.status, i.get("link")) for i in answer.interim], [(103, "</style.css>; rel=preload")], "interim")


def test_many_interims(t):
    """RFC 9110 15.2: several 1xx before the answer do no harm"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 3)
        c.respond(200, body=b"final")
    client, _ = t.through(script)
    answer = client.get()
    t.equal((answer.status, answer.body), (200, b"final"), "final answer")


def test_upgrade_ignored(t):
    """RFC 9110 7.8: a target that ignores Upgrade answers as ever, and the connection goes on"""
    client, origin = t.through()
    answer = client.get("/u", headers=[("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                       ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
                                       ("Sec-WebSocket-Version", "13")])
    t.equal((answer.status, answer.body), (200, b"hello"), "answer")
    if "close" not in options(answer):
        t.equal(client.get("/next").status, 200, "the next request")


def test_upgrade_works(t):
    """RFC 9110 7.8: Upgrade that goes on has Connection: Upgrade beside it, and the tunnel carries bytes both ways"""
    def script(c):
        request = c.request_head()
        t.true("upgrade" in options(request), f"Connection: {options(request)}")
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello")
        c.send(c.exactly(4, "bytes of the client"))
        c.stall()
    client, origin = t.through(script)
    client.send(client.head("GET", "/u", [("Connection", "Upgrade"), ("Upgrade", "echo")]))
    answer = client.response_head()
    t.equal(answer.status, 101, "status")
    t.equal(answer.get("upgrade"), "echo", "Upgrade")
    client.send(b"ping")
    t.equal(client.exactly(9, "bytes of the target"), b"helloping", "bytes")


def test_upgrade_of_http10(t):
    """RFC 9110 7.8: Upgrade of an HTTP/1.0 request is ignored"""
    client, origin = t.through()
    client.send(b"GET / HTTP/1.0\r\nHost: t.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    t.lacks(only(origin).names(), "upgrade", "fields at the origin")


def test_unsolicited_101(t):
    """RFC 9110 15.2.2: 101 that nobody asked for opens nothing"""
    def script(c):
        c.request()
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        c.stall()
    client, _ = t.through(script)
    client.request("GET", "/")
    try:
        answer = client.response_head()
        t.true(answer.status >= 500, f"status {answer.status}")
    except Ended:
        pass


def test_no_tunnel_for_clients_without_upgrade(t):
    """RFC 9110 7.8: Upgrade without Connection: Upgrade is not an upgrade"""
    client, origin = t.through()
    t.equal(client.get(headers=[("Upgrade", "echo")]).status, 200, "status")
    t.true("upgrade" not in only(origin).names() or "upgrade" not in options(only(origin)), "an upgrade at the origin")


def test_allow(t):
    """RFC 9110 10.2.1: Allow of an answer is not changed"""
    client, origin = t.through()
    origin.answer("/", b"no", status=405, headers=[("Allow", "GET, FOO")])
    t.equal(client.ask("POST", "/", body=b"").get("allow"), "GET, FOO", "Allow")


def test_challenges(t):
    """RFC 9110 11.6.1: WWW-Authenticate is not changed, nor are its lines reordered"""
    client, origin = t.through()
    said = ['Newauth realm="apps", type=1', 'Basic realm="simple"']
    origin.answer("/", b"who", status=401, headers=[("WWW-Authenticate", v) for v in said])
    t.equal(", ".join(client.get().all("www-authenticate")), ", ".join(said), "WWW-Authenticate")
