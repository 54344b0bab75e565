#!/usr/bin/env python3
# tests/flow/refuse-host.py - 8: Host that is missing, doubled or not a host.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *


def test_missing(t):
    """8: HTTP/1.1 without Host is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    strict.refused(t, {"none": strict.get(host=None),
                       "none, absolute form": strict.get(line=b"GET http://t.example/bad HTTP/1.1", host=None)},
                       (400,))


def test_twice(t):
    """8: two Hosts are 400, also when they are the same"""
    strict.refused(t, {"equal": strict.get(b"Host: t.example"), "different": strict.get(b"Host: evil.example"),
                       "other case": strict.get(b"hOST: t.example"),
                       "one empty": strict.get(b"Host:"),
                       "absolute form": strict.get(b"Host: t.example", line=b"GET http://t.example/bad HTTP/1.1")},
                       (400,))


def test_values(t):
    """8: Hosts that are no host and port are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    values = [b"", b"a b", b"a,b", b"user@t.example", b"user:pw@t.example", b"t.example/path", b"t.example?q",
              b"t.example#f", b"t.example:x",
              b"t.example:99999", b"t.example:-1", b"t.example:80:80", b"[::1", b"::1]", b"t.exa\0mple",
              b"t.ex\\ample", b"http://t.example", b"<x>", b'"t"',
              b"t.example, evil.example"]
    strict.refused(t, {f"Host {value!r}": strict.get(host=b"Host: " + value) for value in values}, (400,))


HOST = b"!$&'()*+;=-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_any_byte(t):
    """8: no byte stands in Host that has no place in a name: first, within"""
    needs_seam(t, "what its library hides cannot be refused")
    cases = {}
    for byte in range(256):
        if byte not in HOST and byte not in b" \t:":
            cases[f"{byte:02x} first"] = strict.get(host=b"Host: %ct.example" % byte)
        if byte not in HOST and byte != 0x3a:
            cases[f"{byte:02x} within"] = strict.get(host=b"Host: t%cexample" % byte)
    strict.refused(t, cases, (400,), step=strict.SWEEP)


def test_disguised(t):
    """8: a Host in a disguise, alone or beside a good one, is 400"""
    needs_seam(t, "what its library hides cannot be refused")
    lines = strict.disguises(b"Host", b"evil.example")
    cases = {f"{line!r} alone": strict.get(line, host=None) for line in lines}
    cases.update({f"{line!r} behind": strict.get(line) for line in lines})
    cases.update({f"{line!r} before": strict.get(b"Host: t.example", host=line) for line in lines})
    strict.refused(t, cases, (400,))


def test_addresses(t):
    """8: addresses and ports that are none are 400"""
    needs_seam(t, "what its library hides cannot be refused")
    values = (b"[]", b"[::1", b"[::1]]", b"[::1]x", b"[::1]:x", b"[::1]:99999", b"[::1]@a", b"[::g]", b"[1:2:3:4:5:6:7:8:9]",
              b"[::1%25eth0]", b"[::1%eth0]", b"[v1.x]", b"[127.0.0.1]", b"[::ffff:1.2.3.256]", b":", b":80", b"a:65536",
              b"a:-1", b"a:+1", b"a:0x50", b"a: 80", b"a:8 0", b"a:000080", b"a:80,b:81", b"a;b@c", b"a:b@c:80", b"//a",
              b"/a", b"a/", b"a?b", b"a#b", b"a%00b", b"a%2eb", b"%61", b"a\\b", b"a|b", b"a^b", b"a`b", b"{a}", b"a\xc3\xa9", b"*:x",
              b"x" * 256, b"x" * 300, b"a:" + b"8" * 300)
    strict.refused(t, {repr(value): strict.get(host=b"Host: " + value) for value in values}, (400,))


def test_authorities(t):
    """8: an absolute target whose authority is none is 400, whatever Host says"""
    needs_seam(t, "what its library hides cannot be refused")
    targets = (b"http:", b"http:/", b"http://", b"http:///", b"http://?x", b"http:///bad", b"http://@/bad", b"http://a@t.example/bad",
               b"http://a:b@t.example/bad", b"http://:80/bad", b"http://a:x/bad", b"http://a:99999/bad", b"http://[::1/bad", b"http://a,b/bad",
               b"http://a%2fb/bad", b"http://a\\b/bad", b"http://a b/bad", b"http://a#b/bad", b"http:\\\\a/bad", b"http:a/bad", b"http//a/bad",
               b"://a/bad", b"ftp://a/bad", b"file:///etc/passwd", b"javascript:1", b"ws://a/bad", b"httpx://a/bad",
               b"http+unix://a/bad", b"https:/a/bad", b"HTTP//a", b"gopher://a:70/_x", b"unix:/run/x.sock|http://a/", b"a", b"a:80",
               b"a.example:443", b"*", b"*/bad", b"bad", b"bad/", b"?bad", b"%2fbad", b"..", b".", b"@t.example/bad", b"\xef\xbc\x8fbad")
    strict.refused(t, {repr(target): strict.get(line=b"GET " + target + b" HTTP/1.1") for target in targets},
                   (400,))


def test_connect(t):
    """25: CONNECT is refused in every form"""
    strict.refused(t, {repr(target): strict.get(b"Host: " + host, line=b"CONNECT " + target + b" HTTP/1.1", host=None)
                       for target, host in ((b"a.example:443", b"a.example:443"), (b"a.example:443", b"t.example"), (b"/", b"t.example"),
                                            (b"127.0.0.1:22", b"127.0.0.1:22"), (b"http://a.example/", b"a.example"),
                                            (b"[::1]:443", b"[::1]:443"), (b"*", b"t.example"), (b"a.example", b"a.example"))},
                   (400, 405, 501))


def test_good(t):
    """8: names, addresses and ports are served"""
    origin = strict.accepted(t, {f"Host {value!r}": strict.get(host=b"Host: " + value) for value in
                                 (b"t.example", b"T.EXAMPLE", b"t.example:8080", b"127.0.0.1", b"127.0.0.1:80",
                                  b"[::1]", b"[::1]:8080", b"a-b_c.example",
                                  b"localhost")})
    t.equal({len(r.all("host")) for r in origin.requests}, {1}, "Host fields at the target")


def test_absolute_form_wins(t):
    """8: the authority of an absolute-form target replaces Host"""
    origin = t.origin()
    client = t.client(t.outrider(PLAIN, origin=origin))
    client.send(b"GET http://real.example:81/x HTTP/1.1\r\nHost: other.example\r\n\r\n")
    t.equal(client.response().status, 200, "status")
    t.equal((origin.last.target, origin.last.all("host")), ("/x", ["real.example:81"]), "request at the target")


main()
