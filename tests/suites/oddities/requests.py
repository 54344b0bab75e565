# tests/suites/oddities/requests.py - request lines, fields and hosts: what must be refused, what must be served.
# SPDX-License-Identifier: Apache-2.0
from .case import accept, either, head, only, refuse

CONTROLS = {"NUL": b"\0", "BEL": b"\a", "backspace": b"\b", "vertical tab": b"\v", "form feed": b"\f", "ESC": b"\x1b",
            "DEL": b"\x7f"}


def lines():
    """The request line: RFC 9112 3."""
    for what, line in {
            "no target": b"GET HTTP/1.1", "no version": b"GET /", "no method": b" / HTTP/1.1", "an empty target": b"GET  HTTP/1.1",
            "a tab after the method": b"GET\t/ HTTP/1.1", "a tab before the version": b"GET /\tHTTP/1.1",
            "a blank in the target": b"GET /a b HTTP/1.1", "a blank before the method": b" GET / HTTP/1.1",
            "a form feed as the blank": b"GET\f/ HTTP/1.1", "a word too many": b"GET / HTTP/1.1 x"}.items():
        yield refuse(f"line: {what}", line + b"\r\nHost: t.example\r\n\r\n")
    for what, line in {"two blanks after the method": b"GET  / HTTP/1.1", "two blanks before the version": b"GET /  HTTP/1.1",
                       "a blank at the end": b"GET / HTTP/1.1 "}.items():
        yield either(f"line: {what}", line + b"\r\nHost: t.example\r\n\r\n", ("GET", "/", b""))
    for what, method in {"a bracket": b"G[T", "a slash": b"G/T", "a colon": b"GET:", "a quote": b'G"T', "NUL": b"G\0T", "a byte of 128": b"G\x80T",
                         "a parenthesis": b"GET("}.items():
        yield refuse(f"method: {what} in it", method + b" / HTTP/1.1\r\nHost: t.example\r\n\r\n", (400, 405, 501))
    yield refuse("method: CONNECT", b"CONNECT t.example:443 HTTP/1.1\r\nHost: t.example:443\r\n\r\n", range(400, 600))
    yield refuse("method: CONNECT with a path", b"CONNECT /x HTTP/1.1\r\nHost: t.example\r\n\r\n", range(400, 600))
    yield refuse("method: asterisk with GET", b"GET * HTTP/1.1\r\nHost: t.example\r\n\r\n")
    yield refuse("method: longer than any", b"M" * 20000 + b" / HTTP/1.1\r\nHost: t.example\r\n\r\n", (400, 405, 413, 414, 431, 501))


def versions():
    """The version: RFC 9112 2.3, RFC 9110 2.5."""
    for what, version in {"lower case": b"http/1.1", "mixed case": b"Http/1.1", "no slash": b"HTTP1.1", "no minor": b"HTTP/1",
                          "no digits": b"HTTP/", "a dot too many": b"HTTP/1.1.1", "leading zero, major": b"HTTP/01.1",
                          "leading zero, minor": b"HTTP/1.01", "two digits": b"HTTP/1.10", "a comma": b"HTTP/1,1", "a sign": b"HTTP/+1.1",
                          "a letter": b"HTTP/1.x", "another protocol": b"ICY/1.1", "a blank in it": b"HTTP/ 1.1", "hexadecimal": b"HTTP/0x1.1"}.items():
        yield refuse(f"version: {what}", b"GET / " + version + b"\r\nHost: t.example\r\n\r\n", (400, 505))
    for version in (b"HTTP/0.9", b"HTTP/2.0", b"HTTP/3.0", b"HTTP/9.9"):
        yield refuse(f"version: {version.decode()}", b"GET / " + version + b"\r\nHost: t.example\r\n\r\n", (400, 426, 505))
    yield either("version: HTTP/1.2", b"GET / HTTP/1.2\r\nHost: t.example\r\n\r\n", ("GET", "/", b""), (400, 505))
    yield refuse("version: the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", range(400, 600))


def targets():
    """The target: RFC 9112 3.2, RFC 3986."""
    for what, target in {"NUL": b"/a\0b", "a control": b"/a\x01b", "DEL": b"/a\x7fb", "a backslash": b"/a\\b",
                         "an encoded NUL": b"/a%00b", "an overlong slash": b"/a\xc0\xafb", "a bare CR": b"/a\rb"}.items():
        yield refuse(f"target: {what}", b"GET " + target + b" HTTP/1.1\r\nHost: t.example\r\n\r\n")
    yield refuse("target: a fragment", b"GET /a#b HTTP/1.1\r\nHost: t.example\r\n\r\n")
    yield refuse("target: no slash at its start", b"GET index.html HTTP/1.1\r\nHost: t.example\r\n\r\n")
    yield refuse("target: longer than any", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: t.example\r\n\r\n", (400, 414, 431))
    yield accept("target: a thousand bytes", b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\nHost: t.example\r\n\r\n", ("GET", "/" + "a" * 1000, b""))
    yield either("target: CR and LF, encoded", b"GET /a%0d%0ab HTTP/1.1\r\nHost: t.example\r\n\r\n", ("GET", "/a%0d%0ab", b""))
    yield either("target: bytes of 128 and more", b"GET /\xc3\xa4 HTTP/1.1\r\nHost: t.example\r\n\r\n")
    yield only("target: absolute", b"GET http://t.example/x HTTP/1.1\r\nHost: t.example\r\n\r\n", ("/x", "http://t.example/x"), ())


def fields():
    """Field lines: RFC 9112 5, RFC 9110 5."""
    for what, line in {
            "no colon": b"X-A", "no name": b": x", "a blank before the colon": b"X-A : x", "a tab before the colon": b"X-A\t: x",
            "a blank in the name": b"X A: x", "a tab in the name": b"X\tA: x", "a bracket in the name": b"X[A]: x",
            "a slash in the name": b"X/A: x", "a parenthesis in the name": b"X(A): x", "an at sign in the name": b"X@A: x",
            "a byte of 128 in the name": b"X\xe4: x", "NUL in the name": b"X\0A: x", "a fold": b"X-A: x\r\n y",
            "a fold with a tab": b"X-A: x\r\n\ty", "a fold of the name": b"X-\r\n A: x", "only blanks": b"  ",
            "CR in the value": b"X-A: x\ry"}.items():
        yield refuse(f"field: {what}", head(line))
    for what, byte in CONTROLS.items():
        yield refuse(f"field: {what} in the value", head(b"X-A: x" + byte + b"y"))
    yield refuse("field: a blank before the first one", b"GET / HTTP/1.1\r\n X: y\r\nHost: t.example\r\n\r\n")
    yield refuse("field: a fold before the first one", b"GET / HTTP/1.1\r\n\tHost: t.example\r\n\r\n")
    yield refuse("field: a longer value than any", head(b"X-A: " + b"a" * 200000), (400, 413, 431))
    yield refuse("field: a longer name than any", head(b"X" * 200000 + b": a"), (400, 413, 431))
    yield refuse("field: ten thousand of them", head(*[b"X-%d: y" % i for i in range(10000)]), (400, 413, 431))
    yield accept("field: an empty value", head(b"X-A:"), ("GET", "/", b""))
    yield accept("field: blanks around the value", head(b"X-A: \t x \t "), ("GET", "/", b""))
    yield accept("field: bytes of 128 and more in the value", head(b"X-A: \xc3\xa4"), ("GET", "/", b""))
    yield accept("field: fifty of them", head(*[b"X-%d: y" % i for i in range(50)]), ("GET", "/", b""))
    yield accept("field: a value of 4000 bytes", head(b"X-A: " + b"a" * 4000), ("GET", "/", b""))


def hosts():
    """Host: RFC 9112 3.2, RFC 9110 7.2."""
    start = b"GET / HTTP/1.1\r\n"
    for what, line in {
            "none": b"", "two": b"Host: t.example\r\nHost: u.example\r\n", "twice the same": b"Host: t.example\r\nHost: t.example\r\n",
            "empty": b"Host:\r\n", "user information": b"Host: me@t.example\r\n", "a path": b"Host: t.example/x\r\n",
            "a comma": b"Host: t.example, u.example\r\n", "a blank in it": b"Host: t .example\r\n", "a port of letters": b"Host: t.example:x\r\n",
            "a port too many": b"Host: t.example:80:80\r\n", "a question mark": b"Host: t.example?x\r\n", "a fragment": b"Host: t.example#x\r\n",
            "an open bracket": b"Host: [::1\r\n", "a port beyond all": b"Host: t.example:65536000\r\n", "a quote": b'Host: "t.example"\r\n',
            "a scheme": b"Host: http://t.example\r\n", "a backslash": b"Host: t.example\\x\r\n", "folded": b"Host:\r\n t.example\r\n",
            "a blank before the colon": b"Host : t.example\r\n", "NUL": b"Host: t.example\0.u\r\n"}.items():
        yield refuse(f"host: {what}", start + line + b"\r\n")
    yield accept("host: a port", start + b"Host: t.example:8080\r\n\r\n", ("GET", "/", b""))
    yield accept("host: an IPv6 address", start + b"Host: [::1]:8080\r\n\r\n", ("GET", "/", b""))
    yield accept("host: none in HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", ("GET", "/", b""), (400,))
    yield only("host: another one than that of the target", b"GET http://t.example/x HTTP/1.1\r\nHost: u.example\r\n\r\n", ("/x",))


def ends():
    """Ends of lines: RFC 9112 2.2."""
    one = ("GET", "/", b"")
    yield refuse("ends: CR alone everywhere", b"GET / HTTP/1.1\rHost: t.example\r\r")
    yield refuse("ends: CR alone after the request line", b"GET / HTTP/1.1\rHost: t.example\r\n\r\n")
    yield refuse("ends: CR CR LF", b"GET / HTTP/1.1\r\r\nHost: t.example\r\n\r\n")
    yield refuse("ends: LF CR", b"GET / HTTP/1.1\n\rHost: t.example\n\r\n\r")
    for what, raw in {"LF alone everywhere": b"GET / HTTP/1.1\nHost: t.example\n\n",
                      "LF alone after the request line": b"GET / HTTP/1.1\nHost: t.example\r\n\r\n",
                      "LF alone after a field": b"GET / HTTP/1.1\r\nHost: t.example\nX-A: y\r\n\r\n",
                      "LF alone at the end of the head": b"GET / HTTP/1.1\r\nHost: t.example\r\n\n"}.items():
        yield either(f"ends: {what}", raw, one)
    yield accept("ends: an empty line before the request", b"\r\nGET / HTTP/1.1\r\nHost: t.example\r\n\r\n", one, (400,))
    yield either("ends: two empty lines before the request", b"\r\n\r\nGET / HTTP/1.1\r\nHost: t.example\r\n\r\n", one)
    yield refuse("ends: garbage", bytes(range(128, 256)) + b"\r\n\r\n")
    yield refuse("ends: a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x5a" * 500 + b"\r\n\r\n")
    yield refuse("ends: only blanks", b"   \r\n\r\n")


def cases():
    for group in (lines, versions, targets, fields, hosts, ends):
        yield from group()
