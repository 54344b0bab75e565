#!/usr/bin/env python3
# tests/flow/forwarded.py - X-Forwarded-*, Forwarded and Via.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

TRUSTING = """
listeners: [ { name: main, address: "@main@", trusted_proxies: [127.0.0.0/8] } ]
services: [ { name: web, targets: [ @origin@ ] } ]
routes: [ { match: { paths: ["/**"] }, service: web } ]
"""


def parameters(value):
    """A Forwarded element as a dict."""
    return {k.strip().lower(): v.strip().strip('"') for k, v in (p.split("=", 1) for p in value.split(";"))}


def test_added(t):
    """the target learns client, host, scheme and port"""
    origin = t.origin()
    outrider = t.outrider(PLAIN, origin=origin)
    t.get(outrider, host="asked.example")
    request = origin.last
    t.equal(request.get("x-forwarded-for"), "127.0.0.1", "X-Forwarded-For")
    t.equal(request.get("x-forwarded-host"), "asked.example", "X-Forwarded-Host")
    t.equal(request.get("x-forwarded-proto"), "http", "X-Forwarded-Proto")
    t.equal(request.get("x-forwarded-port"), str(outrider.port), "X-Forwarded-Port")
    got = parameters(request.get("forwarded"))
    t.equal({k: got.get(k) for k in ("for", "host", "proto")}, {"for": "127.0.0.1", "host": "asked.example",
                                                                "proto": "http"},
            f"Forwarded: {request.get('forwarded')}")


def test_via(t):
    """Via is appended to, never replaced"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.get()
    own = origin.requests[-1].get("via")
    t.true(re.fullmatch(r"1\.1 [!#-'*+\-.0-9A-Z^-z|~]+( \(.*\))?", own or ""), f"Via: {own!r}")
    client.get("/", headers=[("Via", "1.0 other")])
    t.equal(", ".join(origin.requests[-1].all("via")), f"1.0 other, {own}", "Via")
    client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    client.response()
    t.equal(origin.requests[-1].get("via"), own.replace("1.1", "1.0", 1), "Via of an HTTP/1.0 request")


def test_not_believed(t):
    """10: what a client says of itself is not believed, nor passed on under another spelling"""
    needs_seam(t, "it takes no untrusted peers")
    origin = t.origin()
    lies = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Port", "443"), ("Forwarded", "for=6.6.6.6;proto=https"), ("X-Real-IP", "6.6.6.6"),
            ("X_Forwarded_For", "6.6.6.6"), ("X-Forwarded_For", "6.6.6.6"), ("X_Forwarded_Proto", "https"),
            ("X_Real_IP", "6.6.6.6")]
    config = 'listeners: [ { name: main, address: "@main@", peers: untrusted } ]\n' + PLAIN
    t.get(t.outrider(config, origin=origin), headers=lies)
    whole = origin.last.raw_head.decode("latin-1")
    for lie in ("6.6.6.6", "evil.example", "https"):
        t.lacks(whole, lie, "head at the target")
    t.equal(origin.last.get("x-forwarded-for"), "127.0.0.1", "X-Forwarded-For")


def test_not_believed_on_loopback(t):
    """10: X-Forwarded-For is believed of trusted_proxies only, and by default there are none"""
    origin = t.origin()
    t.get(t.outrider(PLAIN, origin=origin), headers=[("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")])
    t.lacks(origin.last.raw_head.decode("latin-1"), "6.6.6.6", "head at the target")


def test_believed(t):
    """a trusted proxy's chain is kept and appended to"""
    origin = t.origin()
    t.get(t.outrider(TRUSTING, origin=origin), headers=[("X-Forwarded-For", "9.9.9.9"),
                                                        ("X-Forwarded-Proto", "https"),
                                                        ("X-Forwarded-Host", "front.example")])
    request = origin.last
    t.equal(", ".join(request.all("x-forwarded-for")), "9.9.9.9, 127.0.0.1", "X-Forwarded-For")
    t.equal(request.get("x-forwarded-proto"), "https", "X-Forwarded-Proto")
    t.equal(request.get("x-forwarded-host"), "front.example", "X-Forwarded-Host")


def test_client_address(t):
    """the client is the first from the right that is not trusted"""
    origin = t.origin()
    outrider = t.outrider(TRUSTING, origin=origin)
    t.get(outrider, headers=[("X-Forwarded-For", "1.1.1.1, 9.9.9.9, 127.0.0.7")])
    t.equal(outrider.access_log(1)[0]["client"], "9.9.9.9", "client in the access log")



def asked_as(t, fields):
    """What a trusted proxy's fields make of the client: its address in the log, and the fields at the target."""
    origin = t.origin()
    outrider = t.outrider(TRUSTING, origin=origin)
    t.equal(t.get(outrider, headers=fields).status, 200, f"status of {fields}")
    request = origin.last
    chain = [e.strip() for e in ", ".join(request.all("forwarded")).split(",")]
    return outrider.access_log(1)[0]["client"], ", ".join(request.all("x-forwarded-for")), chain, request


def test_x_alone(t):
    """a chain in X-Forwarded-For alone stands in Forwarded too, with what belongs to the client"""
    client, x, chain, _ = asked_as(t, [("X-Forwarded-For", "9.9.9.9, 127.0.0.7"), ("X-Forwarded-Proto", "https"),
                                       ("X-Forwarded-Host", "front.example:8443")])
    t.equal((client, x), ("9.9.9.9", "9.9.9.9, 127.0.0.7, 127.0.0.1"), "client and X-Forwarded-For")
    t.equal(chain, ['for=9.9.9.9;host="front.example:8443";proto=https', "for=127.0.0.7",
                    "for=127.0.0.1;host=t.example;proto=http"], "Forwarded")


def test_forwarded_alone(t):
    """a chain in Forwarded alone is believed as well, and stands in X-Forwarded-* too"""
    client, x, chain, request = asked_as(t, [
        ("Forwarded", 'for=6.6.6.6;proto=http;host=evil.example, For="[2001:DB8::1]:4711";Proto=https;host="front.example:8443"'),
        ("Forwarded", "for=127.0.0.7;by=127.0.0.8")])
    t.equal((client, x), ("2001:db8::1", "6.6.6.6, 2001:db8::1, 127.0.0.7, 127.0.0.1"), "client and X-Forwarded-For")
    t.equal((request.get("x-forwarded-proto"), request.get("x-forwarded-host")), ("https", "front.example:8443"),
            "scheme and host are those that the nearest trusted proxy's client asked for")
    t.equal(chain[1:], ['For="[2001:DB8::1]:4711";Proto=https;host="front.example:8443"', "for=127.0.0.7;by=127.0.0.8",
                        "for=127.0.0.1;host=t.example;proto=http"], "Forwarded is kept and appended to")


def test_both_agree(t):
    """where both fields say the same, both are kept as they are"""
    _, x, chain, _ = asked_as(t, [("X-Forwarded-For", "9.9.9.9:1, [2001:db8::1]:2"),
                                  ("Forwarded", 'for="9.9.9.9:4", for="[2001:db8:0::1]";proto=https')])
    t.equal(x, "9.9.9.9:1, [2001:db8::1]:2, 127.0.0.1", "X-Forwarded-For")
    t.equal(chain[:2], ['for="9.9.9.9:4"', 'for="[2001:db8:0::1]";proto=https'], "Forwarded")


def test_both_differ(t):
    """10: a Forwarded that a proxy of X-Forwarded-For let pass is not believed, and goes no further"""
    for lie in ("for=6.6.6.6", "for=6.6.6.6, for=127.0.0.7", 'for=6.6.6.6;host="', "garbage"):
        client, x, chain, request = asked_as(t, [("X-Forwarded-For", "9.9.9.9"), ("Forwarded", lie)])
        t.equal((client, x), ("9.9.9.9", "9.9.9.9, 127.0.0.1"), f"client and X-Forwarded-For, with {lie}")
        t.equal(chain, ["for=9.9.9.9", "for=127.0.0.1;host=t.example;proto=http"], f"Forwarded, with {lie}")
        t.lacks(request.raw_head, b"6.6.6.6", f"head at the target, with {lie}")


def test_forwarded_malformed(t):
    """10: of a malformed Forwarded nothing is believed"""
    for lie in ('for=6.6.6.6;host="', 'for=6.6.6.6;host=", for="[2001:db8::1]"', "for=6.6.6.6 x", "6.6.6.6", "for=6.6.6.6;for=6.6.6.7"):
        client, x, chain, _ = asked_as(t, [("Forwarded", lie)])
        t.equal((client, x), ("127.0.0.1", "127.0.0.1"), f"client and X-Forwarded-For, with {lie}")
        t.equal(chain, ["for=127.0.0.1;host=t.example;proto=http"], f"Forwarded, with {lie}")


def test_walk(t):
    """10: the walk from the right ends at the first stranger, and before anything that is no address"""
    for fields, want in (
            ([("X-Forwarded-For", "6.6.6.6, 9.9.9.9")], "9.9.9.9"),
            ([("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-For", "127.0.0.3")], "9.9.9.9"),
            ([("X-Forwarded-For", "127.0.0.4,127.0.0.3")], "127.0.0.4"),
            ([("X-Forwarded-For", "6.6.6.6, unknown, 127.0.0.3")], "127.0.0.3"),
            ([("X-Forwarded-For", "6.6.6.6, unknown")], "127.0.0.1"),
            ([("X-Forwarded-For", "6.6.6.6, _hidden")], "127.0.0.1"),
            ([("X-Forwarded-For", "6.6.6.6, 9.9.9.9.9")], "127.0.0.1"),
            ([("X-Forwarded-For", "6.6.6.6, <script>")], "127.0.0.1"),
            ([("X-Forwarded-For", "")], "127.0.0.1"), ([("X-Forwarded-For", ", ,")], "127.0.0.1"),
            ([("X-Forwarded-For", "9.9.9.9:1234")], "9.9.9.9"), ([("X-Forwarded-For", "[2001:db8::1]:80")], "2001:db8::1"),
            ([("X-Forwarded-For", "2001:DB8:0::1")], "2001:db8::1"), ([("X-Forwarded-For", "::ffff:9.9.9.9")], "9.9.9.9"),
            ([("X-Forwarded-For", "6.6.6.6, ::ffff:127.0.0.9")], "6.6.6.6"),
            ([("X-Forwarded-For", ", ".join(["6.6.6.6"] * 500 + ["9.9.9.9"] + ["127.0.0.2"] * 60))], "9.9.9.9"),
            ([("X-Forwarded-For", "6.6.6.6," * 200 + "127.0.0.3," * 70)], "127.0.0.3"),
            ([("Forwarded", "for=6.6.6.6," * 200 + "for=127.0.0.3," * 70)], "127.0.0.3"),
            ([("Forwarded", "for=6.6.6.6, for=unknown, for=127.0.0.3")], "127.0.0.3"),
            ([("Forwarded", "for=6.6.6.6, for=_x")], "127.0.0.1"), ([("Forwarded", "for=6.6.6.6, by=9.9.9.9")], "127.0.0.1")):
        t.equal(asked_as(t, fields)[0], want, f"client of {fields}"[:200])


def test_unix_peer(t):
    """the peer of a unix socket has no address: it is unknown"""
    origin = t.origin()
    outrider = t.outrider("""
listeners: [ { name: main, address: "unix:@dir@/data.sock" } ]
""" + PLAIN, origin=origin)
    t.get(os.path.join(outrider.dir, "data.sock"), headers=[("X-Forwarded-For", "6.6.6.6")])
    t.equal(origin.last.get("x-forwarded-for"), "unknown", "X-Forwarded-For")
    t.equal(parameters(origin.last.get("forwarded"))["for"], "unknown", "Forwarded")
    t.equal(origin.last.get("x-forwarded-port"), None, "X-Forwarded-Port")


def test_hosts(t):
    """Forwarded quotes what is no token: ports, IPv6 addresses"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    for host, want in (("a.example", "host=a.example"), ("a.example:80", 'host="a.example:80"'), ("[::1]", 'host="[::1]"'),
                       ("[::1]:80", 'host="[::1]:80"'), ("a_b~c!d$e&f'g*h+i", "host=a_b~c!d$e&f'g*h+i"),
                       ("a(b)=c;d", 'host="a(b)=c;d"')):
        t.equal(client.get("/", host=host).status, 200, f"status of {host}")
        t.equal(origin.requests[-1].get("forwarded"), f"for=127.0.0.1;{want};proto=http", f"Forwarded of {host}")


def test_ipv6_peer(t):
    """the address of an IPv6 peer stands in brackets and quotes in Forwarded, bare in X-Forwarded-For"""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        t.skip(f"no IPv6 here: {error}")
    origin = t.origin()
    for proxies, said, want in (("", "2001:db8::7", ["::1"]), (", trusted_proxies: [\"::1/128\"]", "2001:db8::7",
                                                              ["2001:db8::7", "::1"])):
        port = t.closing(Port())
        t.outrider(f'listeners: [ {{ name: main, address: "[::1]:{port.port}"{proxies} }} ]\n' + PLAIN, origin=origin)
        t.get(("::1", port.port), headers=[("X-Forwarded-For", said)])
        t.equal(origin.requests[-1].get("x-forwarded-for"), ", ".join(want), "X-Forwarded-For")
        t.equal([parameters(e)["for"] for e in origin.requests[-1].get("forwarded").split(", ")], [f"[{a}]" for a in want],
                "for= in Forwarded")
        t.contains(origin.requests[-1].get("forwarded"), f'for="[{want[-1]}]"', "Forwarded")


main()
