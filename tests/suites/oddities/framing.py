# tests/suites/oddities/framing.py - lengths, codings, chunks and what hides behind them.
# SPDX-License-Identifier: Apache-2.0
from .case import Case, accept, either, head, only, post, refuse

INSIDE = b"GET /smuggled HTTP/1.1\r\nHost: t.example\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
SAID = ("POST", "/", b"hello")


def lengths():
    """Content-Length: RFC 9110 8.6, RFC 9112 6.3."""
    yield accept("length: five", post(b"Content-Length: 5", body=b"hello"), SAID)
    yield accept("length: none, none", post(b"Content-Length: 0"), ("POST", "/", b""))
    for what, value in {"letters": b"abc", "a plus": b"+5", "a minus": b"-5", "minus nothing": b"-0", "hexadecimal": b"0x5",
                        "octal of today": b"0o5", "an underscore": b"1_0", "a blank within": b"1 0", "a point": b"5.0", "an exponent": b"5e0",
                        "empty": b"", "two different ones in a list": b"5, 6", "three, the last different": b"5, 5, 6",
                        "beyond 64 bits": b"99999999999999999999", "2 to the 64th": b"18446744073709551616", "a comma before": b", 5",
                        "a comma behind": b"5,", "quoted": b'"5"', "a full-width digit": "５".encode(), "a percent sign": b"%35",
                        "a semicolon": b"5;a", "NUL": b"5\0", "a vertical tab": b"\v5"}.items():
        yield refuse(f"length: {what}", post(b"Content-Length: " + value, body=b"hello" + INSIDE), (400, 413))
    yield refuse("length: two lines, different", post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello" + INSIDE))
    yield refuse("length: a blank before the colon", post(b"Content-Length : 5", body=b"hello"))
    yield refuse("length: folded", post(b"Content-Length:\r\n 5", body=b"hello"))
    for what, lines in {"two lines, the same": (b"Content-Length: 5", b"Content-Length: 5"), "the same in a list": (b"Content-Length: 5, 5",),
                        "leading zeros": (b"Content-Length: 005",), "a blank behind": (b"Content-Length: 5 ",),
                        "blanks before": (b"Content-Length:   5",), "a tab before": (b"Content-Length:\t5",)}.items():
        yield either(f"length: {what}", post(*lines, body=b"hello"), SAID)
    yield only("length: with an underscore is none", post(b"Content_Length: 99"), ("/",))
    yield Case("length: more than comes", post(b"Content-Length: 10", body=b"half"), (400, 408), quiet=True)
    yield Case("length: far more than comes", post(b"Content-Length: 999999999", body=b"x"), (400, 408, 413), quiet=True)


def codings():
    """Transfer-Encoding: RFC 9112 6.1."""
    yield accept("coding: chunked", post(CHUNKED, body=HELLO), SAID)
    yield accept("coding: CHUNKED", post(b"Transfer-Encoding: CHUNKED", body=HELLO), SAID)
    yield accept("coding: the name in upper case", post(b"TRANSFER-ENCODING: chunked", body=HELLO), SAID)
    for what, value in {"unknown": b"whatever", "identity": b"identity", "gzip, not chunked": b"gzip", "chunked not last": b"chunked, gzip",
                        "chunked twice": b"chunked, chunked", "empty": b"", "xchunked": b"xchunked", "chunkedx": b"chunkedx",
                        "quoted": b'"chunked"', "a parameter": b"chunked;a=b", "a vertical tab": b"\vchunked",
                        "a form feed": b"\fchunked", "NUL": b"chunked\0", "a bracket": b"[chunked]", "a bare CR": b"chunked\r", "in two words": b"chun ked",
                        "identity and chunked": b"identity, chunked"}.items():
        yield refuse(f"coding: {what}", post(b"Transfer-Encoding: " + value, body=HELLO))
        yield refuse(f"coding: {what}, beside a length", post(b"Content-Length: 5", b"Transfer-Encoding: " + value, body=b"hello" + INSIDE))
    for what, lines in {"two lines": (CHUNKED, CHUNKED), "two lines, different": (CHUNKED, b"Transfer-Encoding: identity"),
                        "a blank before the colon": (b"Transfer-Encoding : chunked",), "folded": (b"Transfer-Encoding:\r\n chunked",),
                        "the name folded": (b"Transfer-: x\r\n Encoding: chunked",)}.items():
        yield refuse(f"coding: {what}", post(*lines, body=HELLO + INSIDE))
    for what, value in {"a comma before": b", chunked", "a comma behind": b"chunked,", "a blank behind": b"chunked ",
                        "a tab before": b"\tchunked"}.items():
        yield either(f"coding: {what}", post(b"Transfer-Encoding: " + value, body=HELLO), SAID)
    yield refuse("coding: in HTTP/1.0", post(CHUNKED, body=HELLO, start=b"POST / HTTP/1.0"))
    yield only("coding: with an underscore is none", post(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=b"hello"), ("/",))


def both():
    """Length and coding in one request: RFC 9112 6.3."""
    mixed = b"0\r\n\r\n" + INSIDE
    for what, lines in {"": (b"Content-Length: %d" % len(mixed), CHUNKED), "the coding first": (CHUNKED, b"Content-Length: %d" % len(mixed)),
                        "the length no number": (b"Content-Length: x", CHUNKED), "the length with a plus": (b"Content-Length: +5", CHUNKED),
                        "the length none": (b"Content-Length: 0", CHUNKED),
                        "close asked for": (b"Content-Length: %d" % len(mixed), CHUNKED, b"Connection: close")}.items():
        # Refused; or the coding decides and the connection ends: what is behind the last chunk is never a request.
        yield Case("both: " + (what or "the length first"), post(*lines, body=mixed), (400,), ("POST", "/", b""))
    for what, name in {"an obscured coding": b"Transfer-Encoding: xchunked", "a coding with a tab in its name": b"Transfer\tEncoding: chunked"}.items():
        yield refuse(f"both: {what}", post(b"Content-Length: 5", name, body=b"hello" + INSIDE))
    yield refuse("both: in HTTP/1.0", post(b"Content-Length: 5", CHUNKED, body=HELLO + INSIDE, start=b"POST / HTTP/1.0"))


def chunks():
    """Chunks: RFC 9112 7.1."""
    for what, body in {"hexadecimal digits in both cases": b"00A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"}.items():
        yield accept(f"chunk: {what}", post(CHUNKED, body=body), ("POST", "/", b"01234567890123456789"))
    yield accept("chunk: nothing but the last", post(CHUNKED, body=b"0\r\n\r\n"), ("POST", "/", b""))
    yield accept("chunk: a last one of many zeros", post(CHUNKED, body=b"5\r\nhello\r\n000\r\n\r\n"), SAID)
    yield accept("chunk: an extension", post(CHUNKED, body=b"5;a=b\r\nhello\r\n0\r\n\r\n"), SAID)
    yield accept("chunk: a quoted extension", post(CHUNKED, body=b'5;a="b c"\r\nhello\r\n0\r\n\r\n'), SAID)
    for what, size in {"no digits": b"", "a letter": b"g", "a prefix": b"0x5", "a minus": b"-5", "a plus": b"+5", "a blank before": b" 5",
                       "an underscore": b"0_5", "a digit too many": b"FFFFFFFFFFFFFFFFF", "a point": b"5.0", "a comma": b"5,5",
                       "two words": b"5 5", "NUL": b"5\0", "full-width": "５".encode(), "beyond 64 bits": b"10000000000000005"}.items():
        yield refuse(f"chunk: size with {what}", post(CHUNKED, body=size + b"\r\nhello\r\n0\r\n\r\n"), (400, 413, 501))
    for what, body in {
            "LF in an extension": b"5;a\nhello\r\n0\r\n\r\n", "CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
            "NUL in an extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n", "a control in an extension": b"5;a\x01b\r\nhello\r\n0\r\n\r\n",
            "an extension without end": b"5;" + b"a" * 100000 + b"\r\nhello\r\n0\r\n\r\n",
            "CR alone behind the size": b"5\rhello\r\n0\r\n\r\n", "CR alone behind the data": b"5\r\nhello\r0\r\n\r\n",
            "no end of the data": b"5\r\nhello0\r\n\r\n", "more data than the size": b"5\r\nhello, world\r\n0\r\n\r\n",
            "two bytes other than CR and LF": b"5\r\nhelloXX0\r\n\r\n", "an empty line instead of a size": b"5\r\nhello\r\n\r\n0\r\n\r\n"}.items():
        yield refuse(f"chunk: {what}", post(CHUNKED, body=body + INSIDE), (400, 413, 431, 501))
    for what, body in {"LF alone behind the size": b"5\nhello\r\n0\r\n\r\n", "LF alone behind the data": b"5\r\nhello\n0\r\n\r\n",
                       "LF alone behind the last one": b"5\r\nhello\r\n0\n\r\n", "LF alone at the end": b"5\r\nhello\r\n0\r\n\n",
                       "a blank behind the size": b"5 \r\nhello\r\n0\r\n\r\n", "a tab behind the size": b"5\t\r\nhello\r\n0\r\n\r\n",
                       "a semicolon and nothing": b"5;\r\nhello\r\n0\r\n\r\n", "an extension that is no token": b"5;a[=b\r\nhello\r\n0\r\n\r\n"}.items():
        yield either(f"chunk: {what}", post(CHUNKED, body=body), SAID)
    yield Case("chunk: no last one", post(CHUNKED, body=b"5\r\nhello\r\n"), (400, 408), quiet=True)
    yield Case("chunk: less data than the size", post(CHUNKED, body=b"ff\r\nhello"), (400, 408), quiet=True)


def trailers():
    """Trailers: RFC 9110 6.5, RFC 9112 7.1.2."""
    yield accept("trailer: one", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), SAID)
    for what, line in {"no colon": b"X-Sum", "a blank before the colon": b"X-Sum : 1", "a fold": b"X-Sum: 1\r\n 2", "NUL": b"X-Sum: 1\0",
                       "a bare CR": b"X-Sum: 1\r2", "no name": b": 1", "too many of them": b"\r\n".join(b"X-%d: 1" % i for i in range(10000))}.items():
        yield refuse(f"trailer: {what}", post(CHUNKED, body=b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n" + INSIDE), (400, 413, 431))
    for what, line in {"Content-Length": b"Content-Length: 50", "Transfer-Encoding": b"Transfer-Encoding: chunked", "Host": b"Host: u.example",
                       "Authorization": b"Authorization: Basic eA=="}.items():
        yield either(f"trailer: {what}", post(CHUNKED, body=b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n"), SAID)
    yield either("trailer: LF alone", post(CHUNKED, body=b"5\r\nhello\r\n0\r\nX-Sum: 1\n\r\n"), SAID)


def behind():
    """What stands behind a request: RFC 9112 9."""
    one = head(start=b"GET /1 HTTP/1.1")
    two = head(start=b"GET /2 HTTP/1.1")
    yield Case("behind: another request", one + two, (), ("GET", "/1", b""), answers=2)
    yield Case("behind: three more", one + two * 3, (), ("GET", "/1", b""), answers=4)
    yield Case("behind: another request, after a body", post(b"Content-Length: 5", body=b"hello" + two), (), SAID, answers=2)
    yield Case("behind: another request, after chunks", post(CHUNKED, body=HELLO + two), (), SAID, answers=2)
    yield Case("behind: an empty line and another request", post(b"Content-Length: 5", body=b"hello\r\n" + two), (), SAID, answers=2)
    yield Case("behind: a request with close", head(b"Connection: close", start=b"GET /1 HTTP/1.1") + INSIDE, (), ("GET", "/1", b""))
    yield Case("behind: a request of HTTP/1.0", head(start=b"GET /1 HTTP/1.0") + INSIDE, (), ("GET", "/1", b""))
    yield Case("behind: garbage", one + b"\x00\x01garbage\r\n\r\n" + INSIDE, (), ("GET", "/1", b""), answers=2)
    yield Case("behind: the body of a GET is no request", head(b"Content-Length: %d" % len(INSIDE)) + INSIDE, (400, 413),
               ("GET", "/", INSIDE))
    yield Case("behind: the body of OPTIONS is no request", head(b"Content-Length: %d" % len(INSIDE), start=b"OPTIONS / HTTP/1.1") + INSIDE,
               (400, 413), ("OPTIONS", "/", INSIDE))
    yield Case("behind: the body of HEAD is no request", head(b"Content-Length: %d" % len(INSIDE), start=b"HEAD / HTTP/1.1") + INSIDE,
               (400, 413), ("HEAD", "/", INSIDE))
    yield Case("behind: the body of what expects 100 is no request", post(
        b"Content-Length: %d" % len(INSIDE), b"Expect: 100-continue", body=INSIDE), (417,), ("POST", "/", INSIDE))
    yield refuse("behind: an upgrade in HTTP/1.0 opens nothing", head(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: x",
                                                                     start=b"GET / HTTP/1.0") + INSIDE)
    yield Case("behind: the head is not at its end", b"GET / HTTP/1.1\r\nHost: t.exa", (400, 408), quiet=True)


def cases():
    for group in (lengths, codings, both, chunks, trailers, behind):
        yield from group()
