#!/usr/bin/env python3
# tests/flow/served-requests.py - odd but legal requests, in every way they can arrive: they reach the target exactly as they should.
# SPDX-License-Identifier: Apache-2.0
import sys

sys.path[0] += "/.."
sys.dont_write_bytecode = True
from kit import *

Served = strict.Served
TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def fields(*lines, seen):
    """A GET with these field lines; seen: (name, value) at the target."""
    return Served(strict.get(*lines), method="GET", fields=seen)


def target(asked, seen=None, host="t.example", method="GET"):
    return Served(strict.get(line=f"{method} {asked} HTTP/1.1".encode()), method=method, target=seen or asked, host=host)


def test_fields(t):
    """odd but legal field lines"""
    latin = bytes(range(0xa0, 0x100))
    strict.accepted(t, {
        "an empty value": fields(b"X-A:", seen=[("x-a", "")]), "nothing but blanks": fields(b"X-A: \t ", seen=[("x-a", "")]),
        "no blank": fields(b"X-A:b", seen=[("x-a", "b")]), "blanks on both sides": fields(b"X-A: \t b \t", seen=[("x-a", "b")]),
        "a tab within": fields(b"X-A: a\tb", seen=[("x-a", "a\tb")]), "blanks within": fields(b"X-A: a   b", seen=[("x-a", "a   b")]),
        "a colon within": fields(b"X-A: b:c", seen=[("x-a", "b:c")]), "a colon first": fields(b"X-A::b", seen=[("x-a", ":b")]),
        "every character of a name": fields(TOKEN.encode() + b": v", seen=[(TOKEN.lower(), "v")]),
        "a name of one byte": fields(b"!: v", seen=[("!", "v")]), "a name of digits": fields(b"123: v", seen=[("123", "v")]),
        "every visible character": fields(b"X-A: " + bytes(range(0x21, 0x7f)), seen=[("x-a", bytes(range(0x21, 0x7f)).decode())]),
        "every byte above 0x7f": fields(b"X-A: " + bytes(range(0x80, 0x100)),
                                        seen=[("x-a", bytes(range(0x80, 0x100)).decode("latin-1"))]),
        "Latin 1": fields(b"X-A: " + latin, seen=[("x-a", latin.decode("latin-1"))]),
        "UTF-8": fields("X-A: é€😀".encode(), seen=[("x-a", "é€😀".encode().decode("latin-1"))]),
        "no UTF-8": fields(b"X-A: \xc3\x28\xed\xa0\x80", seen=[("x-a", "\xc3\x28\xed\xa0\x80")]),
        "one name twice": fields(b"X-A: a", b"X-A: b", seen=[("x-a", "a"), ("x-a", "b")]),
        "one name in two cases": fields(b"X-A: a", b"x-a: b", seen=[("x-a", "a"), ("x-a", "b")]),
        "one name thrice, others between": fields(b"X-A: a", b"Y: 1", b"X-A: b", b"Z: 2", b"X-A: a",
                                                  seen=[("x-a", "a"), ("y", "1"), ("x-a", "b"), ("z", "2"), ("x-a", "a")]),
        "a long value": fields(b"X-A: " + b"v" * 6000, seen=[("x-a", "v" * 6000)]),
        "a long name": fields(b"X" * 3000 + b": v", seen=[("x" * 3000, "v")]),
        "many fields": fields(*[b"X-%d: v" % i for i in range(100)], seen=[(f"x-{i}", "v") for i in range(100)]),
        "a quoted string": fields(b'X-A: "a, b\\"c"', seen=[("x-a", '"a, b\\"c"')]),
        "an open quote": fields(b'X-A: "a', seen=[("x-a", '"a')]), "a backslash": fields(b"X-A: \\", seen=[("x-a", "\\")]),
        "percent signs": fields(b"X-A: %0d%0aX-B: c", seen=[("x-a", "%0d%0aX-B: c")]),
        "a list with holes": fields(b"Accept: ,, text/html ,,", seen=[("accept", ",, text/html ,,")]),
        "two Cookies": fields(b"Cookie: a=b", b"Cookie: c=d", seen=[("cookie", "a=b"), ("cookie", "c=d")]),
        "an odd Cookie": fields(b'Cookie: a="b; c"; =; ; d=e=f', seen=[("cookie", 'a="b; c"; =; ; d=e=f')]),
        "Authorization": fields(b"Authorization: Basic YTpi", seen=[("authorization", "Basic YTpi")]),
        "a date that is none": fields(b"If-Modified-Since: yesterday", seen=[("if-modified-since", "yesterday")]),
        "a Range that is none": fields(b"Range: lines=1-2", seen=[("range", "lines=1-2")]),
        "names that begin like others": fields(b"Content-Lengthy: 5", b"Hosts: x", b"Transfer-Encoding-X: chunked", b"X-Hosts: y",
                                               seen=[("content-lengthy", "5"), ("hosts", "x"), ("transfer-encoding-x", "chunked"),
                                                     ("x-hosts", "y")]),
        "names with an underscore": fields(b"Content_Length: 5", b"Transfer_Encoding: chunked",
                                           seen=[("content_length", "5"), ("transfer_encoding", "chunked")]),
        "names with a dot": fields(b"Content.Length: 5", seen=[("content.length", "5")]),
        "HTTP in a value": fields(b"X-A: GET / HTTP/1.1", seen=[("x-a", "GET / HTTP/1.1")]),
        "a hop-by-hop field": fields(b"Keep-Alive: timeout=5", b"X-A: b", seen=[("x-a", "b")]),
        "a field that Connection names": fields(b"Connection: x-mine", b"X-Mine: y", b"X-A: b", seen=[("x-a", "b")]),
        "Proxy-Connection": fields(b"Proxy-Connection: close", b"X-A: b", seen=[("x-a", "b")]),
        "Upgrade without Connection": fields(b"Upgrade: websocket", b"X-A: b", seen=[("x-a", "b")])})


def test_lines(t):
    """odd but legal request lines"""
    strict.accepted(t, {
        "an empty line before": Served(b"\r\n" + strict.get(), method="GET"),
        "lower-case method": target("/bad", method="get"), "a method of its own": target("/bad", method="M-SEARCH"),
        "a method of odd characters": target("/bad", method="!#$%&'*+-.^_`|~09"), "one letter": target("/bad", method="X"),
        "twenty-four letters": target("/bad", method="ABCDEFGHIJKLMNOPQRSTUVWX"), "PROPFIND": target("/bad", method="PROPFIND"),
        "PRINT, which begins like PRI": target("/bad", method="PRINT"), "CONNECTS": target("/bad", method="CONNECTS"),
        "DELETE without a body": target("/bad", method="DELETE"), "a query": target("/bad?a=b&c"), "an empty query": target("/bad?"),
        "a question in a query": target("/bad?a?b?"), "slashes and dots in a query": target("/bad?/../%2e%2e//;"),
        "brackets in a query": target("/bad?a[]=1&b{c}|^`=2"), "a broken encoding in a query": target("/bad?%zz&%"),
        "encoded controls in a query": target("/bad?%00%0d%0a"), "an address in a query": target("/bad?u=http://a@b:80/"),
        "every character of a path": target("/!$&'()*+,-:=@_~aZ09;x"), "brackets in a path": target("/a[]{}|^`"),
        "an encoded question mark": target("/a%3Fb"), "an encoded hash": target("/a%23b"), "an encoded percent sign": target("/a%25b"),
        "encoded twice": target("/%252e%252e/a"), "encoded UTF-8": target("/caf%c3%a9", "/caf%C3%A9"),
        "encoded letters": target("/%62%61%64", "/bad"), "slashes": target("//a///b", "/a/b"), "dots": target("/a/./b/../c", "/a/c"),
        "above the root": target("/../../a", "/a"), "three dots": target("/.../a"), "a parameter": target("/a;b=c/d"),
        "the root": target("/"), "a long path": target("/" + "a" * 6000), "many segments": target("/a" * 1000),
        "absolute form": target("http://other.example/bad", "/bad", "other.example"),
        "absolute form, upper case": target("HTTP://other.example/bad", "/bad", "other.example"),
        "absolute form with a port": target("http://other.example:81/bad?x", "/bad?x", "other.example:81"),
        "absolute form, no path": target("http://other.example", "/", "other.example"),
        "absolute form, a query only": target("http://other.example?x", "/?x", "other.example"),
        "absolute form, IPv6": target("http://[::1]:81/bad", "/bad", "[::1]:81"),
        "absolute form, https": target("https://other.example/bad", "/bad", "other.example"),
        "HTTP/1.0, kept": Served(strict.get(b"Connection: keep-alive", line=b"GET /bad HTTP/1.0"), method="GET"),
        "HTTP/1.0": Served(strict.get(line=b"GET /bad HTTP/1.0"), method="GET", ends=True),
        "closed": Served(strict.get(b"Connection: close"), method="GET", ends=True),
        "closed, in a list, upper case": Served(strict.get(b"Connection: x , CLOSE"), method="GET", ends=True)})


def test_hosts(t):
    """odd but legal hosts"""
    strict.accepted(t, {value: Served(strict.get(host=b"Host: " + value.encode()), method="GET", host=seen or value)
                        for value, seen in {
                            "t.example": "", "T.Example": "", "t.example.": "", "t.example:80": "", "t.example:0": "", "t.example:65535": "",
                            "localhost": "", "a": "", "1": "", "127.0.0.1:80": "", "2130706433": "", "0x7f.1": "", "[::1]": "",
                            "[::1]:80": "", "[2001:db8::a]": "", "[::ffff:1.2.3.4]:9": "", "a_b.example": "", "-a-": "", "a~b!$&'()*+;=c": "",
                            "x" * 200: "", "xn--caf-dma.example": "", "t.example:": "", "[::1]:": "",
                            " \t t.example \t": "t.example"}.items()})


def counted(body, *more, length=None, method="POST"):
    return Served(strict.get(b"Content-Length: " + (length or b"%d" % len(body)), *more, line=method.encode() + b" /bad HTTP/1.1") + body,
                  method=method, body=body)


def coded(wire, body, *more, method="POST", trailers=()):
    return Served(strict.get(b"Transfer-Encoding: chunked", *more, line=method.encode() + b" /bad HTTP/1.1") + wire,
                  method=method, body=body, trailers=trailers)


def test_counted(t):
    """odd but legal counted bodies"""
    everything = bytes(range(256))
    strict.accepted(t, {
        "one byte": counted(b"x"), "none": counted(b""), "leading zeros": counted(b"hello", length=b"00005"),
        "eighteen digits": counted(b"hello", length=b"0" * 17 + b"5"), "every byte": counted(everything),
        "a request as a body": counted(strict.SMUGGLED), "an end of chunks as a body": counted(b"0\r\n\r\n"),
        "nothing but line ends": counted(b"\r\n" * 20), "zeros": counted(bytes(300)), "in a GET": counted(b"hello", method="GET"),
        "in a DELETE": counted(b"hello", method="DELETE"), "in an OPTIONS": counted(b"hello", method="OPTIONS"),
        "in a method of its own": counted(b"hello", method="QUERY"), "length last": Served(strict.post(b"X-A: b", b"CONTENT-LENGTH:5", body=b"hello"), fields=[("x-a", "b")], body=b"hello"),
        "20000 bytes": counted(everything * 80), "HTTP/1.0": Served(strict.post(b"Content-Length: 5", body=b"hello", version=b"HTTP/1.0"),
                                                                   body=b"hello", ends=True),
        "named like chunks": counted(b"5\r\nhello\r\n0\r\n\r\n"), "a content coding that is none": Served(
            strict.post(b"Content-Encoding: chunked", b"Content-Length: 5", body=b"hello"),
            fields=[("content-encoding", "chunked")], body=b"hello")})


def test_chunked(t):
    """odd but legal chunked bodies"""
    strict.accepted(t, {
        "none": coded(b"0\r\n\r\n", b""), "one byte a chunk": coded(b"1\r\nx\r\n" * 50 + b"0\r\n\r\n", b"x" * 50),
        "upper case": coded(b"A\r\nhellohello\r\n0\r\n\r\n", b"hellohello"), "lower case": coded(b"a\r\nhellohello\r\n0\r\n\r\n", b"hellohello"),
        "leading zeros": coded(b"000005\r\nhello\r\n000\r\n\r\n", b"hello"), "sixteen digits": coded(b"0" * 15 + b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        "sixteen zeros": coded(b"5\r\nhello\r\n" + b"0" * 16 + b"\r\n\r\n", b"hello"),
        "an extension on the last chunk": coded(b"5\r\nhello\r\n0;a=b\r\n\r\n", b"hello"),
        "an empty extension on the last chunk": coded(b"5\r\nhello\r\n0;\r\n\r\n", b"hello"),
        "a quoted extension on the last chunk": coded(b'5\r\nhello\r\n0;a="b;c d"\r\n\r\n', b"hello"),
        "chunks as data": coded(b"f\r\n5\r\nhello\r\n0\r\n\r\n\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n"),
        "a request as data": coded(b"%x\r\n" % len(strict.SMUGGLED) + strict.SMUGGLED + b"\r\n0\r\n\r\n", strict.SMUGGLED),
        "line ends as data": coded(b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"), "zeros as data": coded(b"3\r\n\0\0\0\r\n0\r\n\r\n", b"\0\0\0"),
        "every byte": coded(b"100\r\n" + bytes(range(256)) + b"\r\n0\r\n\r\n", bytes(range(256))),
        "in a GET": coded(b"5\r\nhello\r\n0\r\n\r\n", b"hello", method="GET"),
        "in a DELETE": coded(b"5\r\nhello\r\n0\r\n\r\n", b"hello", method="DELETE"),
        "in a method of its own": coded(b"5\r\nhello\r\n0\r\n\r\n", b"hello", method="QUERY"),
        "a large chunk": coded(b"4e20\r\n" + b"z" * 20000 + b"\r\n0\r\n\r\n", b"z" * 20000),
        "the coding in upper case, no blank": Served(strict.post(b"TRANSFER-ENCODING:CHUNKED", body=b"5\r\nhello\r\n0\r\n\r\n"), body=b"hello"),
        "the coding in mixed case, blanks before": Served(strict.post(b"tRANSFER-eNCODING: \t cHuNkEd", body=b"5\r\nhello\r\n0\r\n\r\n"),
                                                          body=b"hello")})


main()
